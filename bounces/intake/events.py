"""Events and mails of outreach tools, by the API. In: validated events. Out: inbox items, one INSERT a batch.

An authenticated key is a trusted door. The event's id, within its source, is its identity (invariant I2): sent
again it is answered as a duplicate. `report_of` is the reading side: it turns a stored event into a Report.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from bounces.intake.keep import Door, Piece, keep_pieces
from bounces.models import InboundItem
from bounces.parsing.text import find_replycode, find_status
from bounces.unnamed import failure_name
from bounces.values import LIST_READER, UNNAMED, Event, MailKind, Reading, Report, Trust, change

EVENT_READER = "event"


@dataclass(frozen=True, slots=True)
class KeptEvent:
    event_id: str
    item_id: int
    is_new: bool


def keep_events(events: Sequence[dict[str, Any]], source: str, by: Any, now: datetime) -> list[KeptEvent]:
    """Stores validated events (shape: docs/api.md); answers in their order. May run twice."""
    pieces = [
        Piece(
            body=json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode(),
            name=event["event_id"],
            form=InboundItem.Form.EVENT,
            identity=b"event\0" + event["event_id"].encode(),
        )
        for event in events
    ]
    with transaction.atomic():
        kept = keep_pieces(pieces, Door(source=source, trust=Trust.TRUSTED, now=now, by_id=by.pk if by else None))
    return [KeptEvent(event["event_id"], k.item_id, k.is_new) for event, k in zip(events, kept, strict=True)]


def keep_mail(body: bytes, name: str, source: str, by: Any, now: datetime) -> KeptEvent:
    """Stores one raw mail that a tool passes on. May run twice."""
    piece = Piece(body=body, name=name, form=InboundItem.Form.MAIL, identity=body)
    with transaction.atomic():
        (kept,) = keep_pieces([piece], Door(source=source, trust=Trust.TRUSTED, now=now, by_id=by.pk if by else None))
    return KeptEvent(name, kept.item_id, kept.is_new)


def name_of(event: dict[str, Any]) -> str:
    """The provider's id; an event that names its message in no way is about a message of its own."""
    is_listed = event.get("reader") == LIST_READER
    unnamed = "" if event.get("message_id") or is_listed else f"{UNNAMED}{event['event_id']}"
    return str(event.get("provider_id") or unnamed)


def report_of(body: bytes) -> Reading:
    """Reads a stored event. What does not have its shape is kind none, with the reason why."""
    try:
        event = json.loads(body)
    except ValueError as error:
        return _no_event(error)
    return read_report(event)


def read_report(event: Any) -> Reading:
    """The same of one that is not stored yet."""
    try:
        report = reported(event)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return _no_event(error)
    return Reading(MailKind.BOUNCE, (report,), reader=EVENT_READER)


def reported(event: dict[str, Any]) -> Report:
    """Of an event of the documented shape. Raises ValueError, KeyError, TypeError, AttributeError for others.

    Codes that a tool does not tell apart stand in what the server said.
    """
    smtp = event.get("smtp") or {}
    text = str(smtp.get("text") or "")[:2000]
    report = Report(
        event=Event(event["event"]),
        recipient=event["recipient"],
        status=str(smtp.get("enhanced") or find_status(text)),
        replycode=str(smtp.get("code") or find_replycode(text)),
        diagnostic=text,
        remote_mta=str(smtp.get("remote_mta") or ""),
        occurred_at=datetime.fromisoformat(event["occurred_at"]),
        message_id=str(event.get("message_id") or "").strip("<> "),
        envelope_id=name_of(event),
        feedback_type=str(event.get("feedback_type") or ""),
        sender=str(event.get("sender") or ""),
        campaign=str(event.get("campaign") or ""),
        reader=LIST_READER if event.get("reader") == LIST_READER else EVENT_READER,
    )
    if report.reader == LIST_READER:
        return change(report, because=str(event.get("because") or ""), note=str(event.get("note") or ""))
    is_unnamed = report.envelope_id == f"{UNNAMED}{event['event_id']}"
    name = failure_name(report) if is_unnamed else ""
    return change(report, envelope_id=name) if name else report


def _no_event(error: Exception) -> Reading:
    return Reading(MailKind.NONE, why=f"not an event of the documented shape: {error}", reader=EVENT_READER)
