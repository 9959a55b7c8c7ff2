"""What `manage.py classify --json` says of one message: plain values, ready for json.

In: a `Reading`. Out: a dict whose fields are a promise to scripts. Pure.
"""

from __future__ import annotations

from typing import Any

from bounces.classification.judge import classify
from bounces.classification.ruleset import RuleSet
from bounces.values import Event, Judgement, Reading, Report

JUDGED = frozenset((Event.BOUNCED, Event.DEFERRED))


def answer(file: str, message_index: int, reading: Reading, rules: RuleSet | None = None) -> dict[str, Any]:
    """One line of `classify --json`."""
    judgements = tuple(judge(report, rules) for report in reading.reports)
    return answer_outcome(file, message_index, reading, judgements)


def answer_outcome(
    file: str, message_index: int, reading: Reading, judgements: tuple[Judgement | None, ...]
) -> dict[str, Any]:
    """The same, where the verdicts are there already."""
    pairs = zip(reading.reports, judgements, strict=True)
    return {
        "file": file,
        "kind": reading.kind.value,
        "message_index": message_index,
        "recipients": [answer_recipient(report, judgement) for report, judgement in pairs],
    }


def judge(report: Report, rules: RuleSet | None = None) -> Judgement | None:
    """None for what did not fail: a complaint, an automatic reply, a delivery."""
    return classify(report, rules=rules) if report.event in JUDGED else None


def answer_recipient(report: Report, judgement: Judgement | None) -> dict[str, Any]:
    """`kind` and `fault` are null, and `reason` the event's own word, where nothing failed."""
    return {
        "recipient": report.recipient,
        "event": report.event.value,
        "kind": judgement.kind.value if judgement else None,
        "fault": judgement.fault.value if judgement else None,
        "reason": judgement.reason if judgement else UNFAILED.get(report.event, ""),
        "hard": bool(judgement and judgement.hard),
        "status": report.status,
        "replycode": report.replycode,
        "rule": judgement.rule if judgement else "",
        "diagnostic": report.diagnostic,
    }


UNFAILED = {Event.COMPLAINED: "feedback", Event.AUTO_REPLIED: "vacation", Event.DELIVERED: "delivered"}
