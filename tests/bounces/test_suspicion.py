"""The test for incidents, as a table: what was seen, and whether it raises an alarm."""

from __future__ import annotations

import pytest

from bounces.suspicion import Seen, tail

CASES = [
    # bounced, attempted, base bounced, base attempted, alarm, why
    (0, 0, 0, 0, False, "nothing was sent"),
    (7, 7, 0, 0, False, "all of seven: small numbers raise no alarm"),
    (8, 8, 0, 0, True, "all of eight, and such a provider has hardly any"),
    (3, 1000, 3, 1000, False, "as usual"),
    (30, 1000, 3, 10_000, False, "ten times the usual, yet three in a hundred: a tired list, not an incident"),
    (49, 1000, 10, 10_000, False, "just below the share"),
    (60, 1000, 10, 10_000, True, "six in a hundred where one in a thousand is usual"),
    (60, 1000, 2000, 20_000, False, "a provider that always fails one in ten"),
    (120, 1000, 200, 10_000, True, "Gmail, 14 December 2020: twelve in a hundred of good addresses"),
    (9, 75, 20, 20_000, True, "the same in the first hour of a small sender"),
    (8, 160, 0, 0, False, "eight at five in a hundred, at a provider that we hardly know"),
    (500, 500, 0, 0, True, "a whole domain"),
]


@pytest.mark.parametrize(("bounced", "attempted", "base_bounced", "base_attempted", "alarm", "why"), CASES)
def test_what_raises_an_alarm(
    bounced: int, attempted: int, base_bounced: int, base_attempted: int, alarm: bool, why: str
) -> None:
    assert Seen(bounced, attempted, base_bounced, base_attempted).is_suspicious is alarm, why


@pytest.mark.parametrize(
    ("least", "mails", "share", "chance"),
    [(2, 3, 0.5, 0.5), (2, 2, 0.5, 0.25), (3, 2, 0.5, 0.0), (0, 9, 0.1, 1.0), (2, 3, 0.1, 0.028)],
)
def test_the_tail_of_the_binomial(least: int, mails: int, share: float, chance: float) -> None:
    assert tail(least, mails, share) == pytest.approx(chance)


def test_the_tail_bears_large_numbers() -> None:
    assert 0.0 <= tail(20_000, 100_000, 0.001) < 1e-100
