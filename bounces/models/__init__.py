"""The tables of `bounces`, one module an idea.

address.py      Address: one e-mail address and what the policy says of it; Silence: its mails without an answer
facts.py        Attempt, Bounce, Evidence, Complaint, EventKey: what happened
messages.py     SameMessage, EarlyOutcome: names that no attempt keeps, and what was told before an attempt
decisions.py    Ruling, Suppression: what people (and complaints) decided
judgement.py    Policy, StatusChange, Dirty: what follows from the facts
cleaning.py     CleaningRun, CleaningTarget, CleaningRow: one evaluation of many addresses
inbox.py        InboundItem, RawChunk, Unproved, PrunedCount: everything that arrives, and what waits for proof
running.py      Schedule, ScheduleRun, Lease, Outbox: what keeps the flow moving
statistics.py   DailyStat: counted as the facts are recorded
repairs.py      Repair: what one provider's error made invalid, taken back
review.py       ReviewItem: what people asked and decided
incidents.py    Incident: a receiving provider that is not believed; GoodFailure, GoodMail: what gives it away
reputation.py   Guard: what pauses a campaign or a sender
mailboxes.py    MailboxPosition: up to where each mailbox was read
sources.py      IntakeSource, SourceSeen: the doors that admins declare, what was seen of each
domains.py      Domain: who receives for a domain, as looked up
rules.py        RuleOverride: classification rules of an admin's own
rejudging.py    Rejudging, RejudgedBounce: history judged again by the rules in force, as part of a run
"""

from bounces.models.address import Address, Silence
from bounces.models.cleaning import CleaningRow, CleaningRun, CleaningTarget
from bounces.models.decisions import Ruling, Suppression
from bounces.models.domains import Domain
from bounces.models.facts import Attempt, Bounce, Complaint, EventKey, Evidence, MergedAttempt
from bounces.models.inbox import InboundItem, PrunedCount, RawChunk, Unproved
from bounces.models.incidents import GoodFailure, GoodMail, Incident
from bounces.models.judgement import Dirty, Policy, StatusChange
from bounces.models.mailboxes import MailboxPosition
from bounces.models.messages import EarlyOutcome, SameMessage
from bounces.models.rejudging import RejudgedBounce, Rejudging
from bounces.models.repairs import Repair
from bounces.models.reputation import Guard
from bounces.models.review import ReviewItem
from bounces.models.rules import RuleOverride
from bounces.models.running import Lease, Outbox, Schedule, ScheduleRun
from bounces.models.sources import IntakeSource, SourceSeen
from bounces.models.statistics import DailyStat

__all__ = [
    "Address",
    "Attempt",
    "Bounce",
    "CleaningRow",
    "CleaningRun",
    "CleaningTarget",
    "Complaint",
    "DailyStat",
    "Dirty",
    "Domain",
    "EarlyOutcome",
    "EventKey",
    "Evidence",
    "GoodFailure",
    "GoodMail",
    "Guard",
    "InboundItem",
    "Incident",
    "IntakeSource",
    "Lease",
    "MailboxPosition",
    "MergedAttempt",
    "Outbox",
    "Policy",
    "PrunedCount",
    "RawChunk",
    "RejudgedBounce",
    "Rejudging",
    "Repair",
    "ReviewItem",
    "RuleOverride",
    "Ruling",
    "SameMessage",
    "Schedule",
    "ScheduleRun",
    "Silence",
    "SourceSeen",
    "StatusChange",
    "Suppression",
    "Unproved",
]
