"""What mail systems and people write that no reader was tuned on: each a sample of a kind."""

from __future__ import annotations

import pytest

from bounces.classification import classify
from bounces.parsing import read
from bounces.values import Event, Reading

HEADERS = {
    "Return-Path": "<>",
    "From": "MAILER-DAEMON@mx.example (Mail Delivery System)",
    "To": "jo@sender.example",
    "Subject": "Undelivered Mail Returned to Sender",
    "Message-ID": "<x@y.example>",
    "Date": "Wed, 21 May 2025 21:23:16 +0200",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Transfer-Encoding": "8bit",
}


def a_mail(body: str, **headers: str) -> bytes:
    named = HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
    return ("".join(f"{name}: {value}\n" for name, value in named.items()) + "\n" + body).encode()


def verdicts(reading: Reading) -> list[tuple[str, ...]]:
    """Recipient, kind and fault of each failure."""
    failed = [report for report in reading.reports if report.event in (Event.BOUNCED, Event.DEFERRED)]
    judged = [(report.recipient or "", classify(report)) for report in failed]
    return [(recipient, str(judgement.kind), str(judgement.fault)) for recipient, judgement in judged]


REPORTS = {
    "an address that Exim calls malformed": (
        a_mail(
            "A message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent "
            "error. The following address(es) failed:\n\n  kunde@firma..example\n    malformed recipient address\n",
            Subject="Mail delivery failed: returning message to sender",
        ),
        [("kunde@firma..example", "hard", "recipient")],
    ),
    "Yahoo's notice in HTML": (
        a_mail(
            "<html><body><p>Sorry, we were unable to deliver your message to the following address.</p>"
            "<p>&lt;bob@b.example&gt;:<br>554: delivery error: dd This user doesn't have a b.example account "
            "(bob@b.example) [0] - mta1.mail.ne1.b.example</p></body></html>",
            Content_Type="text/html; charset=utf-8",
            Subject="Failure Notice",
        ),
        [("bob@b.example", "hard", "recipient")],
    ),
    "a delivery that is postponed": (
        a_mail(
            "the delivery of your message to <bob@b.example> was postponed due to a full mailbox.\n",
            Subject="Delivery postponed",
        ),
        [("bob@b.example", "deferred", "recipient")],
    ),
    "an address alone below “your email to”": (
        a_mail(
            "Delivery has failed permanently for your email to:\n\n\tbob@b.example\n\n"
            "Error during the last delivery attempt:\n\n\t550 5.1.1 no such user\n",
            Subject="mail delivery failed",
        ),
        [("bob@b.example", "hard", "recipient")],
    ),
    "a sentence in a language that no reader knows": (
        a_mail(
            "Vaši zprávu se nepodařilo doručit na adresu bob@b.example.\n\nDůvod: 550 5.1.1 Uživatel neexistuje\n",
            Subject="Nedoručitelná zpráva",
        ),
        [("bob@b.example", "hard", "recipient")],
    ),
    "the command before the host": (
        a_mail(
            "抱歉，您的邮件被退回来了\n收件人 li@b.example\n退信原因：\n收件人地址不存在。\n"
            "(SMTP error, RCPT TO: host mx01.b.example said 550 User not found: li@b.example)\n",
            From="postmaster@b.example",
            Subject="系统退信/Systems bounce",
        ),
        [("li@b.example", "hard", "recipient")],
    ),
    "two in one line, in Chinese quotation marks": (
        a_mail(
            "以下收件人未能收到您的邮件：\n「li@b.example」、「wang@b.example」\n原因：550 5.1.1 用户不存在\n",
            Subject="退信通知",
        ),
        [("li@b.example", "hard", "recipient"), ("wang@b.example", "hard", "recipient")],
    ),
    "a particle behind the address": (
        a_mail(
            "메일을 전송하지 못했습니다.\n받는사람：kim@b.example님\n사유: 550 5.1.1 존재하지 않는 사용자입니다.\n",
            Subject="메일 전송 실패",
        ),
        [("kim@b.example", "hard", "recipient")],
    ),
    "cells of a table": (
        a_mail(
            "<table><tr><td>bob@b.example</td><td>550 5.1.1 User unknown</td></tr></table>"
            "<p>Your message could not be delivered.</p>",
            Content_Type="text/html; charset=utf-8",
        ),
        [("bob@b.example", "hard", "recipient")],
    ),
    "a report that calls itself an automatic reply": (
        a_mail(
            "That's not a valid user here.\n\n<bob@b.example>\n",
            Auto_Submitted="auto-replied",
            Subject="Returned mail: User unknown",
        ),
        [("bob@b.example", "soft", "recipient")],
    ),
}

OTHERS = {
    "a person quotes a report": a_mail(
        "I got this back, do you know another?\n\n<bob@b.example>: host mx.b.example said: 550 5.1.1 User unknown",
        From="Ann Lee <ann@colleague.example>",
        Subject="Re: Offer",
        In_Reply_To="<7781@sender.example>",
    ),
    "a ticket system answers one": a_mail(
        "Your request has been received.\n\n<bob@b.example>: 550 5.1.1 User unknown\n",
        From="Support <support@helpdesk.example>",
        Subject="Re: Undelivered Mail Returned to Sender [#4711]",
        In_Reply_To="<7781@sender.example>",
    ),
    "a ticket system forwards one": a_mail(
        "Undelivered Mail Returned to Sender\n<bob@b.example>: host mx said: 550 5.1.1 User unknown\n",
        From="Support <support@helpdesk.example>",
        Subject="Fwd: Undelivered Mail Returned to Sender",
        References="<7781@sender.example>",
    ),
}
AWAY = ("Automatikus válasz: Offer", "Otomatik yanıt: Offer", "自动答复: Offer", "Automatische Antwort: Undeliverable")


@pytest.mark.parametrize("kind", REPORTS)
def test_it_is_a_report_about_these(kind: str) -> None:
    raw, expected = REPORTS[kind]
    assert verdicts(read(raw)) == expected


@pytest.mark.parametrize("kind", OTHERS)
def test_it_is_no_report(kind: str) -> None:
    assert str(read(OTHERS[kind]).kind) == "none"


@pytest.mark.parametrize("subject", AWAY)
def test_an_automatic_reply_of_exchange_needs_no_language(subject: str) -> None:
    headers = {
        "In_Reply_To": "<1@sender.example>",
        "Auto_Submitted": "auto-generated",
        "X_Auto_Response_Suppress": "All",
    }
    raw = a_mail("...", From="A B <a.b@b.example>", Subject=subject, **headers)
    assert str(read(raw).kind) == "vacation"
