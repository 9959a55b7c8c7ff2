"""A bounce that came inside another mail: forwarded by a person, or passed on by a system that adds nothing itself.

In: a `Notice`. Out: the reports of a forward, or the bytes of the bounce inside. Stage: parse.

A forward is a bounce only where the fields of a delivery report are in it (RFC 3464): a person who quotes the words of
one tells of it, and sends none. A digest of a mailing list is never opened.
"""

from __future__ import annotations

from collections.abc import Iterator

from bounces.parsing.caps import met
from bounces.parsing.delivery_status import FIRST_FIELD, read_fields
from bounces.parsing.free_text import is_report_itself
from bounces.parsing.notice import MAX_LINES, Notice, capped_lines
from bounces.patterns import Pattern
from bounces.values import Report

FORWARDED = Pattern(r"(?i)^\s*(?:fwd?|wg|tr|rv|enc|vs|i|doorst|転送)\s*:")
QUOTED_FIELD = Pattern(r"(?im)^[> \t]*final-recipient[ \t]*:.*@")
QUOTE = Pattern(r"(?m)^(?:>[ \t]?)+")
ENVELOPE = Pattern(r"(?im)^from (?:mailer-daemon|postmaster|<>|-)\b.*\n|^return-path:[ \t]*<>[ \t]*\n")
MAX_FORWARD_CHARS = 100_000


def read_forward(notice: Notice) -> tuple[Report, ...]:
    """Empty where the subject names no forward, or no field of a delivery report stands in the text."""
    if not FORWARDED.matches(notice.mail.subject[:200]) or not QUOTED_FIELD.matches(notice.mail.text):
        return ()
    if len(notice.mail.text) > MAX_FORWARD_CHARS:
        met(f"a forward of more than {MAX_FORWARD_CHARS:,} characters")
    lines = capped_lines(notice.mail.text[:MAX_FORWARD_CHARS], MAX_LINES)
    text = QUOTE.sub("", "\n".join(lines))
    first = FIRST_FIELD.search(text)
    return tuple(read_fields(text[first.start() :])) if first else ()


def unwrap(notice: Notice) -> Iterator[bytes]:
    """The bounces inside: as parts of a report or of a forward, or as text below a report's notice."""
    if not notice.is_report and not FORWARDED.matches(notice.mail.subject[:200]):
        return
    for headers, body in zip(notice.mail.returned, notice.mail.inner, strict=True):
        if is_report_itself(headers):
            yield body
    if notice.is_report:
        match = ENVELOPE.search(notice.mail.text)
        if match:
            yield notice.mail.text[match.start() :].encode("utf-8", "replace")
