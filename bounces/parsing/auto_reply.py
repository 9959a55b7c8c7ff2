"""Automatic replies: out-of-office notices and the like. Not a bounce: the mail was delivered.

In: a `Mail`. Out: one report of an automatic reply, and the header that gave it away. Stage: parse. Source: RFC 3834.
"""

from __future__ import annotations

from bounces.parsing.mail import Mail
from bounces.parsing.text import clean_line, find_address, find_date
from bounces.patterns import Pattern
from bounces.values import Event, Report

MARKING_HEADERS = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-autoreply-from",
    "x-mail-autoreply",
    "x-auto-reply-from",
)
ANSWERING_HEADERS = ("in-reply-to", "references", "x-auto-response-suppress")  # a subject alone may be anyone's words
SUPPRESSING = Pattern(r"(?i)\b(?:auto[-_]?reply|auto[-_]?replied)\b")
SUBJECT = Pattern(
    r"(?i)^\s*(?:re:\s*)?(?:\[?auto(?:matic|mated)?[- :]?(?:reply|response|antwort)|out of (?:the )?office|"
    r"abwesenheit|away from (?:the )?office|on vacation|réponse automatique|respuesta automática|risposta automatica|"
    r"(?:resposta automática|autosvar|automatisch antwoord|automatische antwort|自動応答|不在通知|自动回复))"
)
DAEMON = Pattern(r"(?i)\b(?:mailer-daemon|postmaster|mail delivery)\b")


def read_auto_reply(mail: Mail) -> tuple[Report, ...]:
    """Empty where the mail does not call itself automatic. The recipient is who answered."""
    if not find_mark(mail) or DAEMON.matches(mail.headers.get("from")):
        return ()
    report = Report(
        event=Event.AUTO_REPLIED,
        recipient=find_address(mail.headers.get("from")) or find_address(mail.headers.get("return-path")) or None,
        diagnostic=clean_line(mail.subject),
        occurred_at=find_date(mail.headers.get("date")),
        message_id=mail.headers.get("in-reply-to").strip().strip("<>"),
    )
    return (report,)


def find_mark(mail: Mail) -> str:
    """The header by which the mail calls itself automatic, as `Name: value`; RFC 3834 5 first."""
    submitted = mail.headers.get("auto-submitted").lower()
    if submitted.startswith("auto-replied"):
        return "Auto-Submitted: auto-replied"
    for name in MARKING_HEADERS:
        if name in mail.headers and mail.headers.get(name).lower() != "no":
            return name.title()
    precedence = mail.headers.get("precedence").lower()
    if SUPPRESSING.matches(precedence):
        return f"Precedence: {clean_line(precedence)[:40]}"
    if is_exchange_reply(mail):
        return "X-Auto-Response-Suppress, In-Reply-To"
    if SUBJECT.matches(mail.subject[:200]) and any(name in mail.headers for name in ANSWERING_HEADERS):
        return f"Subject: {clean_line(mail.subject)[:80]}"
    return ""


def is_exchange_reply(mail: Mail) -> bool:
    """Exchange's automatic replies, in any language: made by a machine, in answer to a mail, wanting no answer.

    MS-OXCMAIL 2.2.3.2.14: X-Auto-Response-Suppress. A report of a failed mail has it too, but comes as one.
    """
    headers = mail.headers
    answers = "in-reply-to" in headers or "references" in headers
    is_machines = headers.get("auto-submitted").lower().startswith("auto-generated")
    return answers and is_machines and "x-auto-response-suppress" in headers and mail.content_type != "multipart/report"
