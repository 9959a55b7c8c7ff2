"""The notice of a report that was written for people: its words, without the mail that came back below them.

In: a `Mail`. Out: the lines of the notice, and how much speaks for a mail system as its author. Stage: parse.
"""

from __future__ import annotations

from dataclasses import dataclass

from bounces.lazy import lazy
from bounces.parsing.caps import met
from bounces.parsing.mail import Headers, Mail
from bounces.parsing.text import find_addresses, set_apart
from bounces.parsing.words import any_of, find_words
from bounces.patterns import Pattern

MAX_LINES = 2_000
MAX_LINE_CHARS = 2_000
MAX_COPIED_LINES = 200  # of the copy below the notice, in which its headers are looked for
ENOUGH = 2  # of `weight`: a system's name, a failure's subject, a null return path, or several smaller signs

COPY = any_of(find_words("copy_follows").source, find_words("copy_begins").source, before="(?m)")
SYSTEM_SENDER, FAILURE_SUBJECT = find_words("system_sender"), find_words("failure_subject")
DELIVERY_SUBJECT, SELF_DESCRIPTION = find_words("delivery_subject"), find_words("self_description")
REPLY = Pattern(r"(?m)\b[45]\d\d[ -][45]\.\d\.\d|#[45]\.\d\.\d|(?:said|>>>|<<<|error)[^\n]{0,20} [45][05]\d[ -]")
FAILURE, LIST_REFUSAL = find_words("failure"), find_words("list_refusal")
DELAYED, SURELY_DELAYED, FINAL = find_words("delayed"), find_words("delayed_surely"), find_words("final")
ANSWERED = Pattern(r"(?i)^\s*(?:re|aw|sv|fwd?|wg|tr|rv|antw)\s*(?:\[\d+\])?:")

NO_HEADERS = Headers()


@dataclass(eq=False)
class Notice:
    """`lines`: what the mail system says, unquoted and capped. `copied`: whether the mail came back with it.

    `copy`: the headers of the mail that came back as plain text below the notice; empty where there is none.
    """

    mail: Mail
    lines: tuple[str, ...]
    copied: bool
    copy: Headers = NO_HEADERS

    @lazy
    def text(self) -> str:
        return "\n".join(self.lines)

    @lazy
    def sentences(self) -> str:
        """The same words without line ends: a phrase may be broken anywhere."""
        return " ".join([line.strip() for line in self.lines])

    @lazy
    def addressed(self) -> list[int]:
        """The lines in which an address may stand."""
        return [at for at, line in enumerate(self.lines) if "@" in line]

    @lazy
    def senders(self) -> list[str]:
        """Who sent the mail that the report is about: whom the report was sent to, and who is named in that mail."""
        returned = [
            each for each in (*self.mail.returned, self.copy) if not SYSTEM_SENDER.matches(each.get("from")[:200])
        ]
        named = [each.get(name) for each in returned for name in ("from", "sender", "return-path")]
        written_to = {address for each in returned for address in find_addresses(each.get("to"))}
        own = [address for text in named for address in find_addresses(text) if address not in written_to]
        return [*find_addresses(self.mail.headers.get("to")), *own]

    @lazy
    def is_from_system(self) -> bool:
        """Whether the sender has a mail system's name."""
        return SYSTEM_SENDER.matches(self.mail.headers.get("from")[:200])

    @lazy
    def is_answered(self) -> bool:
        """Whether the subject begins as an answer's or a forward's does."""
        return ANSWERED.matches(self.mail.subject[:200])

    @lazy
    def is_report(self) -> bool:
        return self.weight >= ENOUGH and not self.is_answer

    @lazy
    def is_answer(self) -> bool:
        """A person's or a ticket system's mail about a report, even where its return path is empty."""
        headers = self.mail.headers
        if not self.is_answered or not ("in-reply-to" in headers or "references" in headers):
            return False
        is_systems = self.is_from_system or "x-failed-recipients" in headers
        return not is_systems and self.mail.content_type != "multipart/report"

    @lazy
    def tells_failure(self) -> bool:
        if "x-failed-recipients" in self.mail.headers:
            return True
        if FAILURE.matches(self.text) or FAILURE.matches(self.sentences):
            return True
        return self.is_from_system and FAILURE_SUBJECT.matches(self.mail.subject[:200])  # in an unknown language

    @lazy
    def is_delay(self) -> bool:
        """Still being retried: the subject or the text says so, and nothing says that it is over."""
        if SURELY_DELAYED.matches(self.sentences):
            return True
        told = DELAYED.matches(self.mail.subject[:200]) or DELAYED.matches(self.sentences)
        return bool(told) and not FINAL.matches(self.sentences)

    @property
    def hints(self) -> int:
        """What parcels, shops and newsletters have too, one by one: a subject, an introduction, a reply code."""
        return sum(
            (
                DELIVERY_SUBJECT.matches(self.mail.subject[:200]),
                SELF_DESCRIPTION.matches(self.sentences[:1_000]),
                bool(REPLY.matches(self.text)),
            )
        )

    @lazy
    def is_refused_post(self) -> bool:
        return bool(LIST_REFUSAL.matches(self.mail.subject[:200]))

    @lazy
    def weight(self) -> int:
        """How much speaks for a mail system. A person who answers a bounce gets no credit for its subject."""
        subject = self.mail.subject[:200]
        told = 0 if self.is_answered else 2 if FAILURE_SUBJECT.matches(subject) else self.hints
        return told + self.system_signs

    @property
    def is_systems(self) -> bool:
        """Whether more than its subject says that no person wrote it; of an unknown sender, a reply code will do."""
        if self.system_signs or self.mail.content_type == "multipart/report":
            return True
        is_list = "list-unsubscribe" in self.mail.headers or "list-id" in self.mail.headers
        return not is_list and REPLY.matches(self.text)

    @lazy
    def system_signs(self) -> int:
        """What speaks for a mail system without a word of the mail's own: a person can write of a failed mail too."""
        headers = self.mail.headers
        return_path = headers.get("return-path").strip().lower()
        return (
            2 * self.is_from_system
            + 2 * (return_path == "<>" or "mailer-daemon" in return_path)
            + 3 * ("x-failed-recipients" in headers)
            + 2 * self.is_refused_post
            + self.copied  # the mail came back with it
        )


