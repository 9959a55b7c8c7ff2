"""Builders of the mails that the tests read. All of them are ours; the corpus stays where it is."""

from __future__ import annotations

BOUNDARY = "=_report"


def a_mail(body: str = "Hello", *, content_type: str = "text/plain", **headers: str) -> bytes:
    """An ordinary mail; header names with `_` for `-`. An empty value leaves a header out."""
    fields = {"From": "Ann <ann@a.example>", "To": "bob@b.example", "Subject": "Hello", "Content_Type": content_type}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in (fields | headers).items() if value]
    return ("\n".join(lines) + "\n\n" + body).encode()


def a_multipart(subtype: str, *parts: tuple[str, str], **headers: str) -> bytes:
    """A mail of several parts, each a content type and a body."""
    pieces = "".join(f"--{BOUNDARY}\nContent-Type: {kind}\n\n{body}\n" for kind, body in parts)
    return a_mail(f"{pieces}--{BOUNDARY}--\n", content_type=f'multipart/{subtype}; boundary="{BOUNDARY}"', **headers)


ORIGINAL = "From: ann@a.example\nTo: bob@b.example\nMessage-ID: <1@a.example>\nSubject: Offer\n\nHello Bob\n"


def a_recipient(address: str = "bob@b.example", **fields: str) -> str:
    """The fields of one recipient in a delivery report."""
    known = {
        "Final_Recipient": f"rfc822; {address}",
        "Action": "failed",
        "Status": "5.1.1",
        "Diagnostic_Code": f"smtp; 550 5.1.1 <{address}>: Recipient address rejected: User unknown",
    }
    return "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in (known | fields).items() if value)


def a_delivery_report(*recipients: str, notice: str = "Your mail could not be delivered.", **headers: str) -> bytes:
    status = "Reporting-MTA: dns; mx.a.example\nArrival-Date: Thu, 29 Apr 2021 23:34:45 +0900\n\n"
    return a_multipart(
        "report; report-type=delivery-status",
        ("text/plain", notice),
        ("message/delivery-status", status + "\n".join(recipients or (a_recipient(),))),
        ("message/rfc822", ORIGINAL),
        **{"From": "MAILER-DAEMON@a.example", "To": "ann@a.example", "Subject": "Undelivered", **headers},
    )


def a_notice(text: str, **headers: str) -> bytes:
    """A bounce written for people only."""
    known = {"From": "MAILER-DAEMON@a.example", "To": "ann@a.example", "Subject": "failure notice", "Return_Path": "<>"}
    return a_mail(text, **(known | headers))


def a_complaint(fields: str = "Original-Rcpt-To: bob@b.example\n", returned: str = ORIGINAL) -> bytes:
    return a_multipart(
        "report; report-type=feedback-report",
        ("text/plain", "This is a complaint."),
        ("message/feedback-report", f"Feedback-Type: abuse\nUser-Agent: FBL/1\nVersion: 1\n{fields}"),
        ("message/rfc822", returned),
        From="fbl@b.example",
    )
