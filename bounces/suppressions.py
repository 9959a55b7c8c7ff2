"""Never send here: suppressing an address or a whole domain, and lifting that.

In: an address or domain with a reason. Out: Suppression rows. Organisation-wide, by a keyed hash, so that erasure of
the address does not end it. A machine may suppress; only a person lifts, with a reason (invariant I5).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from bounces.addresses import suppression_key
from bounces.conditions import in_force_at
from bounces.conflicts import ByRow
from bounces.models import Address, Suppression


class NotAPerson(PermissionError):
    """A suppression is lifted by a person with a reason; this was neither."""


IS_EARLIER = """(bounces_suppression.created_by_id IS NULL
                 AND (excluded.created_at, excluded.source, excluded.note)
                 < (bounces_suppression.created_at, bounces_suppression.source, bounces_suppression.note))"""


def suppress_many(
    addresses: Mapping[str, int],
    *,
    reason: str,
    source_of: Mapping[str, str],
    at_of: Mapping[str, datetime],
    note: str = "",
    note_of: Mapping[str, str] | None = None,
) -> None:
    """Suppresses normalised addresses (email -> id) for ever. May run twice. `note_of` each of them, else `note`.

    What is suppressed stays so, since the earliest that was told, whatever came first; what a person suppressed keeps
    its date. What happened before a person lifted that reason does not overrule the person.
    """
    emails = sorted(addresses)
    if not emails:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO bounces_suppression
                (scope, address_id, address_key, domain, reason, source, note, lift_reason, created_at)
            SELECT 'address', new.id, new.key, '', %s, new.source, new.note, '', new.at
            FROM unnest(%s::bigint[], %s::bytea[], %s::text[], %s::timestamptz[], %s::text[])
                AS new(id, key, source, at, note)
            WHERE NOT EXISTS (
                SELECT FROM bounces_suppression old
                WHERE old.address_key = new.key AND old.reason = %s AND old.lifted_at >= new.at
            )
            ON CONFLICT (address_key, reason) WHERE lifted_at IS NULL AND scope = 'address'
            DO UPDATE SET expires_at = NULL,
                created_at = CASE WHEN {IS_EARLIER} THEN excluded.created_at ELSE bounces_suppression.created_at END,
                source = CASE WHEN {IS_EARLIER} THEN excluded.source ELSE bounces_suppression.source END,
                note = CASE WHEN {IS_EARLIER} THEN excluded.note ELSE bounces_suppression.note END
            WHERE bounces_suppression.expires_at IS NOT NULL OR {IS_EARLIER}
            """,  # noqa: S608  (a constant)
            [
                reason,
                [addresses[email] for email in emails],
                [suppression_key(email) for email in emails],
                [source_of[email] for email in emails],
                [at_of[email] for email in emails],
                [(note_of or {}).get(email, note) for email in emails],
                reason,
            ],
        )


def suppress_address(
    address: Address,
    reason: str,
    source: str,
    *,
    now: datetime,
    by: Any = None,
    note: str = "",
    expires_at: datetime | None = None,
) -> Suppression:
    """Suppresses one address; where that reason already holds, the later end stands. May run twice."""
    suppression, is_new = Suppression.objects.get_or_create(
        scope=Suppression.Scope.ADDRESS,
        address_key=suppression_key(address.email),
        reason=reason,
        lifted_at=None,
        defaults={
            "expires_at": expires_at, "address": address, "source": source, "note": note, "created_by": by,
            "created_at": now,
        },
    )  # fmt: skip
    return suppression if is_new else _prolong(suppression, expires_at)


def suppress_domain(
    domain: str,
    reason: str,
    source: str,
    *,
    now: datetime,
    by: Any = None,
    note: str = "",
    expires_at: datetime | None = None,
) -> Suppression:
    """Suppresses all addresses of a domain (A-labels), those to come too; the later end stands. May run twice."""
    suppression, is_new = Suppression.objects.get_or_create(
        scope=Suppression.Scope.DOMAIN,
        domain=domain.strip().lower(),
        reason=reason,
        lifted_at=None,
        defaults={
            "expires_at": expires_at, "source": source, "note": note, "created_by": by, "created_at": now,
        },
    )  # fmt: skip
    return suppression if is_new else _prolong(suppression, expires_at)


