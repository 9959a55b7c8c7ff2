"""Processes forked from one: started again when they end, stopped together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from tests.crm.test_up import read, wait_until

pytestmark = [pytest.mark.services, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]

PROGRAM = """
import signal, sys, time
from crm.up import crew
def idle():
    time.sleep(3600)
def fail():
    raise ValueError("no")
def deafen():
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    while True:
        time.sleep(3600)
works = {"idle": idle, "other": idle} | ({"fails": fail} if "fails" in sys.argv else {})
works |= {"deaf": deafen} if "deaf" in sys.argv else {}
crew.run(works, lambda line: print(line, flush=True))
"""


def a_crew(tmp_path: Path, *words: str) -> subprocess.Popen[str]:
    with (tmp_path / "said").open("w") as output:
        words = (sys.executable, "-c", PROGRAM, *words)
        return subprocess.Popen(words, cwd=settings.BASE_DIR, stdout=output, stderr=output, text=True)


def members(crew: subprocess.Popen[str]) -> dict[str, int]:
    pids = read(Path(f"/proc/{crew.pid}/task/{crew.pid}/children")).split()
    names = {read(Path(f"/proc/{int(pid)}/comm")).decode().strip(): int(pid) for pid in pids}
    return {name.removeprefix("crew "): pid for name, pid in names.items() if name.startswith("crew ")}


def has(crew: subprocess.Popen[str], *names: str) -> Callable[[], bool]:
    return lambda: set(members(crew)) == set(names)


def test_one_that_is_killed_is_forked_again_and_the_others_go_on(tmp_path: Path) -> None:
    crew = a_crew(tmp_path)
    wait_until(has(crew, "idle", "other"), 30)
    before = members(crew)
    os.kill(before["idle"], signal.SIGKILL)

    wait_until(lambda: members(crew).get("idle", before["idle"]) != before["idle"], 30)

    assert members(crew)["other"] == before["other"]
    assert "idle ended with code -9; starting it again in 0.5 s" in (tmp_path / "said").read_text()
    crew.terminate()
    assert crew.wait(20) == 0


def test_asked_to_stop_none_is_left(tmp_path: Path) -> None:
    crew = a_crew(tmp_path)
    wait_until(has(crew, "idle", "other"), 30)
    pids = list(members(crew).values())
    crew.terminate()

    assert crew.wait(20) == 0
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


def test_when_the_parent_is_killed_they_end_too(tmp_path: Path) -> None:
    crew = a_crew(tmp_path)
    wait_until(has(crew, "idle", "other"), 30)
    pids = list(members(crew).values())
    crew.kill()
    crew.wait(20)

    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), 20)


def test_one_that_always_fails_is_tried_later_and_later(tmp_path: Path) -> None:
    crew = a_crew(tmp_path, "fails")
    wait_until(lambda: "fails ended with code 1; starting it again in 2 s" in (tmp_path / "said").read_text(), 60)
    time.sleep(0.1)
    crew.terminate()

    assert crew.wait(20) == 0
    assert "ValueError: no" in (tmp_path / "said").read_text()


def test_one_that_hears_no_request_is_killed_and_the_parent_ends(tmp_path: Path) -> None:
    """As a worker whose Redis went away at the moment of the request."""
    crew = a_crew(tmp_path, "deaf")
    wait_until(has(crew, "idle", "other", "deaf"), 30)
    time.sleep(0.5)  # it has its name before it turns deaf
    pids = list(members(crew).values())
    crew.terminate()

    assert crew.wait(20) == 0
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
