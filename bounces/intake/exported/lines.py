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
from bounces.intake.exported.cells import address_in, bare
from bounces.intake.exported.layout import Layout, known
from bounces.intake.exported.table import Line
from bounces.moments import find_moment
from bounces.opt_outs import REASONS, at_in, is_understood, reason_in
from bounces.parsing.text import clean_line, find_replycode, find_status
from bounces.spreadsheet import restore
from bounces.values import LIST_READER, Event

# Why nobody writes to a listed address that neither complained nor left: the reason of its suppression.
ELSEWHERE, BY_HAND = "bounce", "manual"
Told = tuple[Event, str]  # what happened, and of a listed address why it is listed
EVENTS: dict[str, Told] = {
    "bounces": (Event.BOUNCED, ""),
    "complaints": (Event.COMPLAINED, ""),
    "unsubscribes": (Event.UNSUBSCRIBED, ""),
    "suppressions": (Event.SUPPRESSED, BY_HAND),
    "cleaned": (Event.SUPPRESSED, ELSEWHERE),
}
OF_REASON: dict[str, Told] = {
    "complaint": EVENTS["complaints"],
    "unsubscribe": EVENTS["unsubscribes"],
    ELSEWHERE: EVENTS["cleaned"],
    BY_HAND: EVENTS["suppressions"],
}
SUPPRESSES = (Event.COMPLAINED, Event.UNSUBSCRIBED, Event.SUPPRESSED)
NOTE_LENGTH = 300
PATTERN = "suppress the domain, like b.example, on the page Suppressions."
YES, OVER = ("true", "yes", "1"), ("lifted", "expired")


@dataclass(frozen=True, slots=True)
class Read:
    """`event` is empty where it tells none, and `why` says why; `is_bad` where it should have told one."""

    number: int
    event: dict[str, Any] = field(default_factory=dict)
    why: str = ""
    is_bad: bool = False
    email: str = ""  # of a row that tells nothing: whom it leaves as they are


def read_line(layout: Layout, tells: str, line: Line, now: datetime) -> Read:
    if line.wrong:
        return Read(line.number, why=line.wrong, is_bad=True)
    cells = {thing: clean_line(restore(line.cells[at])) for thing, at in layout.columns.items() if at < len(line.cells)}
    said = said_by_flags(layout, line) if tells == "mixed" else {}
    try:
        told = told_by(layout, tells, cells, said)
        if told is None:
            why = f"Nothing to record{named(cells, said)}."
            return Read(line.number, why=why, email=address_in(cells.get("email", ""))[:LINE_LENGTH])
        event = event_of(told, cells, now, said)
    except ValueError as error:
        return Read(line.number, why=str(error), is_bad=True)
    because = {"because": told[1], "note": layout.origin[:NOTE_LENGTH]} if told[0] in SUPPRESSES else {}
    return checked(line.number, told[0], event, because, now)


def said_by_flags(layout: Layout, line: Line) -> dict[int, tuple[str, str]]:
    """The column's kind and its cell, by the place of the columns that say whether a row is an opt-out."""
    return {
        at: (column, clean_line(restore(line.cells[at])))
        for at, column in layout.flags.items()
        if at < len(line.cells) and line.cells[at]
    }


def named(cells: dict[str, str], said: dict[int, tuple[str, str]]) -> str:
    """The word for which it is nothing."""
    words = (
        [cells.get("word", "")]
        if cells.get("word")
        else [cell for column, cell in said.values() if column != "consent"]
    )
    return f": “{', '.join(words)[:60]}”" if words else ""


def told_by(layout: Layout, tells: str, cells: dict[str, str], said: dict[int, tuple[str, str]]) -> Told | None:
    """None of a row that nothing is recorded of. Raises ValueError for a word that is not known."""
    if bare(cells.get("expired", "")) in YES or bare(cells.get("state", "")) in OVER:
        return None
    if tells != "mixed":
        return EVENTS[tells]
    if reason_in("unsubscribe", cells.get("left", "")):
        return EVENTS["unsubscribes"]
    if "word" in layout.columns:
        return told_by_word(layout, cells)
    told = told_by_flags(cells, said)
    if cells.get("label") and (told is None or told[0] == Event.SUPPRESSED):
        return told_by_label(cells)
    return told


def told_by_label(cells: dict[str, str]) -> Told:
    """A reason of a tool's own, which it gives of hard bounces alone: judged where we know it, else believed."""
    label = cells["label"]
    is_known = bare(label) in known()["labels"] or find_replycode(label) or find_status(label)
    return EVENTS["bounces" if is_known else "cleaned"]


