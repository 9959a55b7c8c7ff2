"""What an event of a tool may hold. In: a JSON value. Out: an event fit for `bounces/intake/events.py`, or errors.

One table, a row a field: its checker takes the value and returns it clean, or raises ValueError with a sentence for
people. Plain functions, because a batch has a thousand events. Pure. docs/api.md describes the fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bounces.addresses import BadAddress, normalise
from bounces.moments import read_claim
from bounces.parsing.text import clean_line
from bounces.unknown import unknown_errors
from bounces.values import Event

EVENTS = tuple(str(event) for event in Event if event not in (Event.AUTO_REPLIED, Event.SUPPRESSED))
ID_LENGTH = 200
LINE_LENGTH = 254
MESSAGE_ID_LENGTH = 998  # RFC 5322 2.1.1: the longest line
FEEDBACK_TYPES = ("abuse", "fraud", "virus", "not-spam", "auth-failure", "other")  # RFC 5965 7.3, RFC 6591
ENHANCED = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")  # RFC 3463 2
CODE = re.compile(r"[2-5][0-9][0-9]")  # RFC 5321 4.2

Errors = dict[str, list[str]]
Checker = Callable[[Any, datetime], Any]


def read_event(data: Any, now: datetime) -> tuple[dict[str, Any], Errors]:
    """The clean event, and what is wrong by field; one of the two is empty."""
    if not isinstance(data, Mapping):
        return {}, {"non_field_errors": ["An event is a JSON object."]}
    event, errors = _read(data, FIELDS, now)
    for name in REQUIRED:
        if data.get(name) is None:
            errors[name] = ["This field is required."]
    return ({}, errors) if errors else (event, {})


def read_sending(data: Any, now: datetime) -> tuple[dict[str, Any], Errors]:
    """The same of a message that is about to be sent: an event of which only who and what is known."""
    if not isinstance(data, Mapping):
        return {}, {"non_field_errors": ["A message is a JSON object."]}
    message, errors = _read(data, SENDING_FIELDS, now)
    for name in SENDING_REQUIRED:
        if data.get(name) is None:
            errors[name] = ["This field is required."]
    return ({}, errors) if errors else (message, {})


def _read(data: Mapping[str, Any], fields: Mapping[str, Checker], now: datetime) -> tuple[dict[str, Any], Errors]:
    """An optional field that is null counts as not given."""
    clean: dict[str, Any] = {}
    errors: Errors = dict(unknown_errors(set(data) - set(fields), fields))
    for name, value in data.items():
        if name in fields and value is not None:
            try:
                clean[name] = fields[name](value, now)
            except _SmtpErrors as error:
                errors |= error.errors
            except ValueError as error:
                errors[name] = [str(error)]
    return clean, errors


class _SmtpErrors(ValueError):
    def __init__(self, errors: Errors) -> None:
        self.errors = {f"smtp.{name}": sentences for name, sentences in errors.items()}
        super().__init__()


def _line(longest: int) -> Checker:
    def check(value: Any, now: datetime) -> str:  # noqa: ARG001 -- one signature for all fields
        if not isinstance(value, str):
            raise ValueError("A text is needed.")
        text = value.strip()
        if len(text) > longest:
            raise ValueError(f"At most {longest} characters fit; these are {len(text):,}.")
        if not text.isprintable():
            raise ValueError("The text holds a line break or a control character.")
        return text

    return check


def _event_id(value: Any, now: datetime) -> str:
    text: str = _line(ID_LENGTH)(value, now)
    if not text:
        raise ValueError("Give the id by which your tool knows this event.")
    return text


def _event(value: Any, now: datetime) -> str:  # noqa: ARG001 -- one signature for all fields
    if value not in EVENTS:
        raise ValueError(f"Not an event. There are: {', '.join(EVENTS)}.")
    return str(value)


def _recipient(value: Any, now: datetime) -> str:  # noqa: ARG001 -- one signature for all fields
    if not isinstance(value, str):
        raise ValueError("A text is needed.")
    try:
        return normalise(value)
    except BadAddress as error:
        raise ValueError(f"Not an e-mail address: {error}") from error


def _occurred_at(value: Any, now: datetime) -> str:  # noqa: ARG001 -- one signature for all fields
    """Any moment: one that cannot be is kept, and counts from when it arrived (`bounces/recording/told.py`)."""
    return read_claim(value).isoformat()


def _message_id(value: Any, now: datetime) -> str:
    text: str = _line(MESSAGE_ID_LENGTH)(value, now)
    return text.strip("<> ")


def _feedback_type(value: Any, now: datetime) -> str:  # noqa: ARG001 -- one signature for all fields
    if value not in FEEDBACK_TYPES:
        raise ValueError(f"Not a type of complaint. There are: {', '.join(FEEDBACK_TYPES)}.")
    return str(value)


def _smtp(value: Any, now: datetime) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("An object with code, enhanced, text and remote_mta is needed.")
    smtp, errors = _read(value, SMTP_FIELDS, now)
    if errors:
        raise _SmtpErrors(errors)
    return smtp


def _code(value: Any, now: datetime) -> int:  # noqa: ARG001 -- one signature for all fields
    if isinstance(value, bool) or not isinstance(value, int | str) or not CODE.fullmatch(str(value)[:10]):
        raise ValueError("Not an SMTP reply code: three digits, like 550.")
    return int(value)


def _enhanced(value: Any, now: datetime) -> str:  # noqa: ARG001 -- one signature for all fields
    if not isinstance(value, str) or not ENHANCED.fullmatch(value):
        raise ValueError("Not an enhanced status code, like 5.1.1.")
    return value


def _diagnostic(value: Any, now: datetime) -> str:  # noqa: ARG001 -- one signature for all fields
    """What the server said, in however many lines; what is too long to keep is cut.

    Servers speak in any encoding, and tools that guess wrongly pass on halves of surrogate pairs.
    """
    if not isinstance(value, str):
        raise ValueError("A text is needed.")
    return clean_line(value).encode("utf-8", "replace").decode()


SMTP_FIELDS: dict[str, Checker] = {
    "code": _code,
    "enhanced": _enhanced,
    "text": _diagnostic,
    "remote_mta": _line(LINE_LENGTH),
}
FIELDS: dict[str, Checker] = {
    "event_id": _event_id,
    "event": _event,
    "recipient": _recipient,
    "occurred_at": _occurred_at,
    "message_id": _message_id,
    "provider_id": _line(ID_LENGTH),
    "campaign": _line(ID_LENGTH),
    "sender": _line(LINE_LENGTH),
    "smtp": _smtp,
    "feedback_type": _feedback_type,
}
REQUIRED = ("event_id", "event", "recipient", "occurred_at")
SENDING_FIELDS = {
    name: FIELDS[name]
    for name in ("event_id", "recipient", "message_id", "provider_id", "campaign", "sender", "occurred_at")
}
SENDING_REQUIRED = ("event_id", "recipient")
