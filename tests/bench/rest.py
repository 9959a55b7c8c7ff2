"""`./rebound bench rest`: what an installation costs while nothing happens, and how soon it wakes.

In: nothing; it runs `manage.py up` in a folder of its own. Out: the CPU of all its processes over a minute, their
memory (PSS: what they share is counted once), and how long an event that comes in then waits for its address's status.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.stand import limit

SETTLES = 15  # seconds after the start; then the last connections of starting up are closed
TICKS = os.sysconf("SC_CLK_TCK")
BETWEEN = 5.0  # seconds between two events: longer than the scheduler stays awake


def main(arguments: list[str]) -> int:
    options = argparse.ArgumentParser(prog="./rebound bench rest")
    options.add_argument("--seconds", type=int, default=60)
    options.add_argument("--events", type=int, default=8)
    options.add_argument("--port", type=int, default=8799)
    given = options.parse_args(arguments)
    var = Path(tempfile.mkdtemp(prefix="rebound-rest-"))
    var.chmod(0o711)
    try:
        return _measure(var, given.seconds, given.events, given.port)
    finally:
        shutil.rmtree(var, ignore_errors=True)


def _measure(var: Path, seconds: int, events: int, port: int) -> int:
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ |= {"REBOUND_VAR": str(var), "REBOUND_LOG_LEVEL": "WARNING", "DJANGO_SETTINGS_MODULE": "crm.settings"}
    with (var / "said.log").open("wb") as output:
        words = [sys.executable, "manage.py", "up", "--no-demo", "--port", str(port)]
        up = subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        _wait_until_it_runs(up, var)
        key = _make_key()
        time.sleep(SETTLES)
        before = cpu_of(up.pid)
        time.sleep(seconds)
        spent = cpu_of(up.pid) - before
        memory = pss_of(up.pid)
        waits = [_wait_for_status(key, port) for _ in range(events)]
    finally:
        up.terminate()
        up.wait(timeout=30)
    print(f"the machine's load meanwhile: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)  # noqa: T201
    return not all(
        [
            limit("CPU of all processes at rest", spent / seconds * 100, 1.0, "% of a core"),
            limit("memory of all processes at rest", memory / 1024, 600.0, "MB"),
            limit("event to status, median", statistics.median(waits) * 1000, 500.0, "ms"),
            limit("event to status, longest", max(waits) * 1000, 1000.0, "ms"),
        ]
    )


def _wait_until_it_runs(up: subprocess.Popen[bytes], var: Path) -> None:
    while b"is running at" not in (var / "said.log").read_bytes():
        if up.poll() is not None:
            raise SystemExit((var / "said.log").read_text())
        time.sleep(0.5)


def _make_key() -> str:
    import django

    django.setup()
    from crm.models import ApiKey, User

    return ApiKey.issue(User.objects.get(), "the bench", ["events:write"])[1]


def _wait_for_status(key: str, port: int) -> float:
    """Seconds from the answer to the event until its address is invalid."""
    from bounces.models import Address

    time.sleep(BETWEEN)
    email = f"{uuid.uuid4().hex}@example.org"
    now = datetime.now(UTC).isoformat()
    event: dict[str, object] = {"event_id": email, "event": "bounced", "recipient": email, "occurred_at": now}
    event["smtp"] = {"code": 550, "enhanced": "5.1.1", "text": "550 5.1.1 No such user here"}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/events/",
        json.dumps({"events": [event]}).encode(),
        {"authorization": f"Bearer {key}", "content-type": "application/json"},
    )
    began = time.monotonic()
    with urllib.request.urlopen(request, timeout=10):
        pass
    while not Address.objects.filter(email=email, status="invalid").exists():
        if time.monotonic() - began > 30:
            raise SystemExit("The event was not judged within 30 s.")
        time.sleep(0.01)
    return time.monotonic() - began


def tree_of(root: int) -> list[int]:
    """The process and all below it."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        if fields := _fields(int(folder.name)):
            parents[int(folder.name)] = int(fields[1])
    found, grew = {root}, True
    while grew:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        found, grew = found | more, bool(more)
    return sorted(found)


def cpu_of(root: int) -> float:
    """Seconds that these processes, and their children that have ended, have spent so far."""
    return sum(sum(map(int, fields[11:15])) for pid in tree_of(root) if (fields := _fields(pid))) / TICKS


def _fields(pid: int) -> list[str]:
    """Of /proc/PID/stat, from the third on; none where the process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def pss_of(root: int) -> float:
    """In kB."""
    total = 0
    for pid in tree_of(root):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return float(total)
