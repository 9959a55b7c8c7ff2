"""A small `./rebound chaos intake`: three doors, everything behind them killed, and the state of a calm run."""

from __future__ import annotations

import sys

import pytest

from tests.bounces.dovecot import needs_dovecot
from tests.chaos.small import run_chaos

pytestmark = [
    pytest.mark.services,
    needs_dovecot,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]


def test_killed_doors_and_servers_lose_and_double_nothing() -> None:
    told = run_chaos("intake", "--events", "150", "--strikes", "4", "--every", "2")

    assert told.returncode == 0, told.stdout + told.stderr
    assert "events lost: ours 0, goal 0" in told.stdout
    assert "parts of the state that differ: ours 0, goal 0" in told.stdout
