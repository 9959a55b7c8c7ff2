"""The one way into the inbox: store the bytes, then answer.

In: bytes or a stream with where they came from. Out: a pending InboundItem, or the one that was already there: an
item is unique by (source, digest), so that the same thing through the same door is stored once. Callers answer 2xx
only after the transaction has committed. Stage: intake.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from django.conf import settings
from django.db import transaction

from bounces.intake.exported.layout import is_list
from bounces.intake.exported.objects import begins_json
from bounces.intake.exported.table import HEAD_BYTES
from bounces.mailfiles import FileKind, sniff
from bounces.models import InboundItem, RawChunk
from bounces.statements import columns, run
from bounces.values import Trust

WAITS = "A list: look at what it tells, then say what its rows are."
WORKBOOK = "This is a workbook. Save its sheet as CSV, and upload that."
WORKBOOK_SIGNS = (b"[Content_Types].xml", b"xl/", b"application/vnd.oasis.opendocument.spreadsheet")
CHUNK = 4 * 1024 * 1024
FORMS = {
    FileKind.MAIL: InboundItem.Form.MAIL,
    FileKind.MBOX: InboundItem.Form.MBOX,
    FileKind.ZIP: InboundItem.Form.ZIP,
    FileKind.EMPTY: InboundItem.Form.UNKNOWN,
    FileKind.UNKNOWN: InboundItem.Form.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Door:
    """Where something came from: the source's name, how far it is believed, who brought it and when."""

    source: str
    trust: Trust
    now: datetime
    by_id: int | None = None
    parent_id: int | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    item_id: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """One payload ready to be stored. `identity` is what its digest is made of.

    Where they are given, its container and the moment when that came take the place of the door's. With `why`, it is
    stored as what it already is: ignored, or quarantined.
    """

    body: bytes
    name: str
    form: str
    identity: bytes
    parent_id: int | None = None
    received_at: datetime | None = None
    state: str = "pending"
    why: str = ""
    tells: str = ""  # of a list: what its rows are

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.identity).digest()


def megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:,.1f} MB"


def keep_stream(stream: BinaryIO, size: int, name: str, door: Door) -> Kept:
    """Stores a seekable file in chunks, whatever it is; one above its cap is refused by name, unread.

    May run twice: the second time finds the first's item.
    """
    head = stream.read(HEAD_BYTES)
    if is_workbook(head):
        return keep_refused(name, size, WORKBOOK, door)
    form = form_of(head, name)
    cap = settings.ARCHIVE_CAP if form in InboundItem.ARCHIVES else settings.MAIL_CAP
    if size > cap:
        return keep_refused(name, size, f"{megabytes(size)} is above the cap of {megabytes(cap)}.", door)
    stream.seek(0)
    digest = hashlib.file_digest(stream, "sha256").digest()  # type: ignore[arg-type]  # files and uploads can readinto
    stream.seek(0)
    with transaction.atomic():
        state, why = ("quarantined", WAITS) if form == InboundItem.Form.LIST else ("pending", "")
        kept = _insert_item(digest, name, form, size, door, state, why)
        position = 0
        while kept.is_new and (body := stream.read(CHUNK)):
            RawChunk.objects.create(item_id=kept.item_id, position=position, body=body)
            position += 1
    return kept


def is_workbook(head: bytes) -> bool:
    """XLSX and ODS are archives that say so in their first member; older ones have a beginning of their own."""
    is_new = head.startswith(b"PK\x03\x04") and any(sign in head[:4096] for sign in WORKBOOK_SIGNS)
    return is_new or head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")


def form_of(head: bytes, name: str) -> str:
    """By its beginning: lists of addresses are what is no mail and names a column of them."""
    form = FORMS[sniff(head, name)]
    may_be_list = form == InboundItem.Form.UNKNOWN or (form == InboundItem.Form.MAIL and begins_json(head))
    return InboundItem.Form.LIST if may_be_list and (begins_json(head) or is_list(head, name)) else form


def keep_refused(name: str, size: int, why: str, door: Door, place: int | None = None) -> Kept:
    """Notes a thing that was not read, so that it is counted and its sender finds out why. May run twice.

    `place`: which of its container's files it is, because two of them may have one name.
    """
    identity = f"refused\0{door.parent_id}\0{name}\0{size}" + ("" if place is None else f"\0{place}")
    digest = hashlib.sha256(identity.encode(errors="replace")).digest()
    return _insert_item(
        digest, name, InboundItem.Form.UNKNOWN, size, door, state=InboundItem.State.QUARANTINED, why=why
    )


def _insert_item(
    digest: bytes, name: str, form: str, size: int, door: Door, state: str = "pending", why: str = ""
) -> Kept:
    known = {"source": door.source, "digest": digest}
    values = {
        "form": form,
        "trust": door.trust,
        "name": plain_name(name),
        "size": size,
        "parent_id": door.parent_id,
        "state": state,
        "why": why,
        "by_id": door.by_id,
        "received_at": door.now,
        "finished_at": door.now if why else None,
    }
    item, is_new = InboundItem.objects.get_or_create(**known, defaults=values)
    return Kept(item.pk, is_new)


