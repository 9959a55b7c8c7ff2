"""A small `./rebound chaos cleaning`: a few runs killed, each ends as if nothing had happened."""

from __future__ import annotations

import sys

import pytest

from tests.chaos.small import run_chaos

pytestmark = [pytest.mark.services, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


def test_killed_cleaning_runs_go_on_by_themselves_to_the_same_state() -> None:
    told = run_chaos("cleaning", "--kills", "3", "--rows", "300")

    assert told.returncode == 0, told.stdout + told.stderr
    assert "runs that ended in another state: ours 0, goal 0" in told.stdout
