"""A small `./rebound chaos doubles`: everything twice, with orphans and sleepers, and each effect once."""

from __future__ import annotations

import sys

import pytest

from tests.bounces.dovecot import needs_dovecot
from tests.chaos.small import run_chaos

pytestmark = [
    pytest.mark.services,
    pytest.mark.full,  # a minute; what is killed and doubled by the other four runs in the default suite
    needs_dovecot,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]


def test_two_of_each_with_orphans_and_sleepers_do_everything_once() -> None:
    told = run_chaos("doubles", "--minutes", "0.3", "--events", "150")

    assert told.returncode == 0, told.stdout + told.stderr
    assert "events doubled: ours 0, goal 0" in told.stdout
    assert "parts of the state that differ: ours 0, goal 0" in told.stdout
