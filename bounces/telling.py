"""From a reading to what is recorded, and from what was recorded to what the inbox says of it.

In: an inbox item with the reading of its bytes. Out: `Told` values, and the item's outcome in one plain sentence.
Stage: between classify and record. Pure.
"""

from __future__ import annotations

from bounces.addresses import BadAddress, normalise
from bounces.classification import classify
from bounces.inbox import Outcome, ignored, quarantined
from bounces.models import InboundItem
from bounces.recording import Told
from bounces.sentences import reason_words
from bounces.values import Event, MailKind, Reading, Report, Trust

RECORDED = frozenset(Event) - {Event.AUTO_REPLIED}
JUDGED = frozenset({Event.BOUNCED, Event.DEFERRED})
MOST_RECIPIENTS = 10_000
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
}


def told_of(item: InboundItem, reading: Reading) -> list[Told]:
    """What a reading tells that can be recorded: one a recipient whose address is known and is one."""
    return [
        told
        for number, report in enumerate(reading.reports[:MOST_RECIPIENTS])
        if is_recorded(report) and (told := _told(item, report, number))
    ]


def is_recorded(report: Report) -> bool:
    return report.event in RECORDED and report.feedback_type not in NO_COMPLAINTS


def _told(item: InboundItem, report: Report, number: int) -> Told | None:
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
        judgement=classify(report) if report.event in JUDGED else None,
    )


def outcome_of(item: InboundItem, reading: Reading, told: list[Told], new: int) -> Outcome:
    """What the inbox says of an item once it is recorded."""
    if reading.kind in (MailKind.NONE, MailKind.VACATION):
        return ignored(_sentence(reading.why or "nothing in it that is recorded"))
    if reading.reports and not any(is_recorded(report) for report in reading.reports):
        return ignored("A report that is no complaint: it is about authentication, or takes a complaint back.")
    if not told:
        return quarantined(_without_recipient(reading))
    if new == 0:
        return ignored("Recorded before: all that it tells was known.")
    state = InboundItem.State.DONE if item.trust == Trust.TRUSTED else InboundItem.State.UNVERIFIED
    return Outcome(state, summary(told), new)


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
