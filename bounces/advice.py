"""What to do about bounces, in one sentence: whose fault most of them are, and how to mend the main reason.

In: the newest bounces that count. Out: "81% of bounces are the sender’s fault: check the authentication (SPF, DKIM and
DMARC) of s.example." The counting is one query of a bounded cost; the sentence is pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from bounces.conditions import came_back
from bounces.values import Fault

LOOKED_AT = 5_000
FEWEST = 5  # below this, a share says nothing

TALLIES = f"""
SELECT fault, reason, sender, campaign_key, provider, count(*) FROM (
    SELECT b.fault, b.reason, b.sender, b.campaign_key, b.provider FROM bounces_bounce b
    WHERE b.occurred_at >= %(since)s AND {came_back("b")}
    ORDER BY b.occurred_at DESC, b.id DESC LIMIT {LOOKED_AT}) AS newest
GROUP BY 1, 2, 3, 4, 5
"""  # noqa: S608  (a condition and a number of ours)

FAULTS = {
    Fault.SENDER: "the sender’s fault",
    Fault.RECIPIENT: "the recipient’s fault",
    Fault.INFRASTRUCTURE: "network or mail server errors",
    Fault.UNKNOWN: "of unknown cause",
}
# By reason; else by fault. `{domain}` is the sending domain with most of these bounces.
DOES = {
    "authfailure": "check the authentication (SPF, DKIM and DMARC) of {domain}",
    "badreputation": "send less from {domain}, and only to people who reply, until its reputation recovers",
    "blocked": "find the block list that names the mail server of {domain} and ask to be removed",
    "requireptr": "give the mail server of {domain} a valid reverse DNS name",
    "rejected": "check that the sender addresses of {domain} exist and can receive replies",
    "norelaying": "check the outgoing mail server and the sign-in of {domain}",
    "policyviolation": "read what the servers say and adapt the emails of {domain} to their policy",
    "securityerror": "check TLS and the sign-in of the mail server of {domain}",
    "spamdetected": "rewrite the emails of {domain}: spam filters refuse their text or links",
    "virusdetected": "remove attachments and links from the emails of {domain}: scanners refuse them",
    "contenterror": "check the headers that your sending tool writes for {domain}",
    "notcompliantrfc": "check the messages that your sending tool writes for {domain}: they break RFC 5322",
    "emailtoolarge": "make the emails of {domain} smaller",
    "ratelimited": "slow down: send fewer emails an hour from {domain}",
    "syntaxerror": "update the sending system of {domain}: it breaks the rules of SMTP",
    "suppressed": "remove the addresses that your sending tool suppresses",
    "userunknown": "the mailboxes do not exist. Verify the list before you send more",
    "hostunknown": "the domains do not exist. Verify the list before you send more",
    "mailboxfull": "the mailboxes are full. Rebound stops emailing those that stay full",
}
DOES_BY_FAULT = {
    Fault.SENDER: "check the sending domain {domain}",
    Fault.RECIPIENT: "clean the list before you send more",
    Fault.INFRASTRUCTURE: "wait a day, then send again; nothing is wrong with the addresses",
    Fault.UNKNOWN: "read some of the bounces to see what the servers say",
}


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of the newest bounces are alike."""

    fault: str
    reason: str
    sender: str
    campaign: str
    provider: str
    number: int

    @property
    def sender_domain(self) -> str:
        return self.sender.rpartition("@")[2].lower() if "@" in self.sender else ""

    def is_under(self, dimension: str, key: str) -> bool:
        """Whether it is counted under this key. Recipients are not tallied: their key takes everything."""
        places = {
            "campaign": self.campaign,
            "sender": self.sender,
            "sender_domain": self.sender_domain,
            "provider": self.provider,
        }
        return places.get(dimension, key) == key


def tally(since: datetime) -> list[Tally]:
    """The newest bounces since then, at most LOOKED_AT of them. One query."""
    with connection.cursor() as cursor:
        cursor.execute(TALLIES, {"since": since})
        return [Tally(*row) for row in cursor.fetchall()]


def under(tallies: Iterable[Tally], places: Collection[tuple[str, str]]) -> list[Tally]:
    """Those that are counted under one of these (dimension, key)."""
    return [each for each in tallies if any(each.is_under(dimension, key) for dimension, key in places)]


def advise(tallies: Collection[Tally]) -> str:
    """The sentence; empty where there are too few bounces to say anything."""
    total = sum(each.number for each in tallies)
    if total < FEWEST:
        return ""
    fault, number = _most(tallies, "fault")
    theirs = [each for each in tallies if each.fault == fault]
    reason, _ = _most(theirs, "reason")
    domain, _ = _most([each for each in theirs if each.reason == reason], "sender_domain")
    does = DOES.get(reason) or DOES_BY_FAULT[Fault(fault)]
    share = round(100 * number / total)
    return f"{share}% of bounces are {FAULTS[Fault(fault)]}: {does.format(domain=domain or 'your sending domain')}."


def _most(tallies: Iterable[Tally], name: str) -> tuple[str, int]:
    """The most frequent value, and how often it occurs; of equals the first by name."""
    found: Counter[str] = Counter()
    for each in tallies:
        found[getattr(each, name)] += each.number
    return min(found.items(), key=lambda item: (-item[1], item[0]))