def told_by_word(layout: Layout, cells: dict[str, str]) -> Told | None:
    word, own = cells.get("word", ""), bare(cells.get("word", ""))
    meaning = layout.words.get(own)
    if layout.word_is_reason and (reason := reason_in("status", word)) and meaning in (None, "bounced"):
        return with_words(OF_REASON[reason], cells)
    if meaning is None:
        if not (reason := reason_in("status", word)) and not is_understood("status", word):
            raise ValueError(f"The word “{word[:60]}” is none that we know.")
        return with_words(OF_REASON[reason], cells) if reason else None
    if meaning == "cleaned":
        return with_words(EVENTS["cleaned"], cells)
    if meaning == "suppressed":
        return EVENTS["suppressions"]
    return (Event(meaning), "") if meaning else None


def told_by_flags(cells: dict[str, str], said: dict[int, tuple[str, str]]) -> Told | None:
    """The gravest that a column says."""
    reasons = {reason_in(column, cell) for column, cell in said.values()}
    reason = next((reason for reason in REASONS if reason in reasons), "")
    if not reason:
        return None
    words = [cell for column, cell in said.values() if column == "bounce" and not at_in(cell)]
    cells.setdefault("text", " ".join(words))
    return with_words(OF_REASON[reason], cells)


def with_words(told: Told, cells: dict[str, str]) -> Told:
    """A bounce that comes with the code of a server is judged by it, as everywhere."""
    text = f"{cells.get('text', '')} {cells.get('status', '')}"
    has_code = bool(find_replycode(text) or find_status(text) or CODE.findall(cells.get("code", "")))
    return EVENTS["bounces"] if told == EVENTS["cleaned"] and has_code else told


def event_of(told: Told, cells: dict[str, str], now: datetime, said: dict[int, tuple[str, str]]) -> dict[str, Any]:
    """Raises ValueError for the date of a bounce that is none. An opt-out counts all the same, from now on."""
    kind, email = told[0], address_in(cells.get("email", ""))
    parts = [f"{name}={cells[name]}" for name in sorted(cells)] + [f"{at}={cell}" for at, (_, cell) in said.items()]
    identity = "\0".join([str(kind), email.lower(), *parts])
    at = since(kind, cells, said)
    event: dict[str, Any] = {
        "event_id": hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest(),
        "event": str(kind),
        "recipient": email,
        "occurred_at": (moment_of(at, now) if kind not in SUPPRESSES else find_moment(at) or now).isoformat(),
        "message_id": cells.get("message_id", "").strip("<> "),
        "provider_id": cells.get("provider_id", "").strip("<> ")[:ID_LENGTH],
        "sender": cells.get("sender", "").rpartition("<")[2].rstrip("> ").lower()[:LINE_LENGTH],
        "campaign": cells.get("campaign", "")[:ID_LENGTH],
    }
    if "@" in event["provider_id"]:
        event["message_id"] = event["message_id"] or event.pop("provider_id")
    if kind in (Event.BOUNCED, Event.DEFERRED):
        event["smtp"] = smtp_of(cells)
    return {name: value for name, value in event.items() if value}


def since(kind: Event, cells: dict[str, str], said: dict[int, tuple[str, str]]) -> str:
    """When it happened. Where a column says that somebody opted out, only it says when: others say when they came."""
    if not said:
        return cells.get("at", "")
    wanted = {Event.UNSUBSCRIBED: "unsubscribe", Event.COMPLAINED: "complaint"}.get(kind, "bounce")
    return next((cell for column, cell in said.values() if column == wanted and at_in(cell)), "")


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


def checked(number: int, kind: Event, told: dict[str, Any], because: dict[str, str], now: datetime) -> Read:
    """Through the same sieve as the events of tools, which know no suppressions."""
    if "*" in (recipient := told.get("recipient", "")):
        return Read(number, why=f"“{recipient[:60]}” is no address: {PATTERN}", is_bad=True)
    is_listed = kind is Event.SUPPRESSED
    event, errors = read_event({**told, "event": str(Event.UNSUBSCRIBED)} if is_listed else told, now)
    if errors:
        name, sentences = next(iter(errors.items()))
        given = told.get("recipient", "") if name == "recipient" else ""
        return Read(number, why=f"{sentences[0]} “{given[:60]}”" if given else sentences[0], is_bad=True)
    return Read(number, {**event, "event": str(kind), "reader": LIST_READER, **because})
