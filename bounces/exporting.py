"""Lists of facts -> rows of a file. In: a queryset that a page's filter made. Out: one list a row, in constant memory.

Columns are named twice: by a key (of JSON), and by the header that people read. What a row's person may see was decided
by whoever made the queryset.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from bounces.models import Bounce, CleaningRow, Suppression
from bounces.sentences import explain_change

M = TypeVar("M", bound=Model)
Columns = dict[str, str]  # the header by key

CHUNK = 2000
BOUNCE_COLUMNS: Columns = {
    "email": "Address",
    "occurred_at": "When",
    "kind": "Kind",
    "fault": "Fault",
    "reason": "Reason",
    "standing": "Standing",
    "smtp_code": "Code",
    "enhanced_code": "Enhanced code",
    "diagnostic": "What the server said",
    "remote_mta": "Server",
    "forwarded_to": "Forwarded to",
    "provider": "Provider",
    "sender": "Sender",
    "campaign": "Campaign",
    "rule": "Rule",
    "recorded_at": "Recorded",
}
SUPPRESSION_COLUMNS: Columns = {
    "target": "Address or domain",
    "scope": "Scope",
    "reason": "Reason",
    "note": "Why",
    "source": "Through",
    "by": "By",
    "since": "Since",
    "until": "Until",
    "state": "State",
    "lifted_at": "Lifted at",
    "lifted_by": "Lifted by",
    "lift_reason": "Lifted because",
}
CLEANING_COLUMNS: Columns = {
    "email": "Address",
    "from": "From",
    "to": "To",
    "why": "Why",
    "rule": "Rule",
    "outcome": "Outcome",
}


def one_by_one(rows: QuerySet[M], chunk: int = CHUNK) -> Iterator[M]:
    """In their own order. The ids are read once, by a cursor of the database; the rows as they are needed."""
    plain = rows.model._default_manager.all()
    related = rows.query.select_related
    if isinstance(related, dict):
        plain = plain.select_related(*related)
    ids: list[int] = []
    for pk in rows.values_list("pk", flat=True).iterator(chunk_size=chunk):
        ids.append(pk)
        if len(ids) == chunk:
            yield from _of(plain, ids)
            ids = []
    yield from _of(plain, ids)


def _of(rows: QuerySet[M], ids: list[int]) -> Iterator[M]:
    """Without those that went meanwhile."""
    found = rows.in_bulk(ids)
    return (found[pk] for pk in ids if pk in found)


def bounce_rows(rows: QuerySet[Bounce]) -> Iterator[list[Any]]:
    for one in one_by_one(rows.order_by("-occurred_at", "-pk")):
        yield [
            one.address.email,
            _moment(one.occurred_at),
            one.kind,
            one.fault,
            one.reason,
            one.standing,
            one.smtp_code,
            one.enhanced_code,
            one.diagnostic,
            one.remote_mta,
            one.forwarded_to,
            one.provider,
            one.sender,
            one.campaign_key,
            one.rule,
            _moment(one.recorded_at),
        ]


def suppression_rows(rows: QuerySet[Suppression], now: datetime) -> Iterator[list[Any]]:
    for one in one_by_one(rows.order_by("-pk")):
        yield [
            one.domain or (one.address.email if one.address else "(erased)"),
            one.scope,
            one.get_reason_display(),
            one.note,
            one.source,
            one.created_by,
            _moment(one.created_at),
            _moment(one.expires_at),
            one.state_at(now).replace("_", " "),
            _moment(one.lifted_at),
            one.lifted_by,
            one.lift_reason,
        ]


def cleaning_rows(rows: QuerySet[CleaningRow]) -> Iterator[list[Any]]:
    """In the order that they have, which depends on their filter."""
    for row in one_by_one(rows):
        yield [
            row.address.email,
            row.get_from_status_display(),
            row.get_to_status_display(),
            explain_change(row),
            row.rule,
            row.get_outcome_display(),
        ]


def _moment(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
