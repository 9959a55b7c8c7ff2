"""Mails about ada@example.org's message one@rebound.example, as the tests of the flow let them arrive."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime

from tests.bounces.mails import a_mail, a_multipart, a_recipient
from tests.builders import NOW

ADA = "ada@example.org"


def an_original(recipient: str, message_id: str) -> str:
    return f"From: sales@rebound.example\nTo: {recipient}\nMessage-ID: <{message_id}>\nSubject: Hello\n\nHello\n"


def a_bounce_mail(
    recipient: str = ADA, *, message_id: str = "one@rebound.example", at: datetime = NOW, **fields: str
) -> bytes:
    """A delivery report (RFC 3464): user unknown, unless its fields say otherwise."""
    about = a_recipient(recipient, **{"Remote_MTA": "dns; mx.example.org", **fields})
    return a_multipart(
        "report; report-type=delivery-status",
        ("text/plain", "Your message could not be delivered."),
        ("message/delivery-status", f"Reporting-MTA: dns; a.example\nArrival-Date: {format_datetime(at)}\n\n{about}"),
        ("message/rfc822", an_original(recipient, message_id)),
        From="MAILER-DAEMON@a.example",
        To="sales@rebound.example",
        Subject="Undelivered Mail Returned to Sender",
    )


def a_blocked_mail(recipient: str = ADA) -> bytes:
    """Refused by policy: the sender's fault, whatever the 5 says."""
    words = "smtp; 550 5.7.1 Message rejected: your IP address is listed at a blocklist"
    return a_bounce_mail(recipient, message_id="blocked@rebound.example", Status="5.7.1", Diagnostic_Code=words)


def an_out_of_office(sender: str = ADA) -> bytes:
    return a_mail("I am away until Monday.", From=sender, Subject="Out of office", Auto_Submitted="auto-replied")


def a_complaint_mail(recipient: str = ADA) -> bytes:
    """A complaint report (RFC 5965)."""
    return a_multipart(
        "report; report-type=feedback-report",
        ("text/plain", "This is a complaint."),
        (
            "message/feedback-report",
            f"Feedback-Type: abuse\nUser-Agent: FBL/1\nVersion: 1\nOriginal-Rcpt-To: {recipient}\n",
        ),
        ("message/rfc822", an_original(recipient, "complained@rebound.example")),
        From="fbl@example.org",
    )
