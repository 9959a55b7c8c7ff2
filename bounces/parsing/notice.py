"""The notice of a report that was written for people: its words, without the mail that came back below them.

In: a `Mail`. Out: the lines of the notice, and how much speaks for a mail system as its author. Stage: parse.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import re2

from bounces.parsing.mail import Headers, Mail, unfold

MAX_LINES = 2_000
MAX_LINE_CHARS = 2_000
MAX_COPIED_LINES = 200  # of the copy below the notice, in which its headers are looked for
ENOUGH = 2  # of `weight`: a system's name, a failure's subject, a null return path, or several smaller signs


def any_of(*phrases: str, before: str = "", after: str = "") -> re2._Regexp:
    """One pattern for several phrases, without case."""
    return re2.compile(f"(?i){before}(?:{'|'.join(phrases)}){after}")


# The line below which a mail system repeats what was sent.
COPY_FOLLOWS = any_of(
    r"(?:this|below this line|enclosed|below|attached) is (?:a|the) copy of\b",
    r"(?:message|returned) headers? follow",
    r"(?:below|start of|here) (?:is )?(?:the|your)? ?(?:returned|original) (?:message|mail)",
    r"the (?:text|headers?) of (?:the|your) (?:original|message)",
    r"(?:the )?(?:begin )?(?:original|returned|unsent|undelivered|rejected) (?:message|e-?mail)"
    r"(?: text| headers?| info| body)?(?: follows?| below)?\W*$",
    before=r"^\W*",
)
# The line with which the copy begins where nothing announces it. Notices quote From, To and Subject, but not these.
COPY_BEGINS = any_of(
    "received", "return-path", "dkim-signature", "x-received", "message-id", "arc-seal", "delivered-to", "mime-version",
    before="^", after=r":\s",
)  # fmt: skip
SYSTEM_SENDER = any_of(
    r"\bmailer[- _]?daemon",
    r"\bpost\s?master",
    r"\b(?:mail|message) deliver",
    r"\bmail[. ]?delivery",
    r"\bmail ?system",
    r"\bsystem administrator",
    r"\bdelivery (?:sub)?system",
    r"\bndr admin",
    r"\bmail administrator",
    r"^\s*<>",
)
FAILURE_SUBJECT = any_of(
    r"undeliver(?:ed|able|ability)",
    r"return(?:ed|ing) (?:mail|message|to sender)",
    r"non[- ]?deliver(?:y|able)",
    r"delivery (?:status|failure|fail|failed|report|notification|error|has failed|problem|delayed)",
    r"(?:mail|message) (?:delivery|system error|failure|could not be|status|delayed|not delivered)",
    r"fail(?:ure|ed) (?:notice|delivery|to deliver)",
    r"could not (?:be )?deliver",
    r"error sending",
    r"warning: (?:message|could not)",
    r"user unknown",
    "unzustellbar|non remis|no entregado|не доставлен|недоставлен|配信|送信(?:失敗|エラー)|メールエラー|エラーメール",
    before=r"^.{0,60}?",
)
# A mailing list's server that refuses a post, in its subject: fml, Mailman, Majordomo, ezmlm.
LIST_REFUSAL = any_of(
    r"\byou\b.{0,80}\bnot (?:a )?member", r"^\W*loop alert", r"\bpost(?:ing)?s?\b.{0,80}\b(?:rejected|denied|not allowed)",
    r"^your (?:message|post\w*) to .{1,80}(?:rejected|denied|refused)",
)  # fmt: skip
ANSWERED = re2.compile(r"(?i)^\s*(?:re|aw|sv|fwd?|wg|tr|rv|antw)\s*(?:\[\d+\])?:")
# The words of failure. A person writes them too: they count only in a mail that looks like a system's.
FAILURE = any_of(
    r"(?:could ?n[o']?t|couldn't|can ?not|can't|unable to|not able to|failed to|did not|has not|was not|wasn't)"
    r"(?: yet)?(?: be| been| you)? ?(?:able to )?(?:deliver|sen[dt]|reach|dispatch|establish)",
    r"undeliver|(?:trying|attempting) to deliver",
    r"(?:deliver(?:y|ing|ed)?|delevery|message|mail|transmission|sending)\b.{0,60}"
    r"\b(?:fail|errors?\b|problem|trouble|delayed|reject|refused|returned)",
    r"(?:error|trouble|problem)s? (?:sending|deliver|occur)",
    r"(?:following|these) (?:address|recipient).{0,40}(?:fail|error|reject|problem|returned|not|affected|was|were)",
    r"(?:permanent|fatal)(?:ly)? (?:fatal )?(?:error|fail)",
    r"(?:user|recipient|mailbox|address|host) (?:is )?unknown|unknown user|no such (?:user|mailbox|recipient)",
    r"mailbox (?:is |size |exceeds|has )?(?:full|limit|exceed|allowed)|over quota|quota exceeded",
    r"you are not (?:a )?(?:member|subscribe)|duplicated message-id",
    r"failure reasons?|transcript of session|returned to (?:you|sender)|rejected by|account is disabled|not delivered",
    "не может быть доставлено|送信できません|配信できません|配送できません|送信先",
)
DELAYED = any_of(
    r"not yet been delivered",
    r"has been delayed|delivery (?:is |has been |was )?(?:temporarily )?delayed|\(delay\)|message \S+ delayed",
    r"warning message only|do not need to resend",
    r"(?:will|we'll) (?:be retried|keep trying|continue (?:to try|trying)|try again)",
    r"delivery attempts will continue|(?:still|being) (?:re)?tr(?:ying|ied) to deliver",
)
FINAL = any_of(
    r"giv(?:en|ing) up", r"permanent(?:ly)?", r"will not (?:be )?(?:retried|retry|try)", r"could not be delivered"
)

NO_HEADERS = Headers([])


@dataclass(frozen=True)
class Notice:
    """`lines`: what the mail system says, unquoted and capped. `copied`: whether the mail came back with it.

    `copy`: the headers of the mail that came back as plain text below the notice; empty where there is none.
    """

    mail: Mail
    lines: tuple[str, ...]
    copied: bool
    copy: Headers = NO_HEADERS

    @cached_property
    def text(self) -> str:
        return "\n".join(self.lines)

    @cached_property
    def is_report(self) -> bool:
        return self.weight >= ENOUGH

    @cached_property
    def tells_failure(self) -> bool:
        return "x-failed-recipients" in self.mail.headers or bool(FAILURE.search(self.text))

    @cached_property
    def is_delay(self) -> bool:
        """Still being retried: the subject or the text says so, and nothing says that it is over."""
        told = DELAYED.search(self.mail.subject[:200]) or DELAYED.search(self.text)
        return bool(told) and not FINAL.search(self.text)

    @cached_property
    def is_refused_post(self) -> bool:
        return bool(LIST_REFUSAL.search(self.mail.subject[:200]))

    @cached_property
    def weight(self) -> int:
        """How much speaks for a mail system. A person who answers a bounce gets no credit for its subject."""
        headers, subject = self.mail.headers, self.mail.subject[:200]
        return_path = headers.get("return-path").strip().lower()
        signs = {
            "sender": 2 if SYSTEM_SENDER.search(headers.get("from")[:200]) else 0,
            "subject": 2 if FAILURE_SUBJECT.search(subject) and not ANSWERED.search(subject) else 0,
            "return path": 2 if return_path == "<>" or "mailer-daemon" in return_path else 0,
            "named recipients": 3 if "x-failed-recipients" in headers else 0,
            "refused post": 2 if self.is_refused_post else 0,
            "returned mail": 1 if self.copied else 0,
        }
        return sum(signs.values())


def find_notice(mail: Mail) -> Notice:
    """The words above the returned mail. Quoted lines (`>`) are someone else's words and left out."""
    lines: list[str] = []
    told = mail.text.split("\n")[:MAX_LINES]
    for index, line in enumerate(told):
        line = line[:MAX_LINE_CHARS].rstrip()
        if COPY_FOLLOWS.search(line) or COPY_BEGINS.search(line):
            return Notice(mail, tuple(lines), copied=True, copy=read_copy(told[index : index + MAX_COPIED_LINES]))
        if not line.startswith("> "):
            lines.append(line)
    return Notice(mail, tuple(lines), copied=bool(mail.returned))


def read_copy(lines: list[str]) -> Headers:
    """The headers of a mail repeated as text, quoted or indented or not; the line that announces it is none of them."""
    text = "\n".join(
        line[:MAX_LINE_CHARS].lstrip("> \t") if ":" in line[:40] else line[:MAX_LINE_CHARS] for line in lines
    )
    return Headers(list(unfold(text.encode("utf-8", "replace").split(b"\n"))))
