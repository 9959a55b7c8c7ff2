"""The same reports in other forms: however it is written, as a notification, inside another mail, and odds and ends."""

from __future__ import annotations

import json

import pytest

from bounces.parsing import read
from bounces.values import MailKind
from tests.bounces.mails import a_complaint, a_delivery_report, a_mail, a_multipart, a_notice, a_recipient
from tests.bounces.reports import QMAIL, recipients, the_report

# --- however it is written


@pytest.mark.parametrize("newline", [b"\r\n", b"\r"])
@pytest.mark.parametrize(
    "raw", [a_delivery_report(), a_notice(QMAIL), a_complaint(), a_mail(Auto_Submitted="auto-replied")]
)
def test_newlines_make_no_difference(raw: bytes, newline: bytes) -> None:
    assert read(raw.replace(b"\n", newline)) == read(raw)


def test_an_envelope_line_before_the_headers_makes_no_difference() -> None:
    assert read(b"From MAILER-DAEMON Thu Apr 29 23:34:45 2021\n" + a_delivery_report()) == read(a_delivery_report())


def test_encoded_headers_and_bodies_are_decoded() -> None:
    text = "Undeliverable=3A\n\n<bob=40b.example>=3A\n550 5.1.1 no such user"
    subject = "=?utf-8?B?ZmFpbHVyZQ==?= =?iso-8859-1?Q?_notice?="
    raw = a_notice(text, Content_Transfer_Encoding="quoted-printable", Subject=subject, From="x@b.example")
    assert recipients(raw) == ["bob@b.example"]


def test_a_bounce_in_html_alone_is_read() -> None:
    text = "<style>p{}</style><p>Your message could not be delivered:<br>bob&#64;b.example: 550 unknown user</p>"
    assert recipients(a_notice(text, Content_Type="text/html")) == ["bob@b.example"]


def test_broken_mime_is_still_text_that_someone_wrote() -> None:
    assert recipients(a_notice(QMAIL, Content_Type='multipart/mixed; boundary="never"')) == [
        "bob@b.example",
        "eve@b.example",
    ]


def a_notification(kind: str, **event: object) -> bytes:
    """What a topic of SNS sends to an address that subscribed: the event as text inside its own envelope."""
    message = {"notificationType": kind, "mail": {"messageId": "1@ses.example"}, **event}
    return a_mail(json.dumps({"Type": "Notification", "Message": json.dumps(message)}), From="no-reply@sns.example")


BOUNCED = {"emailAddress": "bob@b.example", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}


# --- Amazon's notifications


def test_a_notification_of_a_bounce_is_one() -> None:
    raw = a_notification("Bounce", bounce={"bouncedRecipients": [BOUNCED]})
    report = the_report(raw)
    assert read(raw).kind is MailKind.BOUNCE
    assert (report.recipient, report.status, report.replycode) == ("bob@b.example", "5.1.1", "550")
    assert (report.diagnostic, report.message_id) == ("550 5.1.1 user unknown", "1@ses.example")


def test_a_notification_of_a_complaint_is_one() -> None:
    people = [{"emailAddress": "bob@b.example"}]
    raw = a_notification("Complaint", complaint={"complainedRecipients": people, "complaintFeedbackType": "abuse"})
    assert (read(raw).kind, the_report(raw).feedback_type) == (MailKind.FEEDBACK, "abuse")


def test_a_notification_of_a_delivery_is_one() -> None:
    raw = a_notification("Delivery", delivery={"recipients": ["bob@b.example"], "smtpResponse": "250 2.0.0 OK"})
    assert (read(raw).kind, recipients(raw)) == (MailKind.DELIVERED, ["bob@b.example"])


@pytest.mark.parametrize(
    "text",
    [
        '{"notificationType": ' + "[" * 200_000,
        '{"notificationType": "Bounce", "bounce": 5}',
        '{"notificationType": "Bounce", "bounce": {"bouncedRecipients": [null, 3, {"emailAddress": "\\ud800@b"}]}}',
        '{"notificationType": null}',
        '{"Message": "no JSON, notificationType"}',
    ],
)
def test_a_broken_notification_raises_nothing(text: str) -> None:
    assert {report.recipient for report in read(a_mail(text)).reports} <= {None, "?@b"}


FIELDS = "Reporting-MTA: dns; mx.a.example\n\n" + a_recipient()


