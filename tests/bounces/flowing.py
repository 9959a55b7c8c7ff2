"""What tests of the flow share: a file that is brought, an event that is reported, and all that counts."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from bounces import process
from bounces.intake.upload import keep_upload
from bounces.models import (
    Address,
    Bounce,
    Complaint,
    DailyStat,
    EventKey,
    Evidence,
    InboundItem,
    StatusChange,
    Suppression,
)
from tests.builders import NOW, a_user

COUNTED = (Address, Bounce, Evidence, Complaint, Suppression, StatusChange, EventKey, InboundItem, DailyStat)


def upload(body: bytes, name: str = "bounce.eml") -> InboundItem:
    return keep_upload(SimpleUploadedFile(name, body), a_user("manager"), NOW)


def run() -> None:
    assert process.run_flow(lambda: NOW)


def ingested(body: bytes, name: str = "bounce.eml") -> InboundItem:
    item = upload(body, name)
    run()
    item.refresh_from_db()
    return item


def event(event_id: str = "e1", kind: str = "bounced", **fields: Any) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "event": kind,
        "recipient": "ada@example.org",
        "occurred_at": NOW.isoformat(),
        "message_id": "one@rebound.example",
        "campaign": "spring",
        "sender": "sales@rebound.example",
        **fields,
    }


def totals() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in COUNTED}
