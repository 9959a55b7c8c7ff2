"""Mails that a mail server hands over with their envelope, by SMTP, LMTP or a pipe.

In: bytes, who it is from and to (RFC 5321 2.3.1). Out: an inbox item a source, committed. The envelope is written above
the mail, as mail systems do on final delivery (`Return-Path`, RFC 5321 4.4; `Delivered-To`): the recipient is where a
return-path token is, and what was kept shows what came.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from bounces.addresses import domain_of
from bounces.intake.keep import Door, Kept, Piece, keep_pieces
from bounces.intake.seen import note_received
from bounces.models import InboundItem, IntakeSource
from bounces.proof import keys, owners_of
from bounces.return_path import TokenState, find_token, judge_token
from bounces.values import Trust

LONGEST_ADDRESS = 320  # RFC 5321 4.5.3.1: 64 + 1 + 255


@dataclass(frozen=True, slots=True)
class Opening:
    """A source that takes mail for whole domains or single addresses. `source_id` is empty for return paths."""

    door: str
    trust: Trust
    recipients: frozenset[str] = frozenset()  # "bounces@example.com", or "@example.com" for all of a domain
    source_id: int | None = None

    def takes(self, address: str) -> bool:
        return address in self.recipients or f"@{domain_of(address)}" in self.recipients


def openings() -> list[Opening]:
    """What the sources of kind smtp take. A domain alone means all of its addresses."""
    rows = IntakeSource.objects.filter(kind="smtp", is_enabled=True).order_by("pk")
    return [Opening(row.door, Trust(row.trust), recipients_of(row.options.get("recipients")), row.pk) for row in rows]


def recipients_of(given: Any) -> frozenset[str]:
    lines = given if isinstance(given, list) else str(given or "").split()
    texts = [str(line).strip().strip("<>").lower() for line in lines]
    return frozenset(text if "@" in text else f"@{text}" for text in texts if text)


RETURN_PATHS = Opening(door="smtp", trust=Trust.TOKEN)


def opening_of(recipient: str, openings: Sequence[Opening]) -> Opening | None:
    """Who takes mail for an envelope recipient: a source that names it, else whoever holds a token of ours."""
    address = recipient.strip().strip("<>").lower()
    named = next((opening for opening in openings if opening.takes(address)), None)
    if named is not None:
        return named
    return RETURN_PATHS if is_return_path(address) else None


def is_return_path(address: str) -> bool:
    """Whether we gave it out: true, if maybe too old (what comes late is kept, and waits for review)."""
    token = find_token(address)
    if token is None:
        return False
    owner = owners_of([token.attempt_id]).get(token.attempt_id, "")
    return bool(owner) and judge_token(token, owner, keys(), token.expires_at) in (
        TokenState.VALID,
        TokenState.EXPIRED,
    )


def keep_envelope(
    body: bytes, sender: str, recipients: Iterable[tuple[str, Opening]], now: datetime, name: str = "mail"
) -> list[Kept]:
    """Stores a mail once for each source that takes it. Committed when it returns. May run twice."""
    by_opening: dict[Opening, list[str]] = {}
    for recipient, opening in recipients:
        by_opening.setdefault(opening, []).append(recipient)
    kept: list[Kept] = []
    with transaction.atomic():
        for opening, theirs in by_opening.items():
            whole = with_envelope(body, sender, theirs)
            piece = Piece(body=whole, name=name, form=InboundItem.Form.MAIL, identity=whole)
            (one,) = keep_pieces([piece], Door(source=opening.door, trust=opening.trust, now=now))
            if opening.source_id is not None:
                note_received(opening.source_id, int(one.is_new), 0, now)
            kept.append(one)
    return kept


def with_envelope(body: bytes, sender: str | None, recipients: Iterable[str]) -> bytes:
    """The mail below its envelope. `sender` is None where it is not known, and empty where there is none. Pure."""
    head = b"" if sender is None else b"Return-Path: <" + _line(sender) + b">\r\n"
    return head + b"".join(b"Delivered-To: " + _line(each) + b"\r\n" for each in recipients) + body


def _line(address: str) -> bytes:
    """As bytes of one header line, whatever a client sent."""
    plain = "".join(character for character in address.strip().strip("<>") if character.isprintable())
    return plain.encode("utf-8", "replace")[:LONGEST_ADDRESS]
