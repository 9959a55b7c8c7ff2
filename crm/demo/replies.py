"""What the other side's servers say, by trouble. In: a trouble and an address. Out: a Reply. Pure.

`reason` is what the flow ought to make of it: a test holds each row to that.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from crm.demo.fates import Trouble


@dataclass(frozen=True, slots=True)
class Reply:
    """An SMTP reply, with {email} and {domain} still in its text."""

    reason: str
    code: str
    status: str
    text: str

    def said_to(self, email: str) -> str:
        text = self.text.format(email=email, domain=email.rpartition("@")[2])
        return f"{self.code} {self.status} {text}"


_BY_TROUBLE = {
    Trouble.UNKNOWN: """
        userunknown 550 5.1.1  <{email}>: Recipient address rejected: User unknown in virtual mailbox table
        userunknown 550 5.1.1  The email account that you tried to reach does not exist.
        userunknown 550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {email} not found by SMTP address lookup
        userunknown 550 5.1.1  <{email}>... User unknown
        userunknown 550 5.1.1  No such user here
    """,
    Trouble.SUSPENDED: """
        suspend 550 5.2.1  The email account that you tried to reach is disabled.
        suspend 525 5.7.13 <{email}>: Recipient address rejected: User account disabled
    """,
    Trouble.FULL: """
        mailboxfull 452 4.2.2 The email account that you tried to reach is over quota.
        mailboxfull 552 5.2.2 <{email}>: Mailbox full
        mailboxfull 552 5.2.2 Requested mail action aborted: exceeded storage allocation
    """,
    Trouble.NO_HOST: """
        hostunknown 550 5.1.2 <{email}>... Host unknown (Name server: {domain}: host not found)
    """,
    Trouble.UNREACHABLE: """
        networkerror 421 4.4.1 connect to mx.{domain}: Connection refused
        networkerror 421 4.4.2 mx.{domain}: lost connection while receiving the initial server greeting
    """,
    Trouble.BLOCKED: """
        badreputation 550 5.7.1 Service unavailable; Client host [192.0.2.25] blocked using our reputation list
    """,
    Trouble.SPAM: """
        spamdetected 554 5.7.1 Message rejected as spam by content filter
    """,
    Trouble.DELAYED: """
        blocked 450 4.2.0 <{email}>: Recipient address rejected: Greylisted, try again in 5 minutes
        expired 451 4.4.1 connect to mx.{domain}: Connection timed out
        ratelimited 451 4.7.0 Too many messages from your host, slow down
    """,
}
REPLIES: dict[Trouble, tuple[Reply, ...]] = {
    trouble: tuple(Reply(*line.split(maxsplit=3)) for line in text.strip().splitlines())
    for trouble, text in _BY_TROUBLE.items()
}


def reply_to(trouble: Trouble, dice: random.Random) -> Reply:
    return dice.choice(REPLIES[trouble])
