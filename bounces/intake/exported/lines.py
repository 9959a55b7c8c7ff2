"""One line of a list: the event that it tells, or why it tells none.

In: a `Layout`, what the list tells, a `Line`, the moment when it came. Out: a `Read` line. A provider's own word for a
failure ("hard") makes no bounce hard: the words and codes of the server are judged like everywhere else. Pure.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bounces.intake.event_shape import CODE, ID_LENGTH, LINE_LENGTH, read_event
from bounces.intake.exported.layout import Layout, bare, known
from bounces.intake.exported.table import Line
from bounces.moments import find_moment
from bounces.parsing.text import clean_line, find_replycode, find_status
from bounces.spreadsheet import restore
from bounces.values import LIST_READER, Event

EVENTS = {
    "bounces": Event.BOUNCED,
    "complaints": Event.COMPLAINED,
    "unsubscribes": Event.UNSUBSCRIBED,
    "suppressions": Event.SUPPRESSED,
}
PATTERN = "suppress the domain, like b.example, on the page Suppressions."
YES = ("true", "yes", "1", "y", "ja", "oui")


@dataclass(frozen=True, slots=True)
class Read:
    """`event` is empty where it tells none, and `why` says why; `is_bad` where it should have told one."""

    number: int
    event: dict[str, Any] = field(default_factory=dict)
    why: str = ""
    is_bad: bool = False


def read_line(layout: Layout, tells: str, line: Line, now: datetime) -> Read:
    if line.wrong:
        return Read(line.number, why=line.wrong, is_bad=True)
    cells = {thing: clean_line(restore(line.cells[at])) for thing, at in layout.columns.items() if at < len(line.cells)}
    try:
        kind = kind_of(layout, tells, cells)
        if kind is None:
            return Read(line.number, why=f"Nothing that is recorded of a list{named(cells)}.")
        told = event_of(kind, cells, now)
    except ValueError as error:
        return Read(line.number, why=str(error), is_bad=True)
    return checked(line.number, kind, told, now)


def named(cells: dict[str, str]) -> str:
    return f": “{cells['word'][:60]}”" if cells.get("word") else ""


def kind_of(layout: Layout, tells: str, cells: dict[str, str]) -> Event | None:
    """Raises ValueError for a word that is not known."""
    if tells != "mixed":
        return EVENTS[tells]
    if bare(cells.get("left", "")) in YES:
        return Event.UNSUBSCRIBED
    if "label" in layout.columns or "left" in layout.columns:
        return Event.BOUNCED if cells.get("label") else None
    word = bare(cells.get("word", ""))
    if word not in layout.words:
        raise ValueError(f"The word “{cells.get('word', '')[:60]}” is none that we know.")
    return Event(layout.words[word]) if layout.words[word] else None


def event_of(kind: Event, cells: dict[str, str], now: datetime) -> dict[str, Any]:
    """Raises ValueError for a date that is none."""
    email = cells.get("email", "").strip("<>")
    identity = "\0".join([str(kind), email.lower(), *(f"{name}={cells[name]}" for name in sorted(cells))])
    told: dict[str, Any] = {
        "event_id": hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest(),
        "event": str(kind),
        "recipient": email,
        "occurred_at": moment_of(cells.get("at", ""), now).isoformat(),
        "message_id": cells.get("message_id", "").strip("<> "),
        "provider_id": cells.get("provider_id", "").strip("<> ")[:ID_LENGTH],
        "sender": cells.get("sender", "").rpartition("<")[2].rstrip("> ").lower()[:LINE_LENGTH],
        "campaign": cells.get("campaign", "")[:ID_LENGTH],
    }
    if "@" in told["provider_id"]:
        told["message_id"] = told["message_id"] or told.pop("provider_id")
    if kind in (Event.BOUNCED, Event.DEFERRED):
        told["smtp"] = smtp_of(cells)
    return {name: value for name, value in told.items() if value}


def smtp_of(cells: dict[str, str]) -> dict[str, Any]:
    """What the server said, with the codes in it; else those of the columns."""
    text = cells.get("text", "").removeprefix("smtp;").strip()
    code = find_replycode(text) or next(iter(CODE.findall(cells.get("code", ""))), "")
    label = known()["labels"].get(bare(cells.get("label", "")), "")
    status = find_status(text) or find_status(cells.get("status", "")) or label
    found = {"text": text or cells.get("label", ""), "code": code, "enhanced": status}
    return {name: value for name, value in found.items() if value}


def moment_of(text: str, now: datetime) -> datetime:
    """A date of ISO 8601, RFC 5322 or seconds since 1970, in UTC where it names no zone; without one, now.

    Raises ValueError. 1/5/2026 is not guessed at: it is another day in Boston than in Berlin.
    """
    if not text:
        return now
    at = find_moment(text)
    if at is None:
        raise ValueError(f"“{text[:40]}” is no date that can be read in one way: write it as 2026-05-31 14:30.")
    return at


def checked(number: int, kind: Event, told: dict[str, Any], now: datetime) -> Read:
    """Through the same sieve as the events of tools, which know no suppressions."""
    if "*" in (recipient := told.get("recipient", "")):
        return Read(number, why=f"“{recipient[:60]}” is no address: {PATTERN}", is_bad=True)
    is_listed = kind is Event.SUPPRESSED
    event, errors = read_event({**told, "event": str(Event.UNSUBSCRIBED)} if is_listed else told, now)
    if errors:
        name, sentences = next(iter(errors.items()))
        given = told.get("recipient", "") if name == "recipient" else ""
        return Read(number, why=f"{sentences[0]} “{given[:60]}”" if given else sentences[0], is_bad=True)
    return Read(number, {**event, "event": str(kind), "reader": LIST_READER})
