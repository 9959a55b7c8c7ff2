"""What tests of the API share: an event as a tool reports it."""

from __future__ import annotations


def an_event(**fields):
    known = {
        "event_id": "e-1",
        "event": "bounced",
        "recipient": "Ada@Example.org",
        "occurred_at": "2026-05-03T09:12:44+02:00",
        "smtp": {
            "code": 550,
            "enhanced": "5.1.1",
            "text": "550 5.1.1 No such user here",
            "remote_mta": "mx.example.org",
        },
    }
    return {name: value for name, value in {**known, **fields}.items() if value is not ...}