# --- a bounce inside another mail


def test_a_forward_with_the_fields_of_a_report_is_a_bounce() -> None:
    quoted = "\n".join(f"> {line}" for line in FIELDS.splitlines())
    raw = a_mail(f"Begin forwarded message:\n\n{quoted}", Subject="Fwd: Returned mail")
    assert (read(raw).kind, recipients(raw)) == (MailKind.BOUNCE, ["bob@b.example"])


def test_an_answer_that_quotes_the_same_fields_is_none() -> None:
    quoted = "\n".join(f"> {line}" for line in FIELDS.splitlines())
    assert read(a_mail(f"Look:\n\n{quoted}", Subject="Re: Returned mail")).kind is MailKind.NONE


def test_a_bounce_forwarded_as_an_attachment_is_read() -> None:
    inner = a_delivery_report().decode().replace("=_report", "=_inner")
    raw = a_multipart("mixed", ("text/plain", "See below."), ("message/rfc822", inner), Subject="Fwd: Undelivered")
    assert (read(raw).kind, recipients(raw)) == (MailKind.BOUNCE, ["bob@b.example"])


def test_a_report_that_says_nothing_gives_way_to_the_report_inside_it() -> None:
    inner = a_delivery_report().decode().replace("=_report", "=_inner")
    notice = ("text/plain", "----- The following addresses had permanent delivery errors -----")
    raw = a_multipart(
        "mixed", notice, ("message/rfc822", inner), From="MAILER-DAEMON@b.example", Subject="Returned mail"
    )
    assert (read(raw).kind, recipients(raw), read(raw).reader) == (MailKind.BOUNCE, ["bob@b.example"], "wrapped")


def test_a_digest_of_bounces_is_none() -> None:
    inner = a_delivery_report().decode().replace("=_report", "=_inner")
    raw = a_multipart("digest", ("message/rfc822", inner), Subject="list Digest, Vol 1", From="list@b.example")
    assert read(raw).kind is MailKind.NONE


# --- odds and ends


def test_apples_way_of_unsubscribing_is_a_complaint() -> None:
    raw = a_mail(Auto_Submitted="auto-replied", X_Apple_Unsubscribe="true", From="bob@b.example")
    assert (read(raw).kind, recipients(raw), the_report(raw).feedback_type) == (
        MailKind.FEEDBACK,
        ["bob@b.example"],
        "opt-out",
    )


def test_a_mailing_list_that_refuses_a_post_is_a_bounce() -> None:
    text = "You are not a member of this mailing list <list@b.example>.\n\nlist-ctl@b.example\n"
    raw = a_mail(text, Subject="You ann@a.example are not member (list ML)", From="list-admin@b.example")
    assert (read(raw).kind, recipients(raw)) == (MailKind.BOUNCE, ["list@b.example"])


def test_the_path_of_a_mailbox_gives_way_to_the_address_in_the_headers() -> None:
    raw = a_delivery_report(a_recipient(Final_Recipient="rfc822;/mail/spool/bob"), X_Failed_Recipients="bob@b.example")
    assert recipients(raw) == ["bob@b.example"]


def test_the_mail_that_is_copied_as_text_names_whom_the_notice_does_not() -> None:
    raw = a_notice(
        "Message could not be delivered to mobile.\n\nOriginal Message:\nFrom: ann@a.example\nTo: 123@b.example\n"
    )
    assert recipients(raw) == ["123@b.example"]


def test_the_comment_of_a_status_is_its_diagnostic_where_there_is_no_other() -> None:
    raw = a_delivery_report(a_recipient(Status="4.0.0 (b.example: host name lookup failure)", Diagnostic_Code=""))
    assert the_report(raw).diagnostic == "b.example: host name lookup failure"


def test_the_return_path_names_whom_the_notice_does_not() -> None:
    raw = a_notice("Your message could not be delivered.", To="list-bounces+Bob=b.example@a.example")
    assert recipients(raw) == ["bob@b.example"]


def test_a_report_beyond_doubt_that_names_nobody_is_a_bounce_all_the_same() -> None:
    raw = a_notice("Your message could not be delivered: mailbox full.")
    assert (read(raw).kind, recipients(raw), read(raw).reader) == (MailKind.BOUNCE, [None], "unnamed")
