"""From a reading to what is recorded, and from what was recorded to what the inbox says of it.

In: an inbox item with the reading of its bytes, the rules in force. Out: `Told` values, and the item's
outcome in one plain sentence. Stage: between classify and record. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

from bounces.addresses import BadAddress, normalise
from bounces.classification import RuleSet, classify
from bounces.inbox import Outcome, ignored, quarantined
from bounces.models import InboundItem
from bounces.parsing.text import clean_line
from bounces.recording import Told
from bounces.sentences import reason_words, shortcoming_words
from bounces.values import Event, Judgement, MailKind, Reading, Report, Shortcoming, Trust, change

RECORDED = frozenset(Event) - {Event.AUTO_REPLIED}
JUDGED = frozenset({Event.BOUNCED, Event.DEFERRED})
MOST_RECIPIENTS = 10_000
MOST_NAMED, NAME_LENGTH = 5, 60  # of recipients that are not recorded, in the inbox's sentence
# RFC 5965 3.1, RFC 6591: reports that are about authentication, or that take a complaint back.
NO_COMPLAINTS = frozenset({"auth-failure", "dmarc", "not-spam"})

WORDS = {
    Event.SENT: "message sent",
    Event.OPENED: "message opened",
    Event.CLICKED: "link clicked",
    Event.REPLIED: "reply",
    Event.BOUNCED: "bounce",
    Event.DEFERRED: "deferral",
    Event.DELIVERED: "delivery",
    Event.COMPLAINED: "complaint",
    Event.UNSUBSCRIBED: "unsubscribe",
    Event.SUPPRESSED: "suppression",
}


class Arrived(Protocol):
    """What is told comes from something that arrived: an item of the inbox, or what is about to be one."""

    @property
    def pk(self) -> Any: ...
    @property
    def source(self) -> Any: ...
    @property
    def trust(self) -> Any: ...
    @property
    def digest(self) -> Any: ...
    @property
    def received_at(self) -> Any: ...


def told_of(item: Arrived, reading: Reading, rules: RuleSet) -> list[Told]:
    """What a reading tells that can be recorded: one a recipient whose address is known and is one."""
    return [
        told
        for number, report in enumerate(reading.reports[:MOST_RECIPIENTS])
        if is_recorded(report) and (told := _told(item, report, number, rules))
    ]


def is_recorded(report: Report) -> bool:
    """A feedback type says something of complaints alone: a bounce stays one whatever its tool adds."""
    takes_back = report.event == Event.COMPLAINED and report.feedback_type in NO_COMPLAINTS
    return report.event in RECORDED and not takes_back


def _told(item: Arrived, report: Report, number: int, rules: RuleSet) -> Told | None:
    try:
        email = normalise(report.recipient or "")
    except BadAddress:
        return None
    digest = bytes(item.digest).hex()
    return Told(
        item_id=item.pk,
        source=item.source,
        trust=Trust(item.trust),
        event_key=f"{digest}:{number}",
        payload_digest=digest,
        received_at=item.received_at,
        email=email,
        report=report,
        judgement=_judge(report, email, rules) if report.event in JUDGED else None,
    )


def _judge(report: Report, email: str, rules: RuleSet) -> Judgement:
    """About the address as it is kept, so that the evidence, judged again by the same rules, says the same."""
    return classify(report if report.recipient == email else change(report, recipient=email), rules=rules)


def outcome_of(reading: Reading, told: list[Told], new: int) -> Outcome:
    """What the inbox says of an item once it is recorded."""
    if reading.kind in (MailKind.NONE, MailKind.VACATION) and reading.caps:
        return quarantined(f"{reading.left_out} What was read holds no report; the rest may.")
    if reading.kind in (MailKind.NONE, MailKind.VACATION):
        return ignored(_sentence(reading.why or "nothing in it that is recorded"))
    if reading.reports and not any(is_recorded(report) for report in reading.reports):
        return ignored("A report that is no complaint: it is about authentication, or takes a complaint back.")
    if not told:
        return quarantined(f"{_without_recipient(reading)} {reading.left_out}".strip())
    unproved = [one for one in told if not one.is_trusted]
    if new == 0 and not unproved:
        return ignored("Recorded before: all that it tells was known." + unrecorded(reading, told))
    left_out = unrecorded(reading, told)
    sentence = summary(told) + ("." + left_out if left_out else "")
    if not unproved:
        return Outcome(InboundItem.State.DONE, sentence, new)
    return Outcome(InboundItem.State.UNVERIFIED, f"{lacking(unproved)} {sentence}", len(told))


def lacking(unproved: Sequence[Told]) -> str:
    """ "Not proved to be about our mail: no return path of ours." """
    (shortcoming, _), *_ = Counter(one.shortcoming for one in unproved).most_common(1)
    return f"Not proved to be about our mail: {shortcoming_words(shortcoming or Shortcoming.NOT_BELIEVED)}."


def unrecorded(reading: Reading, told: list[Told]) -> str:
    """ " 2 recipients not recorded: “ada at home”, “x@@b.example”.": no addresses, or beyond the most that are read."""
    recorded = {id(one.report) for one in told}
    left = [report for report in reading.reports if is_recorded(report) and id(report) not in recorded]
    unread = f" {reading.left_out}" if reading.caps else ""
    if not left:
        return unread
    names = [f"“{clean_line(report.recipient)[:NAME_LENGTH]}”" for report in left if report.recipient][:MOST_NAMED]
    more = f" and {len(left) - len(names):,} more" if len(left) > len(names) else ""
    which = f"{', '.join(names)}{more}" if names else "the report does not give their addresses"
    return f" {len(left):,} recipient{'s' if len(left) != 1 else ''} not recorded: {which}.{unread}"


def _without_recipient(reading: Reading) -> str:
    named = [report.recipient for report in reading.reports if report.recipient]
    if named:
        return f"It names “{named[0][:100]}”, which is not an e-mail address."
    what = "complaint" if reading.kind == MailKind.FEEDBACK else "report"
    return f"A {what} that does not name its recipient."


def summary(told: list[Told]) -> str:
    """ "1 bounce (the mailbox does not exist): a@b.example", or counts where there are several."""
    first = told[0]
    if len(told) == 1:
        reason = f" ({reason_words(first.judgement.reason)})" if first.judgement else ""
        return f"1 {WORDS[first.report.event]}{reason}: {first.email}"
    kinds = sorted({WORDS[one.report.event] for one in told})
    return f"{len(told)} recipients: {', '.join(kinds)}"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:].rstrip('.')}."