def keep_pieces(pieces: Sequence[Piece], door: Door) -> list[Kept]:
    """Stores many payloads in one INSERT; answers in their order. May run twice."""
    if not pieces:
        return []
    digests = [piece.digest for piece in pieces]
    first = {digest: index for index, digest in reversed(list(enumerate(digests)))}
    chosen = sorted(first.values())
    new: dict[bytes, int] = dict(
        run(
            INSERT_PIECES,
            {
                "source": door.source,
                "trust": str(door.trust),
                "by": door.by_id,
                "parents": [pieces[i].parent_id or door.parent_id for i in chosen],
                "moments": [pieces[i].received_at or door.now for i in chosen],
                "states": [str(pieces[i].state) for i in chosen],
                "whys": [pieces[i].why for i in chosen],
                "tells": [pieces[i].tells for i in chosen],
                "digests": [digests[i] for i in chosen],
                "forms": [str(pieces[i].form) for i in chosen],
                "names": [plain_name(pieces[i].name) for i in chosen],
                "bodies": [pieces[i].body for i in chosen],
            },
        )
    )
    ids = new if len(new) == len(chosen) else dict(run(FIND_PIECES, {"source": door.source, "digests": digests}))
    return [Kept(ids[digest], is_new=digest in new and first[digest] == index) for index, digest in enumerate(digests)]


FIND_PIECES = """
SELECT digest, id FROM bounces_inbounditem WHERE source = %(source)s AND digest = ANY(%(digests)b::bytea[])
"""
INSERT_PIECES = """
WITH piece AS (
    SELECT * FROM unnest(%(digests)b::bytea[], %(forms)b::text[], %(names)b::text[], %(bodies)b::bytea[],
                         %(parents)b::bigint[], %(moments)b::timestamptz[], %(states)b::text[], %(whys)b::text[],
                         %(tells)b::text[])
        AS piece(digest, form, name, body, parent_id, received_at, state, why, tells)
), item AS (
    INSERT INTO bounces_inbounditem
        (source, digest, form, trust, name, size, parent_id, state, why, tells, facts, tries, by_id, received_at,
         finished_at)
    SELECT %(source)s, digest, form, %(trust)s, name, length(body), parent_id, state, why, tells, 0, 0, %(by)s::bigint,
           received_at, CASE WHEN state <> 'pending' THEN received_at END
    FROM piece
    ON CONFLICT (source, digest) DO NOTHING
    RETURNING id, digest
), chunk AS (
    INSERT INTO bounces_rawchunk (item_id, position, body)
    SELECT item.id, 0, piece.body FROM item JOIN piece USING (digest)
)
SELECT digest, id FROM item
"""


def reserve(wanted: Sequence[tuple[str, bytes]]) -> dict[int, int]:
    """The ids that those of (source, digest) will have which are not there yet, by their place; of copies the first."""
    first = {one: place for place, one in reversed(list(enumerate(wanted)))}
    rows = [(*one, place) for one, place in sorted(first.items(), key=lambda each: each[1])]
    return dict(run(RESERVE, columns(rows, ("sources", "digests", "places"))))


RESERVE = """
SELECT new.place, nextval(pg_get_serial_sequence('bounces_inbounditem', 'id'))
FROM unnest(%(sources)b::text[], %(digests)b::bytea[], %(places)b::int[]) AS new(source, digest, place)
WHERE NOT EXISTS (
    SELECT FROM bounces_inbounditem item WHERE item.source = new.source AND item.digest = new.digest
)
ORDER BY new.place
"""


@dataclass(frozen=True, slots=True)
class Finished:
    """A piece under the id that was reserved for it, and what became of it."""

    pk: int
    source: str
    trust: str
    piece: Piece
    facts: int


def keep_finished(ended: Sequence[Finished], now: datetime) -> None:
    """Stores payloads of which it is known what became of them, in one INSERT."""
    rows = [
        (
            one.pk, one.source, one.piece.digest, str(one.piece.form), str(one.trust), plain_name(one.piece.name),
            one.piece.parent_id, str(one.piece.state), one.piece.why, one.facts, one.piece.received_at or now,
            one.piece.body,
        )
        for one in ended
    ]  # fmt: skip
    if rows:
        run(INSERT_FINISHED, columns(rows, FINISHED) | {"now": now})


FINISHED = (
    "ids", "sources", "digests", "forms", "trusts", "names", "parents", "states", "whys", "facts", "moments", "bodies",
)  # fmt: skip


INSERT_FINISHED = """
WITH piece AS (
    SELECT * FROM unnest(%(ids)b::bigint[], %(sources)b::text[], %(digests)b::bytea[], %(forms)b::text[],
                         %(trusts)b::text[], %(names)b::text[], %(parents)b::bigint[], %(states)b::text[],
                         %(whys)b::text[], %(facts)b::int[], %(moments)b::timestamptz[], %(bodies)b::bytea[])
        AS piece(id, source, digest, form, trust, name, parent_id, state, why, facts, received_at, body)
), item AS (
    INSERT INTO bounces_inbounditem
        (id, source, digest, form, trust, name, size, parent_id, state, why, facts, tries, received_at, finished_at)
    SELECT id, source, digest, form, trust, name, length(body), parent_id, state, why, facts, 0, received_at,
           %(now)s::timestamptz
    FROM piece
)
INSERT INTO bounces_rawchunk (item_id, position, body) SELECT id, 0, body FROM piece
"""


def plain_name(name: str) -> str:
    """A file's or event's name as PostgreSQL can hold it and a page can show it."""
    if name.isprintable():  # halves of surrogate pairs are not
        return name[-200:]
    cleaned = "".join(c for c in name.encode(errors="replace").decode() if c.isprintable())
    return cleaned[-200:]
