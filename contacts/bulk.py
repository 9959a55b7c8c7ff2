"""Doing one thing to many contacts at once, by a few statements however many there are.

In: contacts, who does it, what. Out: how many were changed. The caller passes only contacts that the person may change
(`access.changeable_contacts`). Every function may run twice: the second time changes nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from bounces.models import Address
from contacts.access import User
from contacts.models import Campaign, Contact, Tag
from contacts.models.people import ContactQuerySet

MOST = 50_000


class TooMany(ValueError):
    """More contacts than one request can change. The message is for people."""


def ids_of(contacts: ContactQuerySet) -> list[int]:
    """Raises TooMany."""
    ids = list(contacts.order_by("pk").values_list("pk", flat=True)[: MOST + 1])
    if len(ids) > MOST:
        raise TooMany(f"That is more than {MOST:,} contacts at once. Narrow the filter, and do it in parts.")
    return ids


def add_tag(contact_ids: list[int], tag: Tag, *, by: User, now: datetime) -> int:
    sql = """
        INSERT INTO contacts_contact_tags (contact_id, tag_id)
        SELECT chosen.id, %s FROM unnest(%s::bigint[]) AS chosen(id)
        ON CONFLICT DO NOTHING RETURNING contact_id
    """
    return _change(sql, [tag.pk, contact_ids], f"Tag “{tag}” added.", by, now)


def remove_tag(contact_ids: list[int], tag: Tag, *, by: User, now: datetime) -> int:
    sql = "DELETE FROM contacts_contact_tags WHERE tag_id = %s AND contact_id = ANY(%s) RETURNING contact_id"
    return _change(sql, [tag.pk, contact_ids], f"Tag “{tag}” removed.", by, now)


def set_owner(contact_ids: list[int], owner: Any | None, *, by: User, now: datetime) -> int:
    sql = """
        UPDATE contacts_contact SET owner_id = %s
        WHERE id = ANY(%s) AND owner_id IS DISTINCT FROM %s RETURNING id
    """
    owner_id = owner.pk if owner else None
    text = f"Owner set to {owner}." if owner else "Owner removed."
    return _change(sql, [owner_id, contact_ids, owner_id], text, by, now)


def add_to_campaign(contact_ids: list[int], campaign: Campaign) -> int:
    """Those who are in it already stay in it."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO contacts_campaignmember (campaign_id, contact_id)
            SELECT %s, chosen.id FROM unnest(%s::bigint[]) AS chosen(id)
            ON CONFLICT DO NOTHING
            """,
            [campaign.pk, contact_ids],
        )
        return int(cursor.rowcount)


def addresses_of(contacts: QuerySet[Contact]) -> QuerySet[Address]:
    """All addresses of these contacts, each once."""
    return Address.objects.filter(pk__in=contacts.order_by().values("contact_addresses__address"))


def _change(sql: str, params: list[Any], text: str, by: User, now: datetime) -> int:
    """Runs the statement, which returns the contacts it changed; those get a line in their timeline."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, params)
        changed = [row[0] for row in cursor.fetchall()]
        cursor.execute("UPDATE contacts_contact SET updated_at = %s WHERE id = ANY(%s)", [now, changed])
        cursor.execute(
            """
            INSERT INTO contacts_activity (contact_id, kind, text, by_id, at)
            SELECT chosen.id, 'edited', %s, %s, %s FROM unnest(%s::bigint[]) AS chosen(id)
            """,
            [text, by.pk, now, changed],
        )
    return len(changed)
