"""Delivery reports written for people only: about four in ten of all bounces have no delivery-status part.

In: a `Notice`. Out: one `Report` a recipient, with the words about that recipient as its diagnostic. Stage: parse.

One general reader instead of one a mail system, since their language is one: a mail system says that it failed, names
each recipient at the head of a paragraph (qmail, Postfix, Exim, Sendmail, Exchange, Yahoo), or in the SMTP dialogue
that it repeats, or in the sentence of failure; what stands between one recipient and the next is about the first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice

from bounces.parsing.caps import met
from bounces.parsing.mail import Headers
from bounces.parsing.notice import FAILURE, SYSTEM_SENDER, Notice
from bounces.parsing.text import (
    ADDRESS_PATTERN,
    clean_address,
    clean_line,
    find_addresses,
    find_command,
    find_host,
    find_replycode,
    find_status,
)
from bounces.parsing.words import any_of
from bounces.patterns import Found, Pattern
from bounces.values import Event, Report

MAX_RECIPIENTS = 1_000
CERTAIN = 4  # of a notice's weight: at least two of the strongest signs
MAX_TOLD_LINES = 100  # about one recipient
MAX_TOLD_CHARS = 8_000
NOBODY = ("", "")  # of a line that introduces no recipient
MAX_LISTED = 100  # recipients one below the other that share the words below them

# A recipient at the head of a line: nothing but marks and a label before it, a separator behind it.
AT_HEAD = Pattern(
    r"(?i)^\s*(?:[*>•-]+\s+|\d+[.)]\s+)?"
    r"(?:(?:failed |final[- ])?(?:recipient|address|addressee)s?(?: address)?\s*:\s*|"
    r"(?:收件人|宛先|あて先|받는 ?사람|수신자|получатель|destinat(?:aire|ario|ário)|empfänger)(?:地址)?\s*[::]\s*)?"
    rf"[<'\"(]{{0,2}}(?P<address>{ADDRESS_PATTERN})[>'\")]{{0,2}}(?:\s+<{ADDRESS_PATTERN}>)?"
    r"\s*(?P<after>$|:|;|,$|\bon\b|\b(?:le|il|el|am|em|den|op) \d|"
    r"[がはを宛]|\[|\(|\.\.\.|-\s|=>|(?:invalid|unknown|error|not|does|was|is|"
    r"delivery|failed|could|cannot|has|mailbox|user|account|recipient|no|550|5\.1\.1|rejected|refused|undeliverable)\b)"
)
# A recipient in the SMTP dialogue: asked for in `>>> RCPT TO:<a@b.example>`, refused in `550 <a@b.example>... Unknown`.
REFUSED = Pattern(rf"(?i)^\W*[45]\d\d[ -](?:[45]\.\d+\.\d+ )?<?(?P<address>{ADDRESS_PATTERN})>?(?:\.\.\.|:)")
ASKED = Pattern(rf"(?i)^(?:\W*\w+ )?\W*rcpt to:\s*<?(?P<address>{ADDRESS_PATTERN})>?")
IN_SENTENCE = Pattern(
    r"(?i)\b(?:mailing list|message-id in|(?:message|mail) to|"
    r"nicht an|parvenue?|remis|entregado|consegnato|"
    r"deliver(?:y|ed|ing)?|undeliverable|send|sent|reach|unknown user|unknown recipient|allowed size|errors?|"
    rf"recipients?|address(?:es)?|mailbox|user|account)\b[^@]{{0,80}}?[\s:<'\"(](?P<address>{ADDRESS_PATTERN})|"
    rf"(?:投递|投遞|送达|送達|发送|寄送|收件|邮箱|信箱|地址|用户|宛|送信|配信|アドレス|수신|받는|주소)[^@]{{0,40}}?[\s:<'\"(]({ADDRESS_PATTERN})"
)
# What stands before an address that is not a recipient's.
SOMEONE_ELSE = any_of(
    r"sent by|from|contact|sender|(?:send|please|an|by|via|or) e-?mail to|^e-?mail to|write to|"
    r"forward(?:ed)? (?:this )?to|assistance|help",
    before=r"\b",
    after=r"\W*$",
)
OTHER_FIELD = any_of("from|sender|reply-to|return-path|contact|cc|date|subject", before=r"^\s*", after=r"\s*:")
NO_RECIPIENT = Pattern(
    r"(?i)^(?:mailer-daemon|postmaster|abuse|support|help|helpdesk|no-?reply|hostmaster|info)[^@]*@|@\["
)
ONLY_ADDRESSES = Pattern(rf"^\s*(?:[<'\"(]*{ADDRESS_PATTERN}[>'\")]*[\s,;]*)+$")
# A return path that names whom the mail was sent to: `list-bounces+bob=b.example@a.example` (VERP: qmail, Mailman).
VERP = Pattern(r"[+-]([^@+=\s<>,]+)=([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)@")
WORDS = Pattern(r"\pL{3}|\d{3}")
# A sentence above a recipient that says of the account what is wrong (au, ezweb); their own words may be a lie.
LEAD = Pattern(
    r"(?i)\b(?:accounts?|mailbox(?:es)?|users?|recipients?)\b.{0,60}"
    r"\b(?:disabled|suspended|limited|full|exceed\w*|unknown|not exist|not found|invalid|over quota)\W*$"
)
ASIDE = Pattern(r"(?i)^\s*\((?:ultimately )?(?:generated|expanded) from\b")
# Who stands behind a program or a file (Sendmail, Exim), and who stands in brackets in a line that tells a failure.
BEHIND = Pattern(
    rf"(?i)^\s*\(?(?:ultimately )?(?:generated|expanded) (?:from|by):?\s*<?(?P<address>{ADDRESS_PATTERN})>?"
)
BRACKETED = Pattern(rf"[45]\d\d.*<(?P<address>{ADDRESS_PATTERN})>|<(?P<other>{ADDRESS_PATTERN})>.*[45]\d\d")

# Who is named in the refusal itself: `550 5.1.1 bob@b.example User unknown`.
IN_REFUSAL = Pattern(rf"(?:^|\s)[45]\d\d[ -](?:[45]\.\d+\.\d+ )?(?:[^@]{{0,40}}\s)?(?P<address>{ADDRESS_PATTERN})")


@dataclass
class Finding:
    """A recipient, and the lines about it."""

    recipient: str
    lines: list[str] = field(default_factory=list)
    above: str = ""  # the line above them
    refusal: str = ""  # of a dialogue: the line that closes it and names the recipient; its code is the one that counts

    @property
    def has_words(self) -> bool:
        return any(WORDS.matches(line) for line in self.lines)


def read_free_text(notice: Notice) -> tuple[Report, ...]:
    """Empty where no mail system wrote the mail, or it tells no failure."""
    if not notice.is_report or not notice.tells_failure:
        return ()
    findings = findings_of(notice)
    if len(findings) > MAX_RECIPIENTS:
        met(f"more than {MAX_RECIPIENTS:,} recipients")
    return tuple(build_report(notice, finding) for finding in findings[:MAX_RECIPIENTS])


def read_unnamed(notice: Notice) -> tuple[Report, ...]:
    """A report beyond doubt that names nobody: a bounce all the same, its recipient unknown."""
    if (
        notice.weight < CERTAIN
        or not notice.tells_failure
        or notice.mail.headers.get("auto-submitted") == "auto-replied"
    ):
        return ()
    return (build_report(notice, Finding("")),)


def findings_of(notice: Notice) -> list[Finding]:
    """`find_recipients`, once a notice."""
    if "findings" not in notice.__dict__:
        notice.__dict__["findings"] = find_recipients(notice)
    found: list[Finding] = notice.__dict__["findings"]
    return found


def find_recipients(notice: Notice) -> list[Finding]:
    """By the header that names them; else by the first of the places in which the notice does."""
    headed = find_headed(notice, IN_SENTENCE if notice.is_refused_post else AT_HEAD)
    named = find_addresses(",".join(notice.mail.headers.values("x-failed-recipients")))
    known = {finding.recipient: finding for finding in headed}
    if named and (not headed or known.keys() & set(named)):
        return [known.get(address, Finding(address)) for address in named]
    if not notice.is_systems:
        return headed  # whoever writes "could not deliver to a@b.example" in a sentence may be a person
    return (
        headed
        or find_listed(notice)
        or find_in_dialogue(notice)
        or find_headed(notice, ASKED)
        or find_headed(notice, IN_SENTENCE)
        or find_headed(notice, BEHIND)
        or find_headed(notice, BRACKETED)
        or find_headed(notice, IN_REFUSAL)
        or find_addressee(notice)
        or find_only_one(notice)
    )


def find_headed(notice: Notice, pattern: Pattern) -> list[Finding]:
    """Paragraphs by the recipient that opens them. Recipients listed one below the other share what follows."""
    matched = {at: found for at in notice.addressed if (found := pattern.search(notice.lines[at]))}
    if not matched:
        return []
    first = min(matched)
    findings: dict[str, Finding] = {}
    listed: list[Finding] = []
    before = next((line for line in reversed(notice.lines[:first]) if line), "")
    depth = -1  # of the line that opened the paragraph; -1: none is open
    for at, line in enumerate(notice.lines[first:], first):
        margin = len(line) - len(line.lstrip()) if at in matched else 0
        depth = depth if line else -1
        is_continued = 0 <= depth < margin  # a sentence that goes on, whose next word happens to be an address
        match = None if is_continued else matched.get(at)
        address, rest = split_recipient(pattern, match, line, before.strip()) if match else NOBODY
        if address:
            depth = margin
            if any(finding.has_words for finding in listed):
                listed = []
            listed.append(findings.setdefault(address, Finding(address)))
            listed[-1].lines.append(rest)
            if len(findings) == 1:  # above the first, where no other's words stand
                listed[-1].above = before.strip()
        elif listed and not (line.lstrip().startswith("(") and ASIDE.matches(line)):  # names the same recipient again
            for finding in listed[-MAX_LISTED:]:
                if len(finding.lines) < MAX_TOLD_LINES:
                    finding.lines.append(line)
        before = line or before
    return without_sender(list(findings.values()), notice)


def find_listed(notice: Notice) -> list[Finding]:
    """Recipients side by side: lines that are nothing but several addresses, read as a line for each."""
    lines = [each for line in notice.lines for each in (find_addresses(line) if is_list(line) else [line])]
    if len(lines) == len(notice.lines):
        return []
    return find_headed(Notice(notice.mail, tuple(lines), notice.copied, notice.copy), AT_HEAD)


def is_list(line: str) -> bool:
    return line.count("@") > 1 and ONLY_ADDRESSES.matches(line)


def find_in_dialogue(notice: Notice) -> list[Finding]:
    """Exchanges by the recipient that closes them: `<<< 550 no`, then `554 <a@b.example>... Remote error`."""
    findings: dict[str, Finding] = {}
    exchange: list[str] = []
    for line in notice.lines if notice.addressed else ():
        if line:
            exchange.append(line)
        else:
            exchange = []
        match = REFUSED.search(line) if "@" in line else None
        address, _ = split_recipient(REFUSED, match, line, "") if match else NOBODY
        if address and address not in notice.senders:  # who is refused at MAIL is no recipient; the next line names one
            finding = findings.setdefault(address, Finding(address))
            finding.lines += exchange
            finding.refusal = line
            exchange = []
    return without_sender(list(findings.values()), notice)


def split_recipient(pattern: Pattern, match: Found, line: str, before: str) -> tuple[str, str]:
    """The recipient that a line introduces and what the line says about it; "" where it introduces none."""
    if OTHER_FIELD.matches(line) or SOMEONE_ELSE.matches(before[-60:]):
        return NOBODY
    if pattern is not BEHIND and SOMEONE_ELSE.matches(line[: max(match.start(1), 0)][-60:].rstrip("<( '\"")):
        return NOBODY
    address = clean_address(match.group(1) or match.group(2) or "")
    rest = line[match.start(2) :].lstrip(" :;,.=>") if pattern is AT_HEAD else line
    return (address, rest) if address else NOBODY


def without_sender(findings: list[Finding], notice: Notice) -> list[Finding]:
    """Whom the report was sent to is named in it too; where nobody else is, they wrote to themselves."""
    if len(findings) < 2:
        return findings
    return [finding for finding in findings if finding.recipient not in notice.senders] or findings


def find_only_one(notice: Notice) -> list[Finding]:
    """In whatever language it is written: the only address in it that is neither the sender's nor a system's."""
    named: dict[str, None] = {}
    for at in notice.addressed:
        line = notice.lines[at]
        if not OTHER_FIELD.matches(line):
            named.update(dict.fromkeys(find_addresses(line)))
    others = [each for each in named if each not in notice.senders and not NO_RECIPIENT.matches(each)]
    return [Finding(others[0], list(notice.lines[:MAX_TOLD_LINES]))] if len(others) == 1 else []


def find_addressee(notice: Notice) -> list[Finding]:
    """Where the notice names nobody: whom the returned mail was written to, if it is one; else the return path does."""
    for returned in (*notice.mail.returned, notice.copy):
        if is_report_itself(returned):
            return []
        addresses = find_addresses(returned.get("to"))
        if len(addresses) == 1:
            return [Finding(addresses[0])]
    sent_to = " ".join(notice.mail.headers.get(name) for name in ("delivered-to", "x-original-to", "to"))
    named = f"{VERP.first(sent_to)}@{VERP.first(sent_to, 2)}" if "=" in sent_to else ""
    named = clean_address(named)
    return [Finding(named)] if named else []


def is_report_itself(returned: Headers) -> bool:
    """A report that came back inside a report says more than whom it was written to: `wrapped.py` reads it."""
    sender, content_type = returned.get("from")[:200], returned.get("content-type").lower()
    return bool(SYSTEM_SENDER.matches(sender)) or content_type.startswith("multipart/report")


def find_refusal(notice: Notice, finding: Finding) -> tuple[str, str]:
    """The command that was refused, and by which host, in the words about one recipient."""
    said = "\n".join(said_about(notice, finding))[:MAX_TOLD_CHARS]
    return find_command(said), find_host(said.replace("\n", " "))


def build_report(notice: Notice, finding: Finding) -> Report:
    said = "\n".join(said_about(notice, finding))[:MAX_TOLD_CHARS]
    diagnostic = clean_line(said)
    return Report(
        event=Event.DEFERRED if notice.is_delay else Event.BOUNCED,
        recipient=finding.recipient or None,
        status=find_status(finding.refusal) or find_status(diagnostic),
        replycode=find_replycode(finding.refusal) or find_replycode(diagnostic),
        diagnostic=diagnostic,
        remote_mta=find_host(diagnostic),
        command=find_command(said),
    )


def said_about(notice: Notice, finding: Finding) -> list[str]:
    """The lines about one recipient where they tell a failure; else those of the dialogue; else what there is."""
    own = [line.strip() for line in finding.lines if line.strip()]
    told = "\n".join(own)[:MAX_TOLD_CHARS]
    if find_replycode(told) or FAILURE.matches(told):
        return [*own, finding.above] if LEAD.matches(finding.above) else own
    return dialogue_of(notice) or ([finding.above, *own] if finding.has_words else list(notice.lines[:MAX_TOLD_LINES]))


def dialogue_of(notice: Notice) -> list[str]:
    """The lines with a reply code, found once a notice."""
    if "dialogue" not in notice.__dict__:
        replies = (line.strip() for line in notice.lines if find_replycode(line))
        notice.__dict__["dialogue"] = list(islice(replies, MAX_TOLD_LINES))
    found: list[str] = notice.__dict__["dialogue"]
    return found
