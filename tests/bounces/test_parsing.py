"""Raw bytes to reports: delivery reports, bounces for people, complaints, automatic replies, and what is none."""

from __future__ import annotations

import pytest

from bounces.parsing import read
from bounces.values import Event, MailKind
from tests.bounces.mails import ORIGINAL, a_complaint, a_delivery_report, a_mail, a_multipart, a_notice, a_recipient
from tests.bounces.reports import QMAIL, recipients, the_report

# --- delivery reports


def test_a_delivery_report_gives_all_its_fields() -> None:
    report = the_report(a_delivery_report(a_recipient(Remote_MTA="dns; mx.b.example")))
    assert report.event is Event.BOUNCED
    assert (report.recipient, report.action, report.status) == ("bob@b.example", "failed", "5.1.1")
    assert report.replycode == "550"
    assert report.diagnostic == "550 5.1.1 <bob@b.example>: Recipient address rejected: User unknown"
    assert (report.remote_mta, report.reporting_mta) == ("mx.b.example", "mx.a.example")
    assert (report.message_id, report.return_path) == ("1@a.example", "ann@a.example")
    assert report.occurred_at is not None
    assert report.occurred_at.isoformat() == "2021-04-29T23:34:45+09:00"
    assert report.reader == "delivery_status"


def test_each_recipient_of_a_report_has_its_own_verdict() -> None:
    raw = a_delivery_report(
        a_recipient("one@b.example"),
        a_recipient("two@b.example", Action="delayed", Status="4.2.2"),
        a_recipient("three@b.example", Action="delivered", Status="2.0.0", Diagnostic_Code=""),
    )
    assert [(r.recipient, r.event) for r in read(raw).reports] == [
        ("one@b.example", Event.BOUNCED),
        ("two@b.example", Event.DEFERRED),
        ("three@b.example", Event.DELIVERED),
    ]
    assert read(raw).kind is MailKind.BOUNCE


def test_a_report_of_success_alone_is_no_bounce() -> None:
    assert read(a_delivery_report(a_recipient(Action="relayed", Status="2.1.9"))).kind is MailKind.DELIVERED


def test_groups_without_an_empty_line_between_them_are_told_apart() -> None:
    raw = a_delivery_report(a_recipient("one@b.example") + a_recipient("two@b.example"))
    assert recipients(raw) == ["one@b.example", "two@b.example"]


def test_the_address_that_was_written_to_is_kept_beside_the_one_that_failed() -> None:
    report = the_report(a_delivery_report(a_recipient(Original_Recipient="rfc822; Alias@B.example")))
    assert (report.recipient, report.original_recipient) == ("bob@b.example", "alias@b.example")


def test_an_internationalised_recipient_is_read() -> None:
    recipient = a_recipient("x", Final_Recipient="utf-8; b\\x{FC}ro@b.example")
    raw = a_delivery_report(recipient).replace(b"message/delivery-status", b"message/global-delivery-status")
    assert recipients(raw) == ["büro@b.example"]


def test_a_status_that_says_nothing_gives_way_to_the_one_in_the_words() -> None:
    assert the_report(a_delivery_report(a_recipient(Status="5.0.0"))).status == "5.1.1"


def test_a_report_without_a_diagnostic_takes_the_words_of_its_notice() -> None:
    notice = "The following failed:\n\nbob@b.example: 552 5.2.2 Mailbox full\n"
    report = the_report(a_delivery_report(a_recipient(Status="5.0.0", Diagnostic_Code=""), notice=notice))
    assert (report.status, report.replycode) == ("5.2.2", "552")
    assert "Mailbox full" in report.diagnostic


def test_fields_in_the_text_of_a_notice_are_read() -> None:
    raw = a_notice(f"It failed.\n\nReporting-MTA: dns; mx.a.example\n\n{a_recipient()}")
    assert read(raw).reader == "pasted_fields"
    assert recipients(raw) == ["bob@b.example"]


def test_the_command_that_was_refused_is_known() -> None:
    notice = "<bob@b.example>: host mx.b.example said: 550 No (in reply to MAIL FROM command)"
    assert the_report(a_delivery_report(notice=notice)).command == "MAIL"


def test_a_diagnostic_is_one_line_without_control_characters_and_capped() -> None:
    words = "550 a\x00b\x1b[31m\u202ec " + "x" * 5_000
    report = the_report(a_delivery_report(a_recipient(Diagnostic_Code=f"smtp; {words}")))
    assert report.diagnostic.startswith("550 a b [31m c x")
    assert len(report.diagnostic) == 2_000


EXIM = """This message was created automatically by mail delivery software.
A message that you sent could not be delivered to one or more of its
recipients. The following address(es) failed:

  bob@b.example
    host mx.b.example [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<bob@b.example>:
    550 No such person

------ This is a copy of the message, including all the headers. ------

To: carl@c.example
"""

SENDMAIL = """   ----- The following addresses had permanent fatal errors -----
<bob@b.example>

   ----- Transcript of session follows -----
... while talking to mx.b.example.:
>>> DATA
<<< 550 Unknown user bob@b.example
554 5.0.0 Service unavailable
"""

EXCHANGE = """Your message
  To: ann@a.example
  Subject: Hello
did not reach the following recipient(s):

bob@b.example on Thu, 29 Apr 2021 00:00:00 -0000
    The recipient name is not recognized
"""


# --- bounces for people


def test_a_bounce_for_people_gives_each_recipient_and_its_own_words() -> None:
    first, second = read(a_notice(QMAIL)).reports
    assert (first.recipient, first.status, first.command) == ("bob@b.example", "5.1.1", "RCPT")
    assert (second.recipient, second.status, second.command) == ("eve@b.example", "5.2.2", "DATA")
    assert "Over quota" not in first.diagnostic