def _prolong(suppression: Suppression, expires_at: datetime | None) -> Suppression:
    """Puts off the end, never forward: to end one sooner is to lift it, which takes a reason."""
    if suppression.expires_at is not None and (expires_at is None or expires_at > suppression.expires_at):
        suppression.expires_at = expires_at
        suppression.save(update_fields=["expires_at"])
    return suppression


def lift(suppression: Suppression, by: Any, reason: str, now: datetime) -> None:
    """Ends a suppression. Raises NotAPerson where nobody, or no reason, stands behind it. The first lift stands."""
    lift_many([suppression.pk], by, reason, now)
    suppression.refresh_from_db()


def lift_many(suppression_ids: Sequence[int], by: Any, reason: str, now: datetime) -> int:
    """Ends the chosen ones that are in force, or have expired; returns how many. Raises NotAPerson. May run twice."""
    if by is None or not by.pk or not reason.strip():
        raise NotAPerson("A suppression is lifted by a person, with a reason.")
    chosen = Suppression.objects.filter(pk__in=suppression_ids, lifted_at__isnull=True)
    return chosen.update(lifted_at=now, lifted_by=by, lift_reason=reason.strip())


# What no tool lifts: the recipient asked for it (invariant I5).
ASKED_FOR = frozenset({Suppression.Reason.COMPLAINT, Suppression.Reason.UNSUBSCRIBE})


@dataclass(frozen=True, slots=True)
class Lifted:
    """What became of ids that a tool wanted to lift; `refused` says why, by id."""

    lifted: int
    already: int
    refused: dict[int, str]


def lift_by_tool(suppression_ids: Collection[int], by: Any, reason: str, now: datetime) -> Lifted:
    """Lifts, in the name of the tool's user, what nobody asked for. Raises NotAPerson. May run twice."""
    found = {row.pk: row for row in Suppression.objects.filter(pk__in=suppression_ids)}
    refused = {pk: f"There is no suppression {pk}." for pk in suppression_ids if pk not in found}
    refused |= {
        pk: f"The recipient asked for this ({row.get_reason_display().lower()}): only a person lifts it, on the page."
        for pk, row in found.items()
        if row.reason in ASKED_FOR
    }
    wanted = sorted(set(found) - set(refused))
    lifted = lift_many(wanted, by, reason, now)
    return Lifted(lifted, len(wanted) - lifted, refused)


def in_state(rows: QuerySet[Suppression], state: str, now: datetime) -> QuerySet[Suppression]:
    """Those that are in_force, expired or lifted, as `Suppression.state_at` says it of one."""
    expired = Q(lifted_at__isnull=True, expires_at__lte=now)
    if state == "lifted":
        return rows.filter(lifted_at__isnull=False)
    if state == "expired":
        return rows.filter(expired)
    return rows.filter(in_force_at(now))


def active(now: datetime) -> QuerySet[Suppression]:
    """Those in force: not lifted, not expired. Expiry needs no job: it is asked here."""
    return Suppression.objects.filter(in_force_at(now))


def active_for(address_ids: Iterable[int], now: datetime) -> dict[int, list[Suppression]]:
    """The suppressions in force for each address, its domain's included. Two queries. To ask for an address that is
    gone raises ObjectDoesNotExist."""
    domains = dict(Address.objects.filter(pk__in=list(address_ids)).values_list("pk", "domain"))
    found: dict[int, list[Suppression]] = ByRow({pk: [] for pk in domains})
    of_domain: dict[str, list[Suppression]] = {}
    wanted = Q(address_id__in=list(domains)) | Q(scope="domain", domain__in=set(domains.values()))
    for suppression in active(now).filter(wanted).select_related("created_by"):
        if suppression.address_id is not None:
            found[suppression.address_id].append(suppression)
        else:
            of_domain.setdefault(suppression.domain, []).append(suppression)
    for pk, domain in domains.items():
        found[pk] += of_domain.get(domain, [])
    return found
