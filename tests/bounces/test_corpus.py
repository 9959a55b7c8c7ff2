"""Real bounces, read where they are: how much of the corpus is understood. They are no part of the project.

The floors are what was reached; they only rise. Scored as the corpus' README says.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bounces.classification import classify, load_reasons
from bounces.parsing import read
from bounces.values import Event, Fault, Judgement, MailKind, Reading

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
SYNONYMS = {
    "speeding": "ratelimited",
    "toomanyconn": "ratelimited",
    "mesgtoobig": "emailtoolarge",
    "exceedlimit": "emailtoolarge",
}

pytestmark = pytest.mark.skipif(
    not (CORPUS / "truth.jsonl").exists(),
    reason="THE CORPUS OF REAL BOUNCES IS NOT HERE: it is expected in ../shared/corpus, beside the project",
)


@cache
def truths() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (CORPUS / "truth.jsonl").read_text(encoding="utf-8").splitlines()]


@cache
def readings() -> dict[str, Reading]:
    return {truth["file"]: read((CORPUS / truth["file"]).read_bytes()) for truth in truths()}


def bounces() -> list[dict[str, Any]]:
    return [truth for truth in truths() if truth["kind"] == "bounce"]


def recipient_of(expected: dict[str, Any]) -> str | None:
    return (expected["recipient"] or "").lower() or None


def judgements() -> list[tuple[str, dict[str, Any], Judgement | None]]:
    """Each expected recipient of a bounce with the verdict on it, None where it was not found."""
    return [
        (truth["file"], expected, judge(readings()[truth["file"]], recipient_of(expected)))
        for truth in bounces()
        for expected in truth["recipients"]
    ]


def judge(reading: Reading, recipient: str | None) -> Judgement | None:
    failed = [report for report in reading.reports if report.event in (Event.BOUNCED, Event.DEFERRED)]
    return next((classify(report) for report in failed if report.recipient == recipient), None)


def plain(reason: str) -> str:
    return SYNONYMS.get(reason.replace("_", ""), reason.replace("_", ""))


def share(right: list[bool]) -> float:
    return sum(right) / len(right)


def test_the_corpus_is_whole() -> None:
    assert len([truth for truth in truths() if truth["file"].startswith("mails/")]) == 387


def test_nearly_all_mails_are_known_for_what_they_are() -> None:
    reports = [truth for truth in truths() if truth["is_report"]]
    assert share([readings()[truth["file"]].kind == truth["kind"] for truth in reports]) >= 0.97


def test_no_ordinary_mail_is_taken_for_a_bounce_or_a_complaint() -> None:
    ordinary = [truth["file"] for truth in truths() if truth["kind"] == "none"]
    assert [file for file in ordinary if readings()[file].kind in (MailKind.BOUNCE, MailKind.FEEDBACK)] == []


def test_the_recipients_of_nearly_all_bounces_are_exact() -> None:
    exact = [
        {report.recipient for report in readings()[truth["file"]].reports}
        == {recipient_of(expected) for expected in truth["recipients"]}
        for truth in bounces()
    ]
    assert share(exact) >= 0.97


def test_no_failure_by_the_senders_fault_is_called_hard() -> None:
    """The absolute requirement: a block must not cost a contact its address."""
    senders = {name for name, reason in load_reasons().items() if reason.fault is Fault.SENDER}
    wrong = [
        (file, expected["reason"], judgement.rule)
        for file, expected, judgement in judgements()
        if judgement and judgement.hard and not expected["hard"] and plain(expected["reason"]) in senders
    ]
    assert wrong == []


def test_few_soft_failures_are_called_hard() -> None:
    wrong = [
        file for file, expected, judgement in judgements() if judgement and judgement.hard and not expected["hard"]
    ]
    assert len(wrong) <= 15, wrong


def test_most_failures_are_judged_as_lasting_as_they_are() -> None:
    assert (
        share([bool(judgement and judgement.hard == expected["hard"]) for _, expected, judgement in judgements()])
        >= 0.91
    )


def test_most_failures_are_given_their_reason() -> None:
    right = [
        bool(judgement and judgement.reason == plain(expected["reason"])) for _, expected, judgement in judgements()
    ]
    assert share(right) >= 0.86


@pytest.mark.parametrize("newline", [b"\r\n", b"\r"])
def test_newlines_make_no_difference_to_any_of_them(newline: bytes) -> None:
    def rewritten(file: str) -> bytes:
        return (CORPUS / file).read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", newline)

    assert [file for file, reading in readings().items() if read(rewritten(file)) != reading] == []
