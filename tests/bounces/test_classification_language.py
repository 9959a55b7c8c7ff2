"""What the world's mail systems say, and what it means: words that no rule was written from."""

from __future__ import annotations

import pytest

from bounces.classification import classify
from bounces.parsing.text import find_replycode, find_status
from bounces.values import Event, Report

# reason, the refused command ("": not known), the words
SAYINGS = [
    ("userunknown", "RCPT", "550 5.1.1 The email account that you tried to reach does not exist"),
    ("userunknown", "RCPT", "550 #5.1.0 Address rejected."),
    ("userunknown", "RCPT", "550-5.1.1 unknown recipient"),
    ("userunknown", "RCPT", "550 Requested action not taken: mailbox unavailable"),
    ("userunknown", "RCPT", "550 sorry, no mailbox here by that name (#5.1.1)"),
    ("userunknown", "RCPT", "550 5.7.1 RCPT TO:<a@b.example> User unknown"),
    ("userunknown", "RCPT", "553 sorry, this recipient is not in my validrcptto list (#5.7.1)"),
    ("userunknown", "RCPT", "550 Mailbox not found"),
    ("userunknown", "RCPT", "554 5.7.1 <a@b.example>: Recipient address rejected: user a@b.example does not exist"),
    (
        "userunknown",
        "RCPT",
        "550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [x.prod.protection.outlook.com]",
    ),
    ("userunknown", "", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"),
    ("userunknown", "RCPT", "550 No such user (a@b.example)"),
    ("userunknown", "RCPT", "551 User does not exist"),
    ("userunknown", "RCPT", "550 User not local; please try <a@c.example>"),
    ("mailboxfull", "RCPT", "452 4.2.2 The email account that you tried to reach is over quota"),
    ("mailboxfull", "RCPT", "552 5.2.2 Mailbox size limit exceeded"),
    (
        "mailboxfull",
        "",
        "554 5.2.2 STOREDRV.Deliver; mailbox full. The following information should help identify the cause",
    ),
    ("mailboxfull", "DATA", "552 5.7.0 Quota exceeded"),
    ("suspend", "RCPT", "550 5.2.1 The email account that you tried to reach is disabled"),
    (
        "suspend",
        "RCPT",
        "554 30 Sorry, your message to a@b.example cannot be delivered. This mailbox is disabled (554.30).",
    ),
    ("suspend", "RCPT", "550 5.7.1 Account inactive as unread"),
    ("rejected", "MAIL", "553 5.1.8 Domain of sender address a@b.example does not exist"),
    ("rejected", "MAIL", "550 5.7.1 Sender address rejected: not owned by user"),
    ("authfailure", "DATA", "550-5.7.26 This mail has been blocked because the sender is unauthenticated."),
    ("authfailure", "DATA", "550 5.7.509 Access denied, sending domain b.example does not pass DMARC verification"),
    ("authfailure", "DATA", "554 5.7.1 SPF validation failed"),
    ("blocked", "CONNECT", "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"),
    ("blocked", "CONNECT", "550 5.7.1 Connection refused from your IP"),
    ("blocked", "MAIL", "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. (S3140)."),
    ("blocked", "CONNECT", "554 Your IP address has been blocked"),
    (
        "badreputation",
        "CONNECT",
        "554 Your access to this mail system has been rejected due to the sending MTA's poor reputation",
    ),
    ("ratelimited", "RCPT", "421 4.7.28 Our system has detected an unusual rate of unsolicited mail"),
    ("ratelimited", "RCPT", "451 4.7.1 Too many messages from your IP, slow down"),
    ("ratelimited", "CONNECT", "421 too many connections"),
    ("spamdetected", "DATA", "554 5.7.1 Message rejected because it looks like spam"),
    ("spamdetected", "DATA", "550 High probability of spam"),
    ("emailtoolarge", "DATA", "552 5.3.4 Message size exceeds fixed maximum message size"),
    ("emailtoolarge", "DATA", "552 5.2.3 Message too large"),
    ("policyviolation", "DATA", "550 5.7.1 Message rejected due to local policy"),
    ("policyviolation", "DATA", "554 5.7.9 Message not accepted for policy reasons"),
    ("norelaying", "RCPT", "550 5.7.1 Unable to relay"),
    ("norelaying", "RCPT", "454 4.7.1 <a@b.example>: Relay access denied"),
    ("hostunknown", "", "Host or domain name not found. Name service error for name=b.example type=A: Host not found"),
    ("hostunknown", "", "550 5.1.2 Domain not found"),
    ("networkerror", "", "connect to b.example[192.0.2.1]:25: Connection refused"),
    ("expired", "", "connect to b.example[192.0.2.1]:25: Connection timed out"),
    ("networkerror", "", "mail for b.example loops back to myself"),
    ("expired", "", "4.4.7 Message expired"),
    ("systemerror", "", "550 5.3.5 System config error"),
    ("systemfull", "", "452 4.3.1 Insufficient system storage"),
    ("virusdetected", "DATA", "554 5.7.1 Virus found: Eicar"),
    ("notaccept", "", "556 5.1.10 Recipient address has null MX"),
    ("requireptr", "CONNECT", "550 5.7.25 The IP address sending this message does not have a PTR record"),
    ("requireptr", "CONNECT", "450 4.7.25 Client host rejected: cannot find your hostname"),
    ("failedstarttls", "CONNECT", "454 4.7.0 TLS not available due to local problem"),
    (
        "notcompliantrfc",
        "DATA",
        "550 5.7.1 Messages missing a valid address in From: header, or having no From: header, are not accepted",
    ),
    ("contenterror", "DATA", "554 5.6.0 Invalid message content"),
    ("hasmoved", "RCPT", "551 5.1.6 User has moved"),
    ("filtered", "DATA", "550 5.7.1 Refused by recipient"),
    ("securityerror", "MAIL", "530 5.7.0 Authentication required"),
    ("suppressed", "", "550 Unsubscribed Address"),
    ("blocked", "RCPT", "550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using Spamhaus"),
    ("blocked", "RCPT", "450 4.2.0 <a@b.example>: Recipient address rejected: Greylisted"),
    ("userunknown", "RCPT", "550 5.1.1 <a@b.example>: Email address could not be found, or was misspelled (G8)"),
    ("userunknown", "RCPT", "550 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550"),
    ("userunknown", "RCPT", "550 Address unknown"),
    ("userunknown", "RCPT", "550 mailbox for a@b.example does not exist"),
    ("userunknown", "RCPT", "550 5.1.1 invalid address"),
]


@pytest.mark.parametrize(("reason", "command", "words"), SAYINGS, ids=[words for _, _, words in SAYINGS])
def test_a_saying_is_understood(reason: str, command: str, words: str) -> None:
    report = Report(
        event=Event.BOUNCED,
        recipient="a@b.example",
        diagnostic=words,
        status=find_status(words),
        replycode=find_replycode(words),
        command=command,
    )
    assert classify(report).reason == reason
