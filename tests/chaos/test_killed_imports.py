"""A small `./rebound chaos imports`: a few imports killed, each ends as if nothing had happened."""

from __future__ import annotations

import sys

import pytest

from tests.chaos.small import run_chaos

pytestmark = [pytest.mark.services, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


def test_killed_imports_go_on_by_themselves_to_the_same_state() -> None:
    told = run_chaos("imports", "--kills", "3", "--rows", "400")

    assert told.returncode == 0, told.stdout + told.stderr
    assert "imports that ended in another state: ours 0, goal 0" in told.stdout
    assert "the same file again, rows written: ours 0, goal 0" in told.stdout
