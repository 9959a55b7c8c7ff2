"""The notice of a report that was written for people: its words, without the mail that came back below them.

In: a `Mail`. Out: the lines of the notice, and whether a mail system wrote it. Stage: parse.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import re2

from bounces.parsing.mail import Mail

MAX_LINES = 2_000
MAX_LINE_CHARS = 2_000

# The line below which a mail system repeats what was sent.
COPY_FOLLOWS = re2.compile(
    r"(?i)^\W*(?:(?:this|below this line|enclosed|below|attached) is (?:a|the) copy of\b|(?:message|returned) headers? follow|"
    r"(?:below is|start of|here is) (?:the|your)? ?(?:returned|original|message)|the (?:text|headers?) of (?:the|your) (?:original|message)|"
    r"(?:the )?(?:begin )?(?:original|returned|unsent|undelivered|rejected) (?:message|mail|e-mail)(?: text| headers?| info| body)?"
    r"(?: follows?| below)?\W*$)"
)
# The line with which the copy begins where nothing announces it. Notices quote From, To and Subject, but not these.
COPY_BEGINS = re2.compile(
    r"(?i)^(?:received|return-path|dkim-signature|x-received|message-id|arc-seal|delivered-to|mime-version):\s"
)
# A mail system, by the name it signs with.
SYSTEM_SENDER = re2.compile(
    r"(?i)\b(?:mailer[- _]?daemon|post\s?master|(?:mail|message) (?:delivery|deliver) (?:sub)?system|mail[. ]?delivery|mail ?system|"
    r"system administrator|delivery (?:sub)?system|ndr admin|mail administrator|antispam|gateway)\b|(?i)^\s*<>"
)
FAILURE_SUBJECT = re2.compile(
    r"(?i)^\W*(?:[\[(]\w+[\])]\s*)?(?:.{0,40}\b)?(?:undeliver(?:ed|able|ability)|returned (?:mail|to sender|message)|returning message|"
    r"non[- ]?deliver(?:y|able)|delivery (?:status|failure|fail|failed|report|notification|error|has failed|problem|delayed)|"
    r"mail (?:delivery|system error|failure|could not be)|fail(?:ure|ed) (?:notice|delivery|to deliver)|could not (?:be )?deliver|"
    r"message (?:status|delayed|not delivered)|error sending|warning: (?:message|could not)|user unknown|unzustellbar|"
    r"non remis|no entregado|не доставлен|недоставлен|配信|送信(?:失敗|エラー)|エラーメール)"
)
ANSWERED = re2.compile(r"(?i)^\s*(?:re|aw|sv|fwd?|wg|tr|rv|antw)\s*(?:\[\d+\])?:")
# The words of failure; none of them occurs in ordinary mail often enough to outweigh the signs of a mail system.
FAILURE = re2.compile(
    r"(?i)(?:could ?n[o']?t|can ?not|can't|was(?: not|n't)|were not|unable to|not able to|wasn't able to|has not(?: yet)?|did not|failed to|"
    r"couldn't|not yet) (?:be |been |you )?(?:deliver|sen[dt]|reach|dispatch|establish)|undeliver|"
    r"(?:delivery|delevery|deliver|delivering|delivered|message|mail|transmission|sending)\b.{0,60}\b(?:fail|error|problem|trouble|delayed|reject|"
    r"refused|returned)|"
    r"(?:following|these) (?:address(?:es|\(es\))?|recipients?|recipient\(s\)).{0,40}(?:fail|error|reject|problem|returned|not|affected|was|were)|"
    r"permanent(?:ly)? (?:fatal )?(?:error|fail)|fatal errors?|(?:user|recipient|mailbox|address|host) (?:is )?unknown|unknown user|"
    r"no such (?:user|mailbox|recipient)|mailbox (?:is |size |exceeds|has )?(?:full|limit|exceed|allowed)|over quota|quota exceeded|"
    r"failure reasons?|transcript of session|returned to (?:you|sender)|rejected by|account is disabled|not delivered|"
    r"trouble delivering|error (?:sending|delivering)|не может быть доставлено|送信できません|配信できません|配送できません|送信先"
)
DELAYED = re2.compile(
    r"(?i)not yet been delivered|has been delayed|delivery (?:is |has been |was )?(?:temporarily )?delayed|warning message only|"
    r"(?:will|we'll|to) (?:be retried|keep trying|continue (?:to try|trying))|delivery attempts will continue|will try again|"
    r"do not need to resend|(?:still|being) (?:re)?tr(?:ying|ied) to deliver"
)
FINAL = re2.compile(
    r"(?i)giving up|given up|permanent(?:ly)?|will (?:not|no longer) (?:be )?(?:retried|retry|try)|could not be delivered"
)


@dataclass(frozen=True)
class Notice:
    """`lines`: what the mail system says, unquoted and capped. `copied`: whether the mail came back with it."""

    mail: Mail
    lines: tuple[str, ...]
    copied: bool

    @cached_property
    def text(self) -> str:
        return "\n".join(self.lines)

    @cached_property
    def tells_failure(self) -> bool:
        return bool(FAILURE.search(self.text))

    @cached_property
    def is_delay(self) -> bool:
        """Still being retried: the subject or the text says so, and nothing says that it is over."""
        if DELAYED.search(self.mail.subject[:200]) and not FINAL.search(self.text):
            return True
        return bool(DELAYED.search(self.text)) and not FINAL.search(self.text.replace("\n", " "))

    @cached_property
    def weight(self) -> int:
        """How much speaks for a mail system as the author. A person who answers a bounce gets no credit for its subject."""
        headers = self.mail.headers
        subject = self.mail.subject[:200]
        return_path = headers.get("return-path").strip()
        system = SYSTEM_SENDER.search(headers.get("from")[:200]) is not None
        failing = FAILURE_SUBJECT.search(subject) is not None and not ANSWERED.search(subject)
        null_path = return_path == "<>" or "mailer-daemon" in return_path.lower()
        return 2 * system + 2 * failing + 2 * null_path + self.copied + 3 * ("x-failed-recipients" in headers)


def find_notice(mail: Mail) -> Notice:
    """The words above the returned mail. Quoted lines (`>`) are someone else's words and left out."""
    lines: list[str] = []
    for line in mail.text.split("\n")[:MAX_LINES]:
        line = line[:MAX_LINE_CHARS].rstrip()
        if COPY_FOLLOWS.search(line) or COPY_BEGINS.search(line):
            return Notice(mail, tuple(lines), copied=True)
        if not line.startswith(("> ", ">>  ")):
            lines.append(line)
    return Notice(mail, tuple(lines), copied=bool(mail.returned))
