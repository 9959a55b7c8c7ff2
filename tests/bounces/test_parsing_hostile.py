"""Any bytes have an answer, soon, and nothing raises. Sources of the cases: TRUST, "MIME bomb"."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounces.classification import classify
from bounces.parsing import read
from bounces.values import Event
from tests.bounces.mails import a_complaint, a_delivery_report, a_mail, a_multipart, a_notice, a_recipient
from tests.conformance.mutating import mutate

SEEDS = [
    a_delivery_report(),
    a_complaint(),
    a_notice("<bob@b.example>: 550 no such user"),
    a_notice("Unzustellbar:\n\nbob@b.example\n\n" + "<bob@b.example>: 550 5.1.1 no\n" * 200),
    a_mail('{"notificationType": "Bounce", "bounce": {"bouncedRecipients": [{"emailAddress": "bob@b.example"}]}}'),
    a_mail(Auto_Submitted="auto-replied"),
]
PROBES = [
    "550 5.1.1 ",
    "<a@b.example>: ",
    "could not be delivered ",
    "=?utf-8?q?",
    "@",
    "a@",
    "(",
    ">>> RCPT TO:<",
    "\u202e",
    "From ",
]


def nested(depth: int) -> bytes:
    """multipart in multipart in multipart..."""
    head = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(depth))
    return b"From: a@b.example\n" + head.encode()


HOSTILE = {
    "10,000 parts": a_multipart("mixed", *[("text/plain", "x")] * 10_000),
    "10,000 delivery reports": a_multipart("report", *[("message/delivery-status", a_recipient())] * 10_000),
    "nested 1,000 deep": nested(1_000),
    "an unclosed comment": a_mail(To="(" * 50_000),
    "a subject of 280 kB": a_notice("550 no", Subject="=?utf-8?q?x?= " * 20_000),
    "a subject that never ends": a_notice("550 no", Subject="=?" * 140_000),
    "100,000 headers": b"X: y\n" * 100_000 + b"\nbody",
    "a header of 2 MB": a_mail(X_Long="y" * 2_000_000),
    "folded 100,000 times": a_mail(X_Folded="y" + "\n y" * 100_000),
    "100,000 recipients": a_delivery_report(
        *[f"Final-Recipient: rfc822; {n}@b.example\nAction: failed\n" for n in range(100_000)]
    ),
    "markup that never closes": a_notice("<" * 250_000, Content_Type="text/html"),
    "punycode": a_notice("a" * 200_000, Content_Type="text/plain; charset=punycode"),
    "a charset with a NUL": a_notice("a", Content_Type="text/plain; charset=utf-8\0"),
    "a number of 5,000 digits": a_notice(f"&#{'9' * 5_000};", Content_Type="text/html"),
    "a year of 90 digits": a_delivery_report(a_recipient(Last_Attempt_Date=f"Thu, 29 Apr {'9' * 90} 1:2:3 +9999")),
    "broken base64": a_notice("=" * 200_000, Content_Transfer_Encoding="base64"),
    "a boundary of nothing": a_mail("--\n" * 100_000, Content_Type='multipart/mixed; boundary=""'),
    "2 million newlines": a_notice("\n" * 2_000_000),
} | {f"64 kB of {probe!r}": a_notice(probe * (64_000 // len(probe))) for probe in PROBES}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_mail_takes_longer_than_a_second(raw: bytes) -> None:
    started = time.process_time()
    judge_all(raw)
    assert time.process_time() - started < 1


def test_no_pattern_runs_out_of_memory(capfd: pytest.CaptureFixture) -> None:
    """RE2 says so on standard error, and then finds nothing."""
    for raw in HOSTILE.values():
        judge_all(raw)
    assert capfd.readouterr().err == ""


def test_the_recipients_of_one_mail_are_capped() -> None:
    assert len(read(HOSTILE["100,000 recipients"]).reports) <= 1_000


@given(st.binary(max_size=2_000))
@settings(max_examples=200, deadline=None)
def test_any_bytes_have_an_answer(raw: bytes) -> None:
    judge_all(raw)


@pytest.mark.parametrize("seed", range(len(SEEDS)))
def test_no_mutation_of_a_mail_raises_or_takes_long(seed: int) -> None:
    """`./rebound bench engine --mutations 100000` does the same at length, from the corpus."""
    chance = random.Random(seed)
    for _ in range(500):
        raw = mutate(SEEDS[seed], chance, SEEDS)
        started = time.process_time()
        judge_all(raw)
        assert time.process_time() - started < 1


def judge_all(raw: bytes) -> None:
    for report in read(raw).reports:
        if report.event in (Event.BOUNCED, Event.DEFERRED):
            classify(report)
