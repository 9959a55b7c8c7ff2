"""Merge two companies.

In: the company to keep, the other one, and the fields to take from the other. Out: the kept company with the contacts
of both, segments that filter by it instead of the other, and a record of the changes. The other company is deleted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction

from bounces.conflicts import retried
from contacts.access import User, can_change_company, changeable_contacts
from contacts.merging.contacts import Difference, is_said
from contacts.merging.recording import Snapshot, changes_between, move, snapshot, tables_of
from contacts.merging.settling import settle_merged
from contacts.models import Company, Contact, Merge, MergeRun
from contacts.people import NotAllowed

FIELDS = {"name": "Name", "domain": "Domain", "country": "Country", "owner": "Owner", "notes": "Notes"}
SEGMENTS = "contacts_segment"


def company_differences(kept: Company, other: Company) -> list[Difference]:
    """Fields that both fill with different values. Values that only one of them has are kept without asking."""
    found = [Difference(name, label, getattr(kept, name), getattr(other, name)) for name, label in FIELDS.items()]
    return [one for one in found if is_said(one.kept) and is_said(one.other) and one.kept != one.other]


@retried
def merge_companies(
    kept: Company,
    other: Company,
    take_other: Iterable[str],
    *,
    by: User,
    now: datetime,
    reason: str = "",
    run: MergeRun | None = None,
) -> Merge:
    """`take_other`: the names of the differences in which the other company's value is kept. Raises NotAllowed."""
    refuse_companies(kept, other, by)
    with transaction.atomic():
        kept, other = _lock(kept, other)
        before = _snapshot(kept, other)
        merged = Merge(
            subject=Merge.Subject.COMPANY, kept_id=kept.pk, other_id=other.pk, reason=reason.strip(),
            run=run, by=by, at=now,
        )  # fmt: skip
        merged.save()
        settle_merged(merged)
        _make_one(kept, other, set(take_other))
        merged.changes = changes_between(before, _snapshot(kept, other))
        merged.save(update_fields=["changes"])
    return merged


def refuse_companies(kept: Company, other: Company, by: User) -> None:
    """Raises NotAllowed if this user may not merge the two."""
    if kept.pk == other.pk or not (can_change_company(by, kept) and can_change_company(by, other)):
        raise NotAllowed("Choose two different companies that you may change.")
    if not by.has_perm("contacts.delete_contact"):
        raise NotAllowed("Only managers and admins can merge companies.")
    theirs = Contact.objects.present().filter(company=other)
    if theirs.exclude(pk__in=changeable_contacts(by).values("pk")).exists():
        raise NotAllowed(f"Some contacts of {other} are owned by others. Ask a manager to merge the two companies.")


def _lock(kept: Company, other: Company) -> tuple[Company, Company]:
    locked = Company.objects.select_for_update().filter(pk__in=[kept.pk, other.pk])
    both = {company.pk: company for company in locked.order_by("pk")}
    if len(both) < 2:
        raise NotAllowed("One of the two companies has been deleted.")
    return both[kept.pk], both[other.pk]


def _make_one(kept: Company, other: Company, take_other: set[str]) -> None:
    for name in FIELDS:
        theirs = getattr(other, name)
        if is_said(theirs) and (name in take_other or not is_said(getattr(kept, name))):
            setattr(kept, name, theirs)
    for table in tables_of(Company):
        move(table, kept.pk, other.pk)
    with connection.cursor() as cursor:
        cursor.execute(MOVE_FILTERS, {"kept": kept.pk, "other": other.pk})
    Company.objects.filter(pk=other.pk).delete()  # before saving: the kept company may take its name
    kept.save()


def _snapshot(kept: Company, other: Company) -> Snapshot:
    """Of contacts only the company, because a company may have many contacts."""
    taken = snapshot(Company, [kept.pk, other.pk], whole=False)
    with connection.cursor() as cursor:
        cursor.execute(FILTERS, {"ids": [kept.pk, other.pk]})
        taken[SEGMENTS] = {pk: {"id": pk, "filter": json.loads(text)} for pk, text in cursor.fetchall()}
    return taken


FILTERS = """
SELECT id, filter::text FROM contacts_segment
 WHERE EXISTS (SELECT FROM unnest(%(ids)s::bigint[]) AS company(id) WHERE filter -> 'company' @> to_jsonb(company.id))
"""
MOVE_FILTERS = """
UPDATE contacts_segment AS segment
   SET filter = jsonb_set(segment.filter, '{company}', (
        SELECT coalesce(jsonb_agg(DISTINCT CASE WHEN value = to_jsonb(%(other)s::bigint)
                                                THEN to_jsonb(%(kept)s::bigint) ELSE value END), '[]')
          FROM jsonb_array_elements(segment.filter -> 'company')))
 WHERE jsonb_typeof(filter -> 'company') = 'array' AND filter -> 'company' @> to_jsonb(%(other)s::bigint)
"""
