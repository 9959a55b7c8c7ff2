"""How many rows a step of a run takes: enough to be worth it, so few that a page hardly waits."""

from __future__ import annotations

import pytest

from bounces.cleaning.stride import LEAST, MOST, STEP_LASTS, next_size


@pytest.mark.parametrize(
    ("size", "seconds", "next_one"),
    [
        (1000, STEP_LASTS, 1000),
        (1000, STEP_LASTS * 1.25, 800),
        (1000, STEP_LASTS / 1.5, 1500),
        (1000, STEP_LASTS / 10, 2000),
        (1000, STEP_LASTS * 10, 500),
        (1000, 0.0, 2000),
        (MOST, 0.001, MOST),
        (LEAST, 60.0, LEAST),
    ],
    ids=[
        "as long as it may: as many",
        "a little too long: a few less",
        "a little too short: a few more",
        "far too short: twice as many",
        "far too long: half as many",
        "no time at all: twice as many",
        "never more than the most",
        "never less than the least",
    ],
)
def test_the_next_step_takes_as_many_rows_as_fit(size: int, seconds: float, next_one: int) -> None:
    assert next_size(size, seconds) == next_one


def test_slow_rows_settle_at_steps_that_last_as_long_as_they_may() -> None:
    size = 250
    for _ in range(10):
        size = next_size(size, size * 0.0005)

    assert size * 0.0005 == pytest.approx(STEP_LASTS, rel=0.05)
