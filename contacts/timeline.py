"""What happened with a contact, newest first: one list out of many tables.

In: a contact, its addresses, and the cursor that a link carried. Out: entries ready to be shown, and the next cursor.
Bounces, deliveries, complaints, decisions and status changes are the addresses': those from before the contact existed
are told too. Notes, edits, and the status changes of addresses it once had, are the contact's own.
Each source is asked for one page's worth behind the cursor, so a page costs the same at any depth.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from bounces.models import Attempt, Bounce, Complaint, ReviewItem, Ruling, StatusChange, Suppression
from bounces.sentences import STATUS_WORDS, explain_bounce, explain_change
from bounces.values import Status
from contacts.models import Activity, Campaign, Contact

PAGE_SIZE = 20
STATUS_LOOKS = {
    Status.INVALID: ("circle-x", "bad"),
    Status.AT_RISK: ("triangle-alert", "watch"),
    Status.VALID: ("circle-check", "good"),
    Status.UNVERIFIED: ("circle-dashed", "calm"),
}
BOUNCE_LOOKS = {"hard": ("octagon-x", "bad"), "soft": ("rotate-ccw", "watch"), "deferred": ("hourglass", "calm")}
OUTCOMES = {
    "sent": ("send", "calm", "Sent"),
    "delivered": ("mail-check", "good", "Delivered"),
    "replied": ("reply", "good", "Replied"),
    "deferred": ("hourglass", "calm", "Sent, and still being retried"),
    "complained": ("mail-check", "calm", "Delivered"),  # the complaint has an entry of its own
    "bounced": ("mail-x", "calm", "Sent"),  # the bounce has an entry of its own
}
ACTIVITY_LOOKS = {
    "note": ("sticky-note", "info", "Note"),
    "created": ("user-plus", "calm", "Created"),
    "imported": ("import", "calm", "Imported"),
    "edited": ("pencil", "calm", "Edited"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    at: datetime
    source: str
    pk: int
    icon_name: str
    tone: str
    title: str
    text: str = ""
    email: str = ""  # which address it is about
    url: str = ""
    by: str = ""
    quote: str = ""  # what a remote system said, as it said it


@dataclass(frozen=True, slots=True)
class Timeline:
    entries: list[Entry]
    next_cursor: str  # empty: that was the oldest


@dataclass(frozen=True, slots=True)
class Source:
    """One table: its rows of this contact, the column of their moment, and how a row is told."""

    rows: QuerySet[Any]
    column: str
    tell: Callable[[Any], Entry]


def timeline_of(contact: Contact, address_ids: Sequence[int], cursor: str = "", size: int = PAGE_SIZE) -> Timeline:
    """A cursor that cannot be read gives the newest. A constant number of queries."""
    sources = _sources(contact, list(address_ids))
    start = _read(cursor, list(sources))
    newest = [_newest(name, source, start, size + 1, list(sources)) for name, source in sources.items()]
    ranks = {name: rank for rank, name in enumerate(sources)}
    merged = heapq.merge(*newest, key=lambda entry: (entry.at, ranks[entry.source], entry.pk), reverse=True)
    entries = [entry for entry, _ in zip(merged, range(size + 1), strict=False)]
    last = entries[size - 1] if len(entries) > size else None
    return Timeline(_with_campaign_names(entries[:size]), _write(last) if last else "")


def _sources(contact: Contact, ids: list[int]) -> dict[str, Source]:
    """In the order in which simultaneous things are told: the last ones are on top."""
    own_changes = contact.activities.filter(status_change_id__isnull=False).values("status_change_id")
    changes = StatusChange.objects.filter(Q(address__in=ids) | Q(pk__in=own_changes))
    return {
        "attempt": Source(Attempt.objects.filter(address__in=ids).select_related("address"), "sent_at", _attempt),
        "bounce": Source(Bounce.objects.filter(address__in=ids).select_related("address"), "occurred_at", _bounce),
        "complaint": Source(
            Complaint.objects.filter(address__in=ids).select_related("address"), "occurred_at", _complaint
        ),
        "suppression": Source(
            Suppression.objects.filter(address__in=ids).select_related("address", "created_by"),
            "created_at",
            _suppression,
        ),
        "ruling": Source(Ruling.objects.filter(address__in=ids).select_related("address", "by"), "at", _ruling),
        "asked": Source(
            ReviewItem.objects.filter(address__in=ids, cause=ReviewItem.Cause.ASKED).select_related(
                "address", "asked_by", "decided_by"
            ),
            "asked_at",
            _asked,
        ),
        "change": Source(changes.select_related("address", "actor"), "at", _change),
        "activity": Source(
            contact.activities.filter(status_change_id__isnull=True).select_related("by"), "at", _activity
        ),
    }


def _newest(name: str, source: Source, start: tuple[datetime, str, int] | None, size: int, names: list[str]) -> Any:
    rows = source.rows
    if start:
        at, start_name, pk = start
        behind = Q(**{f"{source.column}__lt": at})
        if name == start_name:
            behind |= Q(**{source.column: at, "pk__lt": pk})
        elif names.index(name) < names.index(start_name):
            behind |= Q(**{source.column: at})
        rows = rows.filter(behind)
    return [source.tell(row) for row in rows.order_by(f"-{source.column}", "-pk")[:size]]


def _write(entry: Entry) -> str:
    return f"{entry.at.isoformat()}~{entry.source}~{entry.pk}"


def _read(cursor: str, names: list[str]) -> tuple[datetime, str, int] | None:
    try:
        moment, name, pk = cursor.split("~")
        at = parse_datetime(moment)
        number = int(pk) if len(pk) < 19 else -1
    except ValueError:
        return None
    return (at, name, number) if at and at.tzinfo and name in names else None


def _activity(row: Activity) -> Entry:
    icon_name, tone, title = ACTIVITY_LOOKS[row.kind]
    return Entry(row.at, "activity", row.pk, icon_name, tone, title, row.text, by=str(row.by or ""))


def _change(row: StatusChange) -> Entry:
    icon_name, tone = STATUS_LOOKS[Status(row.to_status)]
    title = f"{STATUS_WORDS[Status(row.from_status)]} → {STATUS_WORDS[Status(row.to_status)]}"
    if row.from_status == row.to_status:
        title = f"Still {STATUS_WORDS[Status(row.to_status)].lower()}, for another reason"
    url = reverse("bounces:cleaning_run", args=[row.run_id]) if row.run_id else ""
    by = str(row.actor or "") or (f"cleaning run {row.run_id}" if row.run_id else "")
    return Entry(
        row.at, "change", row.pk, icon_name, tone, title, explain_change(row), row.address.email, url=url, by=by
    )


def _bounce(row: Bounce) -> Entry:
    icon_name, tone = BOUNCE_LOOKS[row.kind]
    said, _, rest = explain_bounce(row).partition(": ")
    text = rest[:1].upper() + rest[1:]
    if row.standing != "counted":
        text += f" It does not count: {row.get_standing_display().lower()}."
    return Entry(
        row.occurred_at, "bounce", row.pk, icon_name, tone, said, text, row.address.email,
        url=reverse("bounces:bounce", args=[row.pk]), quote=row.diagnostic,
    )  # fmt: skip


def _attempt(row: Attempt) -> Entry:
    icon_name, tone, title = OUTCOMES[row.outcome]
    told = [f"by {row.sender}" if row.sender else ""]
    told += [f"{word} {number} ×" for word, number in (("opened", row.opens), ("clicked", row.clicks)) if number]
    text = ", ".join(part for part in told if part)
    return Entry(
        row.sent_at, "attempt", row.pk, icon_name, tone, title, text[:1].upper() + text[1:], row.address.email,
        quote="", by=row.campaign_key,
    )  # fmt: skip


def _complaint(row: Complaint) -> Entry:
    text = "The recipient pressed “spam”: never write to this address again."
    return Entry(
        row.occurred_at, "complaint", row.pk, "message-square-warning", "bad", "Complaint", text, row.address.email
    )


def _suppression(row: Suppression) -> Entry:
    words = row.get_reason_display()
    text = f"{words}. {row.note}".strip()
    title = "Suppressed, and lifted since" if row.lifted_at else "Suppressed"
    email = row.address.email if row.address else ""
    by = str(row.created_by or "")
    return Entry(row.created_at, "suppression", row.pk, "ban", "bad", title, text, email, by=by)


def _ruling(row: Ruling) -> Entry:
    title, _, _ = row.get_kind_display().partition(":")
    icon_name, tone = ("undo-2", "info") if row.kind == "restore" else ("gavel", "watch")
    title += " by hand, taken back since" if row.lifted_at and row.kind != "hold" else " by hand"
    return Entry(row.at, "ruling", row.pk, icon_name, tone, title, row.reason, row.address.email, by=str(row.by))


def _asked(row: ReviewItem) -> Entry:
    text = row.note
    if row.decision:
        taken_back = ", and taken back" if row.undone_at else ""
        text += f" {row.get_decision_display()} by {row.decided_by}{taken_back}: {row.reason}"
    return Entry(
        row.asked_at or row.decided_at,  # type: ignore[arg-type]  # a constraint: what was asked says when
        "asked", row.pk, "clipboard-check", "info", "Asked to restore", text, row.address.email if row.address else "",
        by=str(row.asked_by),
    )  # fmt: skip


def _with_campaign_names(entries: list[Entry]) -> list[Entry]:
    """Attempts name their campaign by its key; people know it by its name. One query."""
    from dataclasses import replace

    keys = {entry.by for entry in entries if entry.source == "attempt" and entry.by}
    names = dict(Campaign.objects.filter(key__in=keys).values_list("key", "name")) if keys else {}
    return [
        replace(entry, by=names.get(entry.by, entry.by)) if entry.source == "attempt" else entry for entry in entries
    ]
