"""A list that a person has looked at becomes items of its own, one a line.

In: an inbox item of form `list`, and what its rows tell. Out: its children: events to be recorded, and the lines that
tell none, each with its reason. Stage: between inbox and parse. Killed amid, it starts again and finds the children
that are there: a line is known by what it says, so that the same line of a later export changes nothing.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import transaction

from bounces import inbox, lease
from bounces.inbox import Item, Outcome, ignored, quarantined
from bounces.intake.exported.layout import TELLS, Layout
from bounces.intake.exported.layout import open_list as laid_out
from bounces.intake.exported.lines import Read, read_line
from bounces.intake.exported.table import Line, read_lines
from bounces.intake.keep import WAITS, Door, Piece, keep_pieces
from bounces.lease import Lease
from bounces.models import InboundItem
from bounces.values import Trust

BATCH = 500
NO_LIST = "No column of it holds email addresses. Name one “email” in its first line."
State = InboundItem.State


def decide(item_id: int, tells: str, by: Any = None) -> bool:
    """Somebody says what the rows of a list are: they are recorded. False where that was said before, or it is none."""
    if tells not in TELLS:
        return False
    waiting = InboundItem.objects.filter(pk=item_id, form=InboundItem.Form.LIST, state=State.QUARANTINED, facts=0)
    changed = waiting.update(state=State.PENDING, tells=tells, why="", tries=0, finished_at=None)
    if changed and by is not None:
        InboundItem.objects.filter(pk=item_id, by=None).update(by=by)
    return bool(changed)


def reopen(item_ids: Sequence[int]) -> list[int]:
    """Lists that were discarded, and that a person brings again, wait again; answers which wait, as before or again."""
    lists = InboundItem.objects.filter(pk__in=item_ids, form=InboundItem.Form.LIST)
    lists.filter(state=State.IGNORED, tells="", facts=0).update(state=State.QUARANTINED, why=WAITS)
    return list(lists.filter(state=State.QUARANTINED).values_list("pk", flat=True))


def open_list(item: Item, held: Lease, now: datetime) -> None:
    """Makes the children and finishes the list. May run twice."""
    tally: Counter[str] = Counter()
    with inbox.open_body(item) as file, closing(read_lines(file)) as lines:
        layout, rows = laid_out(lines, item.name)
        if layout is None or item.tells not in TELLS:
            inbox.end({item.pk: quarantined(WAITS if layout else NO_LIST)}, held, now)
            return
        while several := list(islice(rows, BATCH)):
            tally.update(keep_lines(item, layout, several, held))
            lease.renew(held)
    inbox.end({item.pk: outcome_of(tally)}, held, now)


def keep_lines(item: Item, layout: Layout, lines: Sequence[Line], held: Lease) -> Counter[str]:
    """Stores a batch of them; how many were new, here before, bad."""
    read = [(line, read_line(layout, item.tells, line, item.received_at)) for line in lines]
    pieces = [piece_of(item, layout, line, one) for line, one in read]
    door = Door(item.source, Trust(item.trust), item.received_at, item.by_id, item.pk)
    with transaction.atomic():
        lease.guard(held)
        kept = keep_pieces(pieces, door)
    words = ["bad" if one.is_bad else "new" if it.is_new else "seen" for (_, one), it in zip(read, kept, strict=True)]
    return Counter(words)


def piece_of(item: Item, layout: Layout, line: Line, read: Read) -> Piece:
    if read.event:
        name, identity = read.event["event_id"], b"event\0" + read.event["event_id"].encode()
        body = json.dumps(read.event, ensure_ascii=False, separators=(",", ":")).encode()
        return Piece(body=body, name=name, form=InboundItem.Form.EVENT, identity=identity)
    # Kept as a list of its own, so that it can be read again when we know better.
    return Piece(
        body=csv_of(layout.stored_head, line.cells),
        name=f"line {line.number}",
        form=InboundItem.Form.LIST,
        identity=f"none\0{item.pk}\0{line.number}".encode(),
        state=State.QUARANTINED if read.is_bad else State.IGNORED,
        why=f"Line {line.number}: {read.why}",
        tells=item.tells,
    )


def csv_of(*rows: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def outcome_of(tally: Counter[str]) -> Outcome:
    total = tally.total()
    if not total:
        return ignored("It holds no rows.")
    parts = [f"{total:,} row{'s' if total != 1 else ''}"]
    if tally["seen"]:
        parts.append(f"{tally['seen']:,} of them here before")
    if tally["bad"]:
        parts.append(f"{tally['bad']:,} not understood")
    return Outcome(State.DONE, ", ".join(parts) + ".", total)
