"""Mailbox files and archives: their messages become items of the inbox of their own.

In: an inbox item that holds many messages. Out: a child item a message, and the container's own outcome. Read as a
stream and stored in batches; killed amid, it starts again and finds the children that are there (unique by digest).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from django.conf import settings
from django.db import transaction

from bounces import inbox, lease
from bounces.inbox import Item, Outcome, ignored, quarantined
from bounces.intake.exported.table import HEAD_BYTES
from bounces.intake.keep import WAITS, Door, Kept, Piece, form_of, keep_pieces, keep_refused
from bounces.lease import Lease
from bounces.mailfiles import BadArchive, Member, open_zip, split_mbox
from bounces.models import InboundItem
from bounces.values import Trust

BATCH_BYTES = 8 * 1024 * 1024
BATCH_ITEMS = 500


@dataclass(slots=True)
class Tally:
    """What a container turned out to hold."""

    new: int = 0
    seen: int = 0
    refused: int = 0

    def count(self, kept: list[Kept]) -> None:
        self.new += sum(one.is_new for one in kept)
        self.seen += sum(not one.is_new for one in kept)

    def outcome(self) -> Outcome:
        total = self.new + self.seen + self.refused
        if total == 0:
            return ignored("It holds no messages.")
        parts = [f"{total} message{'s' if total != 1 else ''}"]
        if self.seen:
            parts.append(f"{self.seen} of them here before")
        if self.refused:
            parts.append(f"{self.refused} refused")
        return Outcome(InboundItem.State.DONE, ", ".join(parts) + ".", total)


def expand(container: Item, held: Lease, now: datetime) -> None:
    """Makes the children and finishes the container. May run twice."""
    door = Door(
        source=container.source,
        trust=Trust(container.trust),
        now=container.received_at,
        by_id=container.by_id,
        parent_id=container.pk,
    )
    tally = Tally()
    with inbox.open_body(container) as file:
        try:
            for batch in batches(members_of(container, file)):
                _keep(batch, door, tally, held)
                lease.renew(held)
            outcome = tally.outcome()
        except BadArchive as error:
            outcome = quarantined(str(error))
    inbox.end({container.pk: outcome}, held, now)


def members_of(container: Item, file: IO[bytes]) -> Iterator[Member]:
    if container.form == InboundItem.Form.ZIP:
        return open_zip(file, mail_cap=settings.MAIL_CAP, archive_cap=settings.ARCHIVE_CAP)
    return split_mbox(file, settings.MAIL_CAP)


def batches(members: Iterable[Member]) -> Iterator[list[Member]]:
    """Members in lists bounded by count and bytes."""
    batch: list[Member] = []
    size = 0
    for member in members:
        batch.append(member)
        size += len(member.body or b"")
        if size >= BATCH_BYTES or len(batch) >= BATCH_ITEMS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _keep(batch: list[Member], door: Door, tally: Tally, held: Lease) -> None:
    with transaction.atomic():
        lease.guard(held)
        for member in batch:
            if member.body is None:
                keep_refused(member.name, 0, member.refused, door, member.index)
                tally.refused += 1
        pieces = [piece_of(member.name, member.body) for member in batch if member.body is not None]
        tally.count(keep_pieces(pieces, door))


def piece_of(name: str, body: bytes) -> Piece:
    """A mail, or a list, which waits for somebody who says what its rows are."""
    if form_of(body[:HEAD_BYTES], name) == InboundItem.Form.LIST:
        state = InboundItem.State.QUARANTINED
        return Piece(body=body, name=name, form=InboundItem.Form.LIST, identity=body, state=state, why=WAITS)
    return Piece(body=body, name=name, form=InboundItem.Form.MAIL, identity=body)
