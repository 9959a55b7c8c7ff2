"""Real bounces, read where they are: how much of the corpus is understood. They are no part of the project.

Scored as `./rebound conformance` does; the goals are its goals, and only rise.
"""

from __future__ import annotations

from functools import cache

import pytest

from bounces.classification import classify, load_reasons
from bounces.parsing import read
from bounces.values import Event, Fault, MailKind, Reading
from tests.conformance.__main__ import COLUMNS, GOALS, MOST_HARD_ON_SOFT
from tests.conformance.scoring import (
    CORPUS,
    MAX_DISPUTED,
    Miss,
    Score,
    Truth,
    address_of,
    is_there,
    load_truths,
    plain,
    score_all,
    total,
)

pytestmark = pytest.mark.skipif(
    not is_there(),
    reason="THE CORPUS OF REAL BOUNCES IS NOT HERE: it is expected in ../shared/corpus, beside the project",
)


@cache
def truths() -> list[Truth]:
    return load_truths()


@cache
def scored() -> tuple[Score, list[Miss]]:
    families, misses = score_all(truths(), read)
    return total(families.values()), misses


@cache
def readings() -> dict[str, Reading]:
    return {truth.file: read((CORPUS / truth.file).read_bytes()) for truth in truths()}


def test_the_corpus_is_whole() -> None:
    assert len([truth for truth in truths() if truth.file.startswith("mails/")]) == 387


@pytest.mark.parametrize("column", COLUMNS)
def test_the_corpus_is_understood(column: str) -> None:
    score, misses = scored()
    assert score.share(column) >= GOALS[column], [miss for miss in misses if miss.column == column]


def test_no_ordinary_mail_is_taken_for_a_bounce_or_a_complaint() -> None:
    ordinary = [truth.file for truth in truths() if truth.kind == "none"]
    assert [file for file in ordinary if readings()[file].kind in (MailKind.BOUNCE, MailKind.FEEDBACK)] == []


def test_no_failure_by_the_senders_fault_is_called_hard() -> None:
    """The absolute requirement: a block must not cost a contact its address."""
    senders = {name for name, reason in load_reasons().items() if reason.fault is Fault.SENDER}
    soft = {
        (truth.file, address_of(expected))
        for truth in truths()
        for expected in truth.recipients
        if not expected["hard"] and plain(expected["reason"]) in senders
    }
    failed = [
        (file, report)
        for file, reading in readings().items()
        for report in reading.reports
        if report.event in (Event.BOUNCED, Event.DEFERRED)
    ]
    assert [file for file, report in failed if (file, report.recipient) in soft and classify(report).hard] == []


def test_hardly_a_soft_failure_is_called_hard() -> None:
    score, _ = scored()
    assert score.hard_on_soft <= MOST_HARD_ON_SOFT


def test_few_labels_are_disputed_and_each_has_its_proof() -> None:
    disputed = [truth for truth in truths() if truth.disputed]
    assert len(disputed) <= MAX_DISPUTED


@pytest.mark.parametrize("newline", [b"\r\n", b"\r"])
def test_newlines_make_no_difference_to_any_of_them(newline: bytes) -> None:
    def rewritten(file: str) -> bytes:
        return (CORPUS / file).read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", newline)

    assert [file for file, reading in readings().items() if read(rewritten(file)) != reading] == []
