"""Changes that change nothing of what a mail says, on all real and reported mails: the same recipients, kind and fault.

By default every tenth mail; `./rebound test --all` takes all of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bounces.classification import classify
from bounces.parsing import read
from bounces.values import Event
from tests.conformance.metamorphic import CHANGES, LOCAL_PARTS, with_other_address
from tests.conformance.scoring import CORPUS, REPORTED, is_there, reported_are_there

pytestmark = pytest.mark.skipif(
    not (is_there() and reported_are_there()),
    reason="THE MAILS ARE NOT HERE: they are expected in ../shared/corpus and ../shared/reported, beside the project",
)
SHARE = 10
# A bounce inside a bounce is opened once: forwarded once more, it is too deep.
READ_ONCE = ("wrapped", "forward")
# It is a person's text that quotes a bounce: without its margins nobody can tell who speaks.
QUOTES = {"make-test-36.eml"}

Answer = tuple[str, list[tuple[str, ...]]]


def mails(every: bool) -> list[Path]:
    found = sorted((CORPUS / "mails").glob("*.eml")) + sorted((REPORTED / "mails").glob("*.eml"))
    return found if every else found[::SHARE]


def answer(raw: bytes) -> Answer:
    reading = read(raw)
    told = []
    for report in reading.reports:
        judgement = classify(report) if report.event in (Event.BOUNCED, Event.DEFERRED) else None
        verdict = (str(judgement.kind), str(judgement.fault)) if judgement else ()
        told.append((report.recipient or "", str(report.event), *verdict))
    return str(reading.kind), sorted(told)


@pytest.mark.full
@pytest.mark.parametrize("name", CHANGES)
def test_what_changes_nothing_of_a_mail_changes_no_verdict(name: str, run_all: bool) -> None:
    compared, differences = 0, []
    for file in mails(run_all):
        raw = file.read_bytes()
        other = CHANGES[name](raw)
        is_left_out = (name == "forwarded" and read(raw).reader in READ_ONCE) or file.name in QUOTES
        if other is None or is_left_out:
            continue
        compared += 1
        if answer(other) != answer(raw):
            differences.append((file.name, answer(raw), answer(other)))
    assert compared
    assert differences == []


@pytest.mark.full
@pytest.mark.parametrize("local", LOCAL_PARTS)
def test_another_address_changes_no_verdict(local: str, run_all: bool) -> None:
    compared, differences = 0, []
    for file in mails(run_all):
        raw = file.read_bytes()
        kind, told = answer(raw)
        for recipient in {one[0] for one in told if one[0] and one[0].isascii()}:
            change, another = with_other_address(recipient, local)
            other = change(raw)
            if other is None or another in {one[0] for one in told}:
                continue
            compared += 1
            expected = sorted((another if one[0] == recipient else one[0], *one[1:]) for one in told)
            if answer(other) != (kind, expected):
                differences.append((file.name, expected, answer(other)))
    assert compared
    assert differences == []
