"""The events of one request, each as a request of its own.

In: an `Arrival` that holds several events. Out: an `Arrival` for each, in order; empty where it holds no list. Pure.
So a broken event spoils no other, and keeps its bytes: it can be read again when we know better.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import TooManyFieldsSent
from django.http import QueryDict

from bounces.intake.webhooks.arrival import Arrival

FORM = "application/x-www-form-urlencoded"


def split(arrival: Arrival, most: int) -> list[Arrival]:
    """Providers post a JSON list, or an object with one in it; Mandrill a list in a form. Never raises.

    Of more than `most` one more is taken apart and no further: ten megabytes may hold millions.
    """
    is_form = arrival.content_type == FORM
    try:
        said = json.loads(QueryDict(arrival.body)["mandrill_events"] if is_form else arrival.body)
        texts = [json.dumps(part) for part in parts_of(said, most + 1)]
    except (ValueError, LookupError, TypeError, RecursionError, TooManyFieldsSent):
        return []
    bodies = [urlencode({"mandrill_events": text}) for text in texts] if is_form else texts
    return [replace(arrival, body=body.encode()) for body in bodies]


def parts_of(said: Any, most: int) -> list[Any]:
    """The same JSON for each event, of it alone: what stands around it would be kept as often as there are events.

    Raises LookupError, TypeError, ValueError for what has no list.
    """
    if isinstance(said, list):
        return [[event] for event in said[:most]]
    if "events_by_user" in said:  # Unisender Go
        (user,) = said["events_by_user"]
        return [{"events_by_user": [{"events": [event]}]} for event in user["events"][:most]]
    return [{"events": [event]} for event in said["events"][:most]]  # Mailtrap
