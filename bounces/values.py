"""The words that pass between the stages of the flow: frozen values, and nothing that does anything.

In: nothing. Out: the vocabulary that parsing, classification, recording, policy and pages share.
Stage: all of them (see `bounces/__init__.py` for the map). Sources: RFC 3464 (delivery reports), RFC 3463
(enhanced codes), RFC 5965 (complaints), RFC 3834 (automatic replies).

Pure Python: importable without Django settings, since others use the reader as a library.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import Any


class MailKind(StrEnum):
    """What a whole message is."""

    BOUNCE = "bounce"
    FEEDBACK = "feedback"  # a complaint report, RFC 5965
    VACATION = "vacation"  # an automatic reply, RFC 3834
    DELIVERED = "delivered"  # a report of success, RFC 3464 Action: delivered
    NONE = "none"  # not a report at all


class Event(StrEnum):
    """What a report, or an outreach tool, says happened to one message to one recipient."""

    SENT = "sent"
    OPENED = "opened"
    CLICKED = "clicked"
    REPLIED = "replied"
    BOUNCED = "bounced"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    AUTO_REPLIED = "auto_replied"
    SUPPRESSED = "suppressed"  # a provider's list says that nothing is sent there


class Kind(StrEnum):
    """How lasting a failure is. Deferred: still being retried, not yet a bounce."""

    HARD = "hard"
    SOFT = "soft"
    DEFERRED = "deferred"


class Fault(StrEnum):
    """Whose problem a failure is."""

    RECIPIENT = "recipient"
    SENDER = "sender"
    INFRASTRUCTURE = "infrastructure"
    UNKNOWN = "unknown"


class Standing(StrEnum):
    """Whether a bounce counts against its address."""

    COUNTED = "counted"
    UNVERIFIED = "unverified"  # not proved to be about our mail
    HELD = "held"  # by an incident or a review
    DISCARDED = "discarded"  # by a person


class Status(StrEnum):
    """What the facts say of an address. Derived by the policy, never typed in."""

    UNVERIFIED = "unverified"
    VALID = "valid"
    AT_RISK = "at_risk"
    INVALID = "invalid"


class Answer(StrEnum):
    """May I write to this address?"""

    YES = "yes"
    CAUTION = "caution"
    NO = "no"


class Trust(StrEnum):
    """How far a source is believed. Only what reaches its source's level changes a status."""

    TRUSTED = "trusted"  # a manager's upload, an authenticated API key, a source an admin declared so
    MATCH = "match"  # where it matches an attempt of ours of the last 14 days
    TOKEN = "token"  # where a return-path token came with it  # noqa: S105  (a word, no secret)
    UNPROVED = "unproved"


class Shortcoming(StrEnum):
    """Why a report does not count: what proof it lacks, by the level of its source."""

    NO_TOKEN = "no_token"  # noqa: S105  (a word, no secret)
    FORGED_TOKEN = "forged_token"  # noqa: S105  (likewise)
    EXPIRED_TOKEN = "expired_token"  # noqa: S105  (likewise)
    OTHER_RECIPIENT = "other_recipient"
    NO_ATTEMPT = "no_attempt"
    NOT_BELIEVED = "not_believed"


LIST_READER = "list"  # reads the lists that providers export: they tell of mails, and make no attempts
UNNAMED = "event:"  # begins the name of a message of which its tool told no name: the event's id
UNNAMED_FAILURE = "failure:"  # likewise of one that failed: when it failed, and what was said (see `unnamed.py`)


@dataclass(frozen=True, slots=True)
class Report:
    """One recipient's part of one message (or one event of an outreach tool). Empty text means "not said"."""

    event: Event
    recipient: str | None  # as written, lower-cased, without display name; None where the report hides it
    original_recipient: str = ""
    addressee: str = ""  # whom we wrote to, where their mail was forwarded to the recipient
    forwarded_to: str = ""  # once the recipient is whom we wrote to: where their mail is forwarded to, and failed
    action: str = ""  # RFC 3464 2.3.3: failed, delayed, delivered, relayed, expanded
    status: str = ""  # RFC 3463 enhanced code, "5.1.1"
    replycode: str = ""  # RFC 5321 reply code, "550"
    diagnostic: str = ""  # what the remote system said, one line, at most 2,000 characters, no control characters
    command: str = ""  # the SMTP command that was refused: CONNECT, HELO, MAIL, RCPT, DATA
    remote_mta: str = ""  # the host that refused
    reporting_mta: str = ""  # the host that wrote the report
    occurred_at: datetime | None = None  # aware; None where the report gives no date
    message_id: str = ""  # Message-ID of the mail that failed, without angle brackets
    envelope_id: str = ""  # RFC 3464 2.2.1 Original-Envelope-Id, or an ESP's own message id
    return_path: str = ""  # the address the report was sent to: where a return-path token would be
    feedback_type: str = ""  # RFC 5965 3.1: abuse, fraud, virus, not-spam, other
    sender: str = ""  # of a tool's event: the mailbox or tool that sent the message
    campaign: str = ""  # of a tool's event: the campaign's key
    reader: str = ""  # the reader that answered
    because: str = ""  # of a list's row: why it is suppressed, where neither complaint nor unsubscribe
    note: str = ""  # of a list's row: the list, for people


_values_of = attrgetter(*Report.__dataclass_fields__)
_PLACES = {name: at for at, name in enumerate(Report.__dataclass_fields__)}


def change(report: Report, **changes: Any) -> Report:
    """The report with some fields changed: `dataclasses.replace` in a fraction of its time, once or twice a report."""
    values = list(_values_of(report))
    for name, value in changes.items():
        values[_PLACES[name]] = value
    return Report(*values)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one message turned out to be."""

    kind: MailKind
    reports: tuple[Report, ...] = ()
    why: str = ""  # for kind none (and vacation): the plain reason, fit for a page
    reader: str = ""
    caps: tuple[str, ...] = ()  # those that left something of it out: "more than 200 parts"; empty: it was read whole

    @property
    def left_out(self) -> str:
        """ "It was not read whole: it has more than 200 parts and more than 2,000 lines." Empty where it was."""
        return f"It was not read whole: it has {' and '.join(self.caps)}." if self.caps else ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one failed recipient. `rule` names the row of the rule table that decided."""

    kind: Kind
    fault: Fault
    reason: str  # a slug of `bounces/classification/reasons.toml`
    hard: bool  # by the reason's definition: user unknown, host unknown, has moved, not accept; never of a 4xx reply
    rule: str
