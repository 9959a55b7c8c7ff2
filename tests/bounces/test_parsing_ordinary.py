"""Mails that speak of failures, deliveries and addresses, and are no bounces: each would cost someone their address."""

from __future__ import annotations

import pytest

from bounces.parsing import read
from bounces.values import MailKind
from tests.bounces.mails import a_mail, a_multipart

SHOP = {"From": "Parcels <no-reply@parcels.example>", "To": "ann@a.example"}
ORDINARY = {
    "a parcel that was not delivered": a_mail(
        "We could not deliver your parcel to the following address:\n\nBob, 1 High Street\n\nThis message was generated"
        " automatically. Questions? Write to help@parcels.example\n",
        Subject="Delivery failed: your parcel 4711",
        **SHOP,
    ),
    "a parcel that is unable to reach anyone": a_mail(
        "Your parcel could not be delivered: recipient unknown.\nContact: help@parcels.example",
        Subject="Unable to deliver your order",
        **SHOP,
    ),
    "a refund, in Polish": a_mail(
        "Zwrot został przyjęty. Pytania: pomoc@shop.example", Subject="Zwrot zamówienia", **SHOP
    ),
    "a refund, in Russian": a_mail("Товар не найден. Пишите: help@shop.example", Subject="Возврат товара", **SHOP),
    "a newsletter, in Japanese": a_mail(
        "配信停止はこちら: stop@news.example\nメールが届かない方はこちら", Subject="【配信】今週のニュース", **SHOP
    ),
    "a newsletter about bounces": a_mail(
        "Why mail bounces:\n\n1. 550 5.1.1 user unknown\n2. mailbox full\n\nUnsubscribe: stop@news.example",
        Subject="Why was your message not delivered?",
        List_Unsubscribe="<mailto:stop@news.example>",
        From="News <news@news.example>",
    ),
    "an answer to a bounce": a_mail(
        "I got this when I wrote to bob@b.example:\n550 5.1.1 User unknown\nCan you help?",
        Subject="Re: Undelivered Mail Returned to Sender",
        In_Reply_To="<1@a.example>",
    ),
    "a person who tells of a bounce": a_mail(
        "Hello,\n\nmy mail to bob@b.example came back: 550 5.1.1 user unknown.\n\nAnn", Subject="bob's address"
    ),
    "a person who asks whether a mail arrived": a_mail(
        "Hi Ann,\nI got a failure notice: could not deliver to carol@c.example, mailbox full. Did you get my mail?\n",
        Subject="Mail delivery problem?",
        From="Bob <bob@b.example>",
    ),
    "a newsletter that explains a reply": a_mail(
        "When a mail server says 550 5.1.1 <bob@b.example> User unknown, the mailbox does not exist.\n",
        Subject="What does 550 5.1.1 mean?",
        From="News <news@news.example>",
        List_Unsubscribe="<https://news.example/stop>",
    ),
    "a log sent by cron": a_mail(
        "postfix/smtp[1]: to=<bob@b.example>, relay=mx.b.example, dsn=5.1.1, status=bounced (host mx.b.example said:"
        " 550 5.1.1 <bob@b.example>: User unknown)\n",
        Subject="Cron <root@a> tail mail.log",
        From="root <root@a.example>",
    ),
    "a ticket": a_mail(
        "Your ticket was created. Error: user not found\nReporter: bob@b.example",
        Subject="[#4711] Login error",
        From="Support <support@desk.example>",
        Auto_Submitted="auto-generated",
    ),
    "a report of a monitor": a_mail(
        "Service smtp on mx.b.example: CRITICAL\nInfo: connection refused\nContact: ops@b.example",
        Subject="** PROBLEM alert: mx.b.example is DOWN **",
        From="monitor@b.example",
    ),
    "a DMARC report": a_multipart(
        "mixed",
        ("text/plain", "This is a DMARC aggregate report for b.example"),
        ("application/gzip", "H4sIAAAA"),
        From="noreply-dmarc-support@provider.example",
        Subject="Report domain: b.example Submitter: provider.example",
    ),
    "a question to the postmaster": a_mail(
        "Dear postmaster,\n\nwe cannot reach bob@b.example. Could you look into it?",
        Subject="Question about mail delivery",
        To="postmaster@b.example",
    ),
    "a digest of a list": a_mail(
        "Today's Topics:\n\n   1. Undelivered mail (ann@a.example)\n\nMessage: 1\nFrom: ann@a.example\n"
        "Subject: Undelivered mail\n\n<bob@b.example>: 550 5.1.1 user unknown\n",
        Subject="list Digest, Vol 7, Issue 2",
        From="list-request@b.example",
        Precedence="list",
    ),
    "a password that could not be reset": a_mail(
        "The address bob@b.example does not exist in our system.", Subject="Password reset failed", **SHOP
    ),
    "an invoice that was returned": a_mail(
        "Your payment was returned. Account unknown.\nAccounts: billing@b.example", Subject="Payment returned", **SHOP
    ),
}


@pytest.mark.parametrize("raw", ORDINARY.values(), ids=ORDINARY.keys())
def test_an_ordinary_mail_is_no_bounce(raw: bytes) -> None:
    reading = read(raw)
    assert (reading.kind, reading.reports) == (MailKind.NONE, ())
    assert reading.why
