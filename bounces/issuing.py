"""Return paths for messages that are about to be sent, by us or by a tool.

In: who will be written to, under which event id. Out: an Attempt, and the address to which its bounces shall come back
(`return_path.py`): the envelope sender (MAIL FROM) of that message alone. Stage: before everything else; what comes
back is proved by it in `proof.py`. The same event id again gives the same return path.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from bounces import inbox
from bounces.addresses import keep_addresses
from bounces.classification import load_rules
from bounces.intake.events import keep_events, report_of
from bounces.models import Attempt, InboundItem
from bounces.process import read_item, record_waiting
from bounces.proof import keys
from bounces.recording.names import find_bearers
from bounces.recording.told import Told
from bounces.return_path import make_token
from bounces.telling import told_of
from bounces.values import Event


class NoDomain(Exception):
    """No return-path domain is set. The message says what to do."""

    def __init__(self) -> None:
        super().__init__("No return-path domain is set: an operator sets REBOUND_RETURN_PATH_DOMAIN.")


@dataclass(frozen=True, slots=True)
class Issued:
    """`return_path` is empty where the event id belongs to something else."""

    event_id: str
    return_path: str
    expires_at: datetime
    is_new: bool


def issue_token(message: dict[str, Any], source: str, by: Any, now: datetime) -> Issued:
    return issue_tokens([message], source, by, now)[0]


def issue_tokens(messages: Sequence[dict[str, Any]], source: str, by: Any, now: datetime) -> list[Issued]:
    """Records an attempt for each and answers in their order. May run twice. Raises NoDomain.

    A message is a `sent` event by the names of docs/api.md; its recipient is normalised.
    """
    if not settings.RETURN_PATH_DOMAIN:
        raise NoDomain
    events = [{"occurred_at": now.isoformat(), **message, "event": str(Event.SENT)} for message in messages]
    in_order = sorted(events, key=lambda event: event["event_id"])  # two callers never wait for each other in a circle
    with transaction.atomic():
        kept = {each.event_id: each for each in keep_events(in_order, source, by, now)}
        items = InboundItem.objects.in_bulk([each.item_id for each in kept.values()])
        _record(list(items.values()), now)
        told = [_told(items[kept[event["event_id"]].item_id], event) for event in events]
        attempts = _attempts_of(told)
        return [
            _issued(event, items[one.item_id], one, attempt, is_new=kept[event["event_id"]].is_new)
            for event, one, attempt in zip(events, told, attempts, strict=True)
        ]


def _record(items: list[InboundItem], now: datetime) -> None:
    """What the worker would do in a moment: but the token has to name its attempt now."""
    waiting = [item for item in items if item.state == InboundItem.State.PENDING]
    bodies = inbox.bodies(item.pk for item in waiting)
    record_waiting({item.pk: read_item(item.form, bodies.get(item.pk, b"")) for item in waiting}, now)


def _told(item: InboundItem, event: dict[str, Any]) -> Told:
    """By what is asked for now: an event id that was used for something else finds no attempt by it."""
    # A message that is sent is not judged: any rules will do.
    (told,) = told_of(item, report_of(json.dumps(event).encode()), load_rules())
    return told


def _attempts_of(told: Sequence[Told]) -> list[Attempt | None]:
    address_ids = keep_addresses(one.email for one in told)
    return [next(iter(found), None) for found in find_bearers(told, address_ids)]


def _issued(event: dict[str, Any], item: InboundItem, told: Told, attempt: Attempt | None, *, is_new: bool) -> Issued:
    expires_at = item.received_at + timedelta(days=settings.RETURN_PATH_DAYS)
    if attempt is None:
        return Issued(event["event_id"], "", expires_at, is_new=False)
    token = make_token(attempt.pk, told.email, expires_at, keys())
    return Issued(event["event_id"], f"{token}@{settings.RETURN_PATH_DOMAIN}", expires_at, is_new)