@pytest.mark.parametrize("text", [EXIM, SENDMAIL, EXCHANGE])
def test_the_mail_systems_of_the_world_are_understood_by_one_reader(text: str) -> None:
    reading = read(a_notice(text))
    assert (reading.kind, reading.reader) == (MailKind.BOUNCE, "free_text")
    assert recipients(a_notice(text)) == ["bob@b.example"]


def test_the_host_that_refused_is_found_in_the_words() -> None:
    assert the_report(a_notice(EXIM)).remote_mta == "mx.b.example"


def test_the_command_before_the_refusal_is_the_refused_one() -> None:
    assert the_report(a_notice(SENDMAIL)).command == "DATA"


def test_the_header_that_names_the_recipients_is_believed() -> None:
    raw = a_notice("Nicht zustellbar.", X_Failed_Recipients="bob@b.example, eve@b.example")
    assert recipients(raw) == ["bob@b.example", "eve@b.example"]


def test_a_warning_that_the_mail_is_still_being_tried_is_a_deferral() -> None:
    text = EXIM.replace("could not be delivered", "has not yet been delivered")
    assert the_report(a_notice(text, Subject="Warning: message delayed")).event is Event.DEFERRED


def test_whom_the_bounce_was_sent_to_is_not_its_recipient() -> None:
    text = "Could not be delivered:\n\nann@a.example\n\nbob@b.example\n  550 unknown user"
    assert recipients(a_notice(text)) == ["bob@b.example"]


def test_who_wrote_to_themselves_is_the_recipient() -> None:
    assert recipients(a_notice("Could not be delivered:\n\n<ann@a.example>:\n 550 full")) == ["ann@a.example"]


def test_where_the_notice_names_nobody_the_returned_mail_does() -> None:
    raw = a_multipart(
        "mixed",
        ("text/plain", "Your message could not be delivered."),
        ("message/rfc822", ORIGINAL),
        From="MAILER-DAEMON@b.example",
        To="ann@a.example",
    )
    assert recipients(raw) == ["bob@b.example"]


# --- complaints and automatic replies


def test_a_complaint_names_whom_it_is_about() -> None:
    reading = read(a_complaint())
    (report,) = reading.reports
    assert reading.kind is MailKind.FEEDBACK
    assert (report.event, report.recipient, report.feedback_type) == (Event.COMPLAINED, "bob@b.example", "abuse")
    assert report.message_id == "1@a.example"


def test_a_complaint_that_hides_the_recipient_is_still_one() -> None:
    assert recipients(a_complaint(fields="", returned="Subject: Offer\n\n")) == [None]


def test_microsofts_form_of_a_complaint_is_one() -> None:
    returned = "X-HmXmrOriginalRecipient: bob@b.example\nTo: list@a.example\n\nHello"
    raw = a_multipart("mixed", ("message/rfc822", returned), Subject="complaint about message from 192.0.2.1")
    assert (read(raw).kind, recipients(raw)) == (MailKind.FEEDBACK, ["bob@b.example"])


def test_a_complaint_without_a_recipient_field_is_about_whom_the_mail_was_written_to() -> None:
    assert recipients(a_complaint(fields="")) == ["bob@b.example"]


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"Auto_Submitted": "auto-replied"}, "automatic reply (Auto-Submitted: auto-replied)"),
        ({"X_Autoreply": "yes"}, "automatic reply (X-Autoreply)"),
        ({"Precedence": "auto_reply"}, "automatic reply (Precedence: auto_reply)"),
        (
            {"Subject": "Out of office: Hello", "In_Reply_To": "<1@a.example>"},
            "automatic reply (Subject: Out of office: Hello)",
        ),
    ],
)
def test_an_automatic_reply_says_what_gave_it_away(headers: dict[str, str], why: str) -> None:
    reading = read(a_mail("I am away until Monday.", **headers))
    assert (reading.kind, reading.why) == (MailKind.VACATION, why)
    assert [report.recipient for report in reading.reports] == ["ann@a.example"]


# --- what is none of these


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "empty file"),
        (b"\r\n \n", "empty file"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 9, "not an e-mail message: no headers"),
        (b"PK\x03\x04" + bytes(200), "not an e-mail message: no headers"),
        (b"Just some words.\n\nAnd more.", "not an e-mail message: no headers"),
        (a_mail(), "an ordinary message: no delivery report, complaint or automatic reply in it"),
    ],
)
def test_what_is_no_report_is_none_with_a_plain_reason(raw: bytes, why: str) -> None:
    assert (read(raw).kind, read(raw).why, read(raw).reports) == (MailKind.NONE, why, ())


def test_a_person_who_quotes_a_bounce_is_none() -> None:
    quoted = "\n".join(f"> {line}" for line in QMAIL.splitlines())
    assert read(a_mail(f"What is this?\n\n{quoted}", Subject="Re: failure notice")).kind is MailKind.NONE


def test_a_subject_alone_makes_no_automatic_reply() -> None:
    assert read(a_mail(Subject="Automatic reply to the offer")).kind is MailKind.NONE


def test_a_person_who_tells_of_a_failure_is_none() -> None:
    text = "My message could not be delivered to bob@b.example: 550 user unknown"
    assert read(a_mail(text, Subject="Problem")).kind is MailKind.NONE


def test_a_bounce_that_came_back_inside_a_bounce_is_not_read_again() -> None:
    inner = a_delivery_report(a_recipient("inner@c.example")).decode().replace("=_report", "=_inner")
    notice = ("text/plain", "<bob@b.example>: 550 5.1.1 unknown user")
    raw = a_multipart("mixed", notice, ("message/rfc822", inner), From="MAILER-DAEMON@b.example")
    assert recipients(raw) == ["bob@b.example"]
