"""Delivery reports written for people only: about four in ten of all bounces have no delivery-status part.

In: a `Mail`. Out: one `Report` a recipient, with the words about that recipient as its diagnostic. Stage: parse.

One general reader instead of one a mail system, since their language is one: a mail system says that it failed, names
each recipient at the head of a paragraph (qmail, Postfix, Exim, Sendmail, Exchange, Yahoo), or in the sentence of
failure, or in the SMTP dialogue that it repeats; what stands between one recipient and the next is about the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import re2

from bounces.parsing.mail import Mail
from bounces.parsing.notice import Notice, find_notice
from bounces.parsing.text import ADDRESS_PATTERN, clean_line, find_addresses, find_host, find_replycode, find_status
from bounces.values import Event, Report

MAX_RECIPIENTS = 1_000
ENOUGH = 2  # of Notice.weight: a system's name, a failure's subject, a null return path, or several smaller signs

# A recipient at the head of a line, with nothing but marks before it and a separator behind it.
AT_HEAD = re2.compile(
    r"(?i)^\s*(?:[*>•-]+\s+|\d+[.)]\s+)?(?:(?:failed |final[- ])?(?:recipient|address|addressee)s?(?: address)?\s*:\s*)?"
    rf"[<'\"(]{{0,2}}(?P<address>{ADDRESS_PATTERN})[>'\")]{{0,2}}"
    rf"(?:\s+<{ADDRESS_PATTERN}>)?\s*(?P<after>$|:|;|,$|\bon\b|\[|\(|\.\.\.|-\s|=>)"
)
# A recipient in a line of the SMTP dialogue: `550 <a@b.example>... Host unknown`, `>>> RCPT TO:<a@b.example>`.
IN_DIALOGUE = re2.compile(
    rf"(?i)^\W*(?:[45]\d\d[ -](?:[45]\.\d+\.\d+ )?<?(?P<refused>{ADDRESS_PATTERN})>?(?:\.\.\.|:)|"
    rf"(?:\w+ )?\W*rcpt to:\s*<?(?P<tried>{ADDRESS_PATTERN})>?)"
)
# A recipient in the sentence of failure.
IN_SENTENCE = re2.compile(
    r"(?i)\b(?:deliver(?:y|ed|ing)?|undeliverable|send|sent|reach|unknown user|unknown recipient|allowed size|errors?|recipients?|"
    r"address(?:es)?|mailbox|user|account)\b[^@]{0,80}?[\s:<'\"(]"
    rf"(?P<address>{ADDRESS_PATTERN})"
)
NOT_A_RECIPIENT = re2.compile(
    r"(?i)\b(?:sent by|from|contact|sender|e-?mail to|write to|forward(?:ed)? (?:this )?to|assistance|help)\W*$"
)
FROM_LINE = re2.compile(r"(?i)^\s*(?:from|sender|reply-to|return-path|contact|cc|date|subject)\s*:")
WORDS = re2.compile(r"\pL{3}")
ASIDE = re2.compile(r"(?i)^\s*\((?:ultimately )?(?:generated|expanded) from\b.*$")


@dataclass
class Finding:
    """A recipient, and the lines about it."""

    recipient: str
    lines: list[str]


def read_free_text(mail: Mail) -> tuple[Report, ...]:
    """Empty where no mail system wrote the mail, or it tells no failure."""
    notice = find_notice(mail)
    if notice.weight < ENOUGH or not (notice.tells_failure or "x-failed-recipients" in mail.headers):
        return ()
    findings = find_recipients(notice)
    return tuple(build_report(notice, finding) for finding in findings[:MAX_RECIPIENTS])


def find_recipients(notice: Notice) -> list[Finding]:
    """By the header that names them; else by the first of the three places in which the notice does."""
    headed = find_headed(notice, AT_HEAD)
    named = find_addresses(",".join(notice.mail.headers.all("x-failed-recipients")))
    if named and (not headed or {finding.recipient for finding in headed} & set(named)):
        return [next((f for f in headed if f.recipient == address), Finding(address, [])) for address in named]
    return headed or find_headed(notice, IN_DIALOGUE) or find_headed(notice, IN_SENTENCE) or find_addressee(notice)


def find_headed(notice: Notice, pattern: re2._Regexp) -> list[Finding]:
    """Paragraphs by the recipient that opens them; several about one recipient are one finding."""
    findings: dict[str, Finding] = {}
    current: Finding | None = None
    waiting: list[Finding] = []  # recipients listed one below the other share the paragraph that follows
    before = ""
    for line in notice.lines:
        address = find_recipient(pattern, line, before)
        if address:
            if current and any(WORDS.search(said) for said in current.lines):
                waiting = []
            current = findings.setdefault(address, Finding(address, []))
            waiting.append(current)
            rest = after_address(pattern, line)
            if rest:
                current.lines.append(rest)
        else:
            for finding in waiting:
                if not ASIDE.match(line):
                    finding.lines.append(line)
        before = line.strip() or before
    return without_sender(list(findings.values()), notice)


def find_recipient(pattern: re2._Regexp, line: str, before: str) -> str:
    """The recipient that a line introduces, or ""."""
    match = pattern.search(line) if "@" in line else None
    if not match or FROM_LINE.match(line) or NOT_A_RECIPIENT.search(before[-60:]):
        return ""
    address = next((value for value in match.groupdict().values() if value and "@" in value), "")
    head = line[: match.start() + match.group(0).find(address)] if address else ""
    if NOT_A_RECIPIENT.search(head[-60:].rstrip("<( '\"")):
        return ""
    return next(iter(find_addresses(address)), "")


def after_address(pattern: re2._Regexp, line: str) -> str:
    """What the line says itself: all of it where the recipient stands inside, else what follows it."""
    if pattern is not AT_HEAD:
        return line
    match = AT_HEAD.search(line)
    return line[match.end() - len(match.group("after")) :] if match else ""


def without_sender(findings: list[Finding], notice: Notice) -> list[Finding]:
    """Whom the report was sent to is named in it too, as the sender; where nobody else is, they wrote to themselves."""
    senders = set(find_addresses(notice.mail.headers.get("to")))
    return [finding for finding in findings if finding.recipient not in senders] or findings


def find_addressee(notice: Notice) -> list[Finding]:
    """Where the notice names nobody, the one to whom the returned mail was written, if it is one."""
    for returned in notice.mail.returned:
        addresses = find_addresses(returned.get("to"))
        if len(addresses) == 1:
            return [Finding(addresses[0], [])]
    return []


def build_report(notice: Notice, finding: Finding) -> Report:
    diagnostic = clean_line("\n".join(said_about(notice, finding)))
    return Report(
        event=Event.DEFERRED if notice.is_delay else Event.BOUNCED,
        recipient=finding.recipient,
        status=find_status(diagnostic),
        replycode=find_replycode(diagnostic),
        diagnostic=diagnostic,
        remote_mta=find_host(diagnostic),
    )


def said_about(notice: Notice, finding: Finding) -> Iterator[str]:
    """The lines about one recipient; else those of the dialogue; else the whole notice."""
    lines = [line for line in finding.lines if WORDS.search(line)]
    if not lines:
        lines = [line for line in notice.lines if find_replycode(line)]
    yield from (line.strip() for line in lines or notice.lines)
