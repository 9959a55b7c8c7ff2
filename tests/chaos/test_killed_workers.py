"""The flow under `up`, its workers stopped and killed, its queue wiped: nothing is lost and nothing doubled."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from redis import Redis

from crm.up import places
from tests.crm.test_up import Up, manage, name_of, processes_of, running, wait_until

pytestmark = [pytest.mark.services, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]

A_KEY = """
from django.contrib.auth import get_user_model
from crm.models import ApiKey
boss = get_user_model().objects.create_user("boss@rebound.example", role="manager")
print("KEY", ApiKey.issue(boss, "test", ["events:write"])[1])
"""


class House:
    """One running installation, with a key to its API and a look into its tables."""

    def __init__(self, up: Up, key: str) -> None:
        self.up = up
        self.key = key
        self.run = places.run_dir(up.var)

    def report(self, events: list[dict[str, Any]]) -> int:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.up.port}/api/v1/events/",
            data=json.dumps({"events": events}).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as response:
            return int(response.status)

    def count(self, what: str) -> int:
        with psycopg.connect(host=str(self.run / "postgres"), user="rebound", dbname="rebound") as connection:
            row = connection.execute(f"SELECT count(*) FROM {what}").fetchone()
        assert row is not None
        return int(row[0])

    def is_settled(self) -> bool:
        return self.count("bounces_inbounditem WHERE state = 'pending'") + self.count("bounces_dirty") == 0

    def workers(self) -> list[int]:
        return [pid for pid in processes_of(self.up.var) if name_of(pid) not in ("", "scheduler")]

    def signal_workers(self, number: signal.Signals) -> None:
        for pid in self.workers():
            os.kill(pid, number)

    def wipe_redis(self) -> None:
        with Redis(unix_socket_path=str(self.run / "valkey.sock")) as redis:
            redis.flushall()


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    folder = Path(tempfile.mkdtemp(prefix="rebound-chaos-"))
    folder.chmod(0o711)
    with running(folder / "var") as up:
        made = manage(up.var, "shell", "-c", A_KEY)
        key = made.stdout.split("KEY ")[1].split()[0]
        yield House(up, key)
    shutil.rmtree(folder)


def bounces(name: str, count: int) -> list[dict[str, Any]]:
    return [
        {
            "event_id": f"{name}-{number}",
            "event": "bounced",
            "recipient": f"{name}{number}@example.org",
            "occurred_at": "2026-11-02T10:00:00+00:00",
            "message_id": f"{name}-{number}@rebound.example",
            "smtp": {"code": 550, "enhanced": "5.1.1", "text": "550 5.1.1 No such user here"},
        }
        for number in range(count)
    ]


def test_a_bounce_is_judged_within_five_seconds(house: House) -> None:
    house.report(bounces("quick", 1))

    wait_until(lambda: house.count("bounces_address WHERE email LIKE 'quick%' AND status = 'invalid'") == 1, seconds=5)


def test_what_arrives_while_the_workers_stand_still_is_done_when_they_go_on(house: House) -> None:
    house.signal_workers(signal.SIGSTOP)

    status = house.report(bounces("still", 50))
    time.sleep(1.5)
    waiting = house.count("bounces_inbounditem WHERE state = 'pending'")
    house.signal_workers(signal.SIGCONT)

    assert (status, waiting) == (202, 50)
    wait_until(house.is_settled, seconds=60)
    assert house.count("bounces_address WHERE email LIKE 'still%' AND status = 'invalid'") == 50


def test_a_wiped_redis_loses_nothing(house: House) -> None:
    house.signal_workers(signal.SIGSTOP)
    house.report(bounces("wiped", 50))
    time.sleep(1)
    house.wipe_redis()
    house.signal_workers(signal.SIGCONT)

    wait_until(house.is_settled, seconds=60)
    assert house.count("bounces_address WHERE email LIKE 'wiped%' AND status = 'invalid'") == 50


def test_killed_workers_lose_and_double_nothing(house: House) -> None:
    for wave in range(4):
        events = bounces(f"killed{wave}x", 100)
        house.report(events)
        house.report(events[:20])  # a fifth of them told twice
        house.signal_workers(signal.SIGKILL)
        time.sleep(1)

    wait_until(house.is_settled, seconds=90)
    assert house.count("bounces_address WHERE email LIKE 'killed%' AND status = 'invalid'") == 400
    assert (
        house.count("bounces_bounce b JOIN bounces_address a ON a.id = b.address_id WHERE email LIKE 'killed%'") == 400
    )
    assert house.count("bounces_inbounditem WHERE name LIKE 'killed%' AND state = 'done'") == 400
    assert (
        house.count("bounces_statuschange c JOIN bounces_address a ON a.id = c.address_id WHERE email LIKE 'killed%'")
        == 400
    )
