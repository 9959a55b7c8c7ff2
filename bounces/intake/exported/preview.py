"""What a list would tell, before anything of it is recorded.

In: a kept list, and what its rows are said to be. Out: a `Preview`: how its columns are read, the first rows with what
becomes of them, how many tell what, the lines that are not understood. Reads only, and no more than a page waits for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from bounces import inbox
from bounces.classification import classify
from bounces.intake.events import reported
from bounces.intake.exported.layout import Layout, open_list
from bounces.intake.exported.lines import ELSEWHERE, Read, read_line
from bounces.intake.exported.table import read_lines
from bounces.models import InboundItem
from bounces.rules_in_force import rules_in_force
from bounces.sentences import reason_words
from bounces.values import Event, Judgement, Kind

MOST_ROWS = 20_000  # a page waits for them
MOST_JUDGED = 1_000
MOST_SHOWN = 20
MOST_BAD = 50


@dataclass(frozen=True, slots=True)
class Shown:
    read: Read
    judgement: Judgement | None  # of bounces

    @property
    def words(self) -> str:
        return WORDS.get(what_of(self.read.event), self.read.why)

    @property
    def reason(self) -> str:
        return reason_words(self.judgement.reason) if self.judgement else ""

    @property
    def day(self) -> str:
        return str(self.read.event.get("occurred_at", ""))[:10]


CLEANED = "cleaned"
WORDS = {
    Event.COMPLAINED: "complaint",
    Event.UNSUBSCRIBED: "unsubscribe",
    Event.SUPPRESSED: "suppression",
    CLEANED: "suppression: it bounced in another tool",
}


def what_of(event: dict[str, Any]) -> str:
    """An event, or CLEANED: a suppression because mail bounced in another tool."""
    return CLEANED if event.get("because") == ELSEWHERE else str(event.get("event", ""))


@dataclass(slots=True)
class Preview:
    """`is_cut`: there are more rows than were looked at. `judged`: of the first bounces, how many are of each kind."""

    layout: Layout
    tells: str
    rows: int = 0
    is_cut: bool = False
    events: Counter[str] = field(default_factory=Counter)  # by `what_of`
    judged: Counter[tuple[str, str]] = field(default_factory=Counter)
    shown: list[Shown] = field(default_factory=list)
    bad: list[Read] = field(default_factory=list)
    bad_count: int = 0
    ignored: int = 0

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Each column that is read, and as what."""
        names = sorted(self.layout.columns.items(), key=lambda one: one[1])
        read = [(self.layout.head[at], READ_AS[thing]) for thing, at in names if at not in self.layout.flags]
        return read + [(self.layout.head[at], FLAGS[kind]) for at, kind in sorted(self.layout.flags.items())]

    @property
    def recorded(self) -> int:
        return self.events.total()

    @property
    def more_bad(self) -> int:
        return self.bad_count - len(self.bad)

    @property
    def judged_count(self) -> int:
        return self.judged.total()

    @property
    def judged_rows(self) -> list[tuple[str, str, int]]:
        return [(kind, fault, number) for (kind, fault), number in self.judged.most_common()]

    @property
    def failures(self) -> int:
        return self.events[Event.BOUNCED] + self.events[Event.DEFERRED]

    @property
    def complaints(self) -> int:
        return self.events[Event.COMPLAINED]

    @property
    def unsubscribes(self) -> int:
        return self.events[Event.UNSUBSCRIBED]

    @property
    def suppressions(self) -> int:
        return self.events[Event.SUPPRESSED]

    @property
    def cleaned(self) -> int:
        return self.events[CLEANED]

    @property
    def is_undated(self) -> bool:
        return "at" not in self.layout.columns and not self.layout.flags


FLAGS = {
    "complaint": "whether they complained",
    "unsubscribe": "whether they want no more mail",
    "bounce": "whether mail to them bounced",
    "manual": "whether nobody writes to them",
    "status": "whether they want no more mail, or bounced",
    "consent": "whether they took their consent back; a plain no is not an opt-out",
}
READ_AS = {
    "email": "the address",
    "word": "what happened",
    "text": "what the server said",
    "code": "its reply code",
    "status": "its enhanced code",
    "at": "when",
    "message_id": "the Message-ID",
    "provider_id": "the provider's id of the mail",
    "sender": "who sent it",
    "campaign": "the campaign",
    "label": "the provider's reason",
    "left": "whether they want no more mail",
    "expired": "whether it is over",
    "state": "whether it is over",
}


def preview_of(item: InboundItem, tells: str = "") -> Preview | None:
    """None where it is no list. What nobody has said yet is guessed, where the list itself gives a reason to."""
    with inbox.open_body(item) as file, closing(read_lines(file)) as lines:
        layout, rows = open_list(lines, item.name)
        if layout is None:
            return None
        chosen = tells if tells in dict(layout.choices) else layout.tells
        preview = Preview(layout, chosen)
        if chosen:
            read = [read_line(layout, chosen, line, item.received_at) for line in islice(rows, MOST_ROWS)]
            count(preview, read)
        preview.is_cut = next(rows, None) is not None and bool(chosen)
    return preview


def count(preview: Preview, read: Sequence[Read]) -> None:
    rules = rules_in_force()
    for one in read:
        preview.rows += 1
        judgement = None
        if one.event:
            event = Event(one.event["event"])
            preview.events[what_of(one.event)] += 1
            if event in (Event.BOUNCED, Event.DEFERRED) and preview.judged_count < MOST_JUDGED:
                judgement = classify(reported(one.event), rules=rules)
                kind = judgement.kind if event == Event.BOUNCED else Kind.DEFERRED
                preview.judged[str(kind), str(judgement.fault)] += 1
        elif one.is_bad:
            preview.bad_count += 1
            preview.bad += [one] if len(preview.bad) < MOST_BAD else []
        else:
            preview.ignored += 1
        if len(preview.shown) < MOST_SHOWN:
            preview.shown.append(Shown(one, judgement))


def guessed(item: InboundItem) -> str:
    """What its rows are, where the list itself says so; "" where only a person knows."""
    with inbox.open_body(item) as file, closing(read_lines(file)) as lines:
        layout, _ = open_list(lines, item.name)
    return layout.tells if layout else ""
