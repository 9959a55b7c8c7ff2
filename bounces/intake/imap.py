"""IMAP mailboxes: what lies in a folder is kept, once, and put away afterwards.

In: a source's mailbox and the position up to which it was read. Out: inbox items, the new position in the same
transaction, then the mails moved or deleted where the source says so: nothing happens to a mail before COMMIT.

Mails are fetched in ascending order of their UIDs, a few megabytes at a time, so that a backlog of any size stands in
bounded memory, and a restart goes on behind the last one kept. A folder with another UIDVALIDITY is read from its
beginning: the digests know what was here. One reader a mailbox: a lease, checked in each transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from bounces import lease
from bounces.intake.imap_session import OpenFolder
from bounces.intake.keep import Door, Piece, keep_pieces, keep_refused, megabytes
from bounces.intake.seen import note_received
from bounces.lease import Lease
from bounces.models import InboundItem, MailboxPosition
from bounces.values import Trust

BATCH_MAILS = 200
BATCH_BYTES = 8 * 1024 * 1024
LEASE_LASTS = timedelta(seconds=60)  # of a killed reader: so long nobody reads; a server may be silent for half of it
WINDOW = 5_000  # mails whose sizes are asked for at once


@dataclass(frozen=True, slots=True)
class Done:
    """What happens to a mail that was kept: `leave`, `move` to a folder, or `delete`."""

    what: str = "leave"
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Inlet:
    """Whose mails they are: the source's door, and what becomes of them on the server."""

    source_id: int
    door: str
    trust: Trust
    place: str  # imap://user@host/folder: numbers of another mailbox mean nothing here
    folder: str
    done: Done = Done()


@dataclass(slots=True)
class Tally:
    new: int = 0
    known: int = 0
    refused: int = 0

    def add(self, other: Tally) -> None:
        self.new += other.new
        self.known += other.known
        self.refused += other.refused


def read_folder(opened: OpenFolder, inlet: Inlet, held: Lease, clock: Callable[[], datetime]) -> Iterator[Tally]:
    """Keeps what is new, batch by batch, and says after each what it was. May run twice, and be killed anywhere."""
    position = position_of(inlet, opened.uid_validity, held)
    _put_away(opened, inlet, opened.uids_up_to(position.uid) if inlet.done.what != "leave" else [])
    uids = opened.uids_above(position.uid)
    for start in range(0, len(uids), WINDOW):
        window = uids[start : start + WINDOW]
        sizes = opened.sizes(window)
        for batch in batches(window, sizes):
            tally = _keep(opened, inlet, batch, sizes, held, clock())
            _put_away(opened, inlet, batch)
            lease.renew(held)
            yield tally


def position_of(inlet: Inlet, uid_validity: int, held: Lease) -> MailboxPosition:
    """Up to where the folder was read. Another UIDVALIDITY: these are other UIDs, so from the beginning."""
    with transaction.atomic():
        lease.guard(held)
        position, _ = MailboxPosition.objects.get_or_create(
            source_id=inlet.source_id, folder=inlet.place, defaults={"uid_validity": uid_validity}
        )
        if position.uid_validity != uid_validity:
            position.uid_validity, position.uid = uid_validity, 0
            position.save(update_fields=["uid_validity", "uid"])
    return position


def batches(uids: Sequence[int], sizes: Mapping[int, int]) -> Iterator[list[int]]:
    """UIDs in lists bounded by count and by bytes; one above the cap is not fetched, so it weighs nothing."""
    batch: list[int] = []
    weight = 0
    for uid in uids:
        size = sizes.get(uid, 0)
        weighs = size if size <= settings.MAIL_CAP else 0
        if batch and (weight + weighs > BATCH_BYTES or len(batch) >= BATCH_MAILS):
            yield batch
            batch, weight = [], 0
        batch.append(uid)
        weight += weighs
    if batch:
        yield batch


def _keep(
    opened: OpenFolder, inlet: Inlet, uids: Sequence[int], sizes: Mapping[int, int], held: Lease, now: datetime
) -> Tally:
    """One batch and the position behind it, in one transaction. Mails that went away meanwhile are passed over."""
    door = Door(source=inlet.door, trust=inlet.trust, now=now)
    wanted = [uid for uid in uids if uid in sizes and sizes[uid] <= settings.MAIL_CAP]
    fetched = opened.bodies(wanted)
    refused = {uid: (sizes[uid], too_large(sizes[uid])) for uid in uids if sizes.get(uid, 0) > settings.MAIL_CAP}
    # Some servers tell a size and give out another one.
    refused |= {uid: (len(b), too_large(len(b))) for uid, b in fetched.items() if len(b) > settings.MAIL_CAP}
    still_there = opened.sizes([uid for uid in wanted if uid not in fetched])
    refused |= {uid: (size, NOT_GIVEN_OUT) for uid, size in still_there.items()}
    pieces = [
        Piece(body=body, name=f"{inlet.folder} {uid}", form=InboundItem.Form.MAIL, identity=body)
        for uid, body in fetched.items()
        if uid not in refused
    ]
    with transaction.atomic():
        lease.guard(held)
        kept = keep_pieces(pieces, door)
        left = [
            keep_refused(f"{inlet.folder} {opened.uid_validity}/{uid}", size, why, door)
            for uid, (size, why) in refused.items()
        ]
        MailboxPosition.objects.filter(
            source_id=inlet.source_id, folder=inlet.place, uid_validity=opened.uid_validity, uid__lt=uids[-1]
        ).update(uid=uids[-1], read=F("read") + len(kept) + len(left))
        new, turned_away = sum(each.is_new for each in kept), sum(each.is_new for each in left)
        note_received(inlet.source_id, new, turned_away, now)
    return Tally(new, len(kept) - new, turned_away)


def too_large(size: int) -> str:
    return f"{megabytes(size)} is above the cap of {megabytes(settings.MAIL_CAP)}: it was left on the server, unread."


NOT_GIVEN_OUT = "The mail server names it and does not give it out: it was left there, unread."


def _put_away(opened: OpenFolder, inlet: Inlet, uids: Sequence[int]) -> None:
    """What was kept; of an earlier reader too, that was killed between COMMIT and here. What is too large stays."""
    if inlet.done.what == "leave" or not uids:
        return
    small = [uid for uid, size in opened.sizes(uids).items() if size <= settings.MAIL_CAP]
    if inlet.done.what == "move":
        opened.put_away(small, inlet.done.folder)
    elif inlet.done.what == "delete":
        opened.delete(small)


def lease_name(source_id: int) -> str:
    return f"imap:{source_id}"