def find_notice(mail: Mail) -> Notice:
    """The words above the returned mail. Quoted lines (`>`) are someone else's words and left out."""
    copy = COPY.search(mail.text)
    told = mail.text[: copy.start()] if copy else mail.text
    lines = capped_lines(told, MAX_LINES)
    if len(told) > MAX_LINE_CHARS:
        lines = [line if line.startswith("> ") else capped_line(line) for line in lines]
    unquoted = tuple([line.rstrip() for line in lines if not line.startswith("> ")])
    if not told.isascii():
        unquoted = tuple([set_apart(line) for line in unquoted])
    if not copy:
        return Notice(mail, unquoted, copied=bool(mail.returned))
    rest = mail.text[copy.start() : copy.start() + MAX_COPIED_LINES * MAX_LINE_CHARS]
    return Notice(mail, unquoted, copied=True, copy=read_copy(rest.split("\n", MAX_COPIED_LINES)[:MAX_COPIED_LINES]))


def capped_lines(text: str, most: int) -> list[str]:
    """The first lines. What is left out is worth a word where an address stands in it."""
    lines = text.split("\n", most)
    if len(lines) > most and "@" in lines[most]:
        met(f"more than {most:,} lines")
    return lines[:most]


def capped_line(line: str) -> str:
    if len(line) > MAX_LINE_CHARS and "@" in line[MAX_LINE_CHARS:]:
        met(f"a line of more than {MAX_LINE_CHARS:,} characters")
    return line[:MAX_LINE_CHARS]


def read_copy(lines: list[str]) -> Headers:
    """The headers of a mail repeated as text, quoted or indented or not; the line that announces it is none of them."""
    capped = (line[:MAX_LINE_CHARS] for line in lines)
    text = "\n".join(line.lstrip("> \t") if ":" in line[:40] else line for line in capped)
    return Headers(text.encode("utf-8", "replace"))
