"""`manage.py up` as a whole: real processes in a folder and on a port of their own."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from bounces.models import IntakeSource
from crm.up import places, start
from crm.up.first_start import WantedDemo

pytestmark = [pytest.mark.services, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]

OURS = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS", "SITE_URL", "REBOUND_PRODUCTION")

CREW = {"scheduler", "intake", "bulk", "notify", "mail"}


class Up:
    """One `manage.py up`, and what it said."""

    def __init__(self, var: Path, *arguments: str) -> None:
        self.port = a_free_port()
        self.var = var
        self._said = var.with_name(f"{var.name}-{self.port}.log")
        with self._said.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--no-demo", "--port", str(self.port), *arguments],
                cwd=settings.BASE_DIR,
                env=an_environment(var),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self._said.read_text()

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.said
        return "is running at" in self.said

    def sign_in_page(self) -> int:
        request = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        request.request("GET", "/accounts/login/")
        status = request.getresponse().status
        request.close()
        return status

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=15)


@contextmanager
def running(var: Path, *arguments: str) -> Iterator[Up]:
    up = Up(var, *arguments)
    try:
        wait_until(up.is_ready, seconds=180)
        yield up
    finally:
        if up.process.poll() is None:
            up.end()


@pytest.fixture(scope="module")
def var() -> Iterator[Path]:
    """Where the tests of this module live, one after the other."""
    folder = Path(tempfile.mkdtemp(prefix="rebound-up-"))
    folder.chmod(0o711)
    yield folder / "var"
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def first_start(var: Path) -> Up:
    with running(var) as up:
        assert up.sign_in_page() == 200
    return up


def test_it_prints_the_first_sign_in_and_ends_well(first_start: Up) -> None:
    assert first_start.process.returncode == 0, first_start.said
    assert "admin@localhost" in first_start.said
    assert "Password " in first_start.said


def test_it_leaves_no_process_when_it_ends(first_start: Up) -> None:
    assert processes_of(first_start.var) == []


def test_a_command_borrows_the_servers_that_nobody_runs(first_start: Up) -> None:
    made = manage(first_start.var, "make_admin", "--email", "ada@example.org")
    assert made.returncode == 0, made.stderr
    assert processes_of(first_start.var) == []


def test_it_survives_kill_9_and_finds_its_data(first_start: Up) -> None:
    with running(first_start.var) as up:
        up.end(signal.SIGKILL)
        wait_until(lambda: processes_of(up.var) == [], seconds=20)
    with running(first_start.var) as up:
        assert up.sign_in_page() == 200
        assert "shown only now" not in up.said
        in_use = Up(up.var)
        assert in_use.process.wait(timeout=20) == 1
        assert f"is in use by `rebound up` (process {up.process.pid})" in in_use.said


def test_a_demo_whose_contacts_are_there_already_is_wanted_no_more(first_start: Up) -> None:
    """As after a load that was killed between its commit and the note that it is done."""
    made = manage(first_start.var, "shell", "-c", "from tests.builders import a_contact; a_contact('ada@example.org')")
    assert made.returncode == 0, made.stderr
    with running(first_start.var, "--demo") as up:
        wait_until(lambda: "the demo is not loaded" in up.said, seconds=30)
        wait_until(lambda: not WantedDemo(up.var), seconds=10)


def test_it_starts_a_crashed_program_again(first_start: Up) -> None:
    with running(first_start.var) as up:
        wait_until(lambda: names_in(up.var) == CREW, seconds=60)  # one that is being forked has its parent's name
        [crew] = [pid for pid in processes_of(up.var) if "crew" in words_of(pid) and not name_of(pid)]
        os.kill(crew, signal.SIGKILL)
        wait_until(lambda: "crew     | ended with code -9; starting it again" in up.said, seconds=5)
        wait_until(lambda: names_in(up.var) == CREW, seconds=60)


def test_a_worker_that_crashes_is_forked_again(first_start: Up) -> None:
    with running(first_start.var) as up:
        wait_until(lambda: "scheduler" in names_in(up.var), seconds=60)
        [scheduler] = [pid for pid in processes_of(up.var) if name_of(pid) == "scheduler"]
        os.kill(scheduler, signal.SIGKILL)
        wait_until(lambda: "scheduler ended with code -9; starting it again" in up.said, seconds=5)
        wait_until(lambda: "scheduler" in names_in(up.var), seconds=10)


def test_a_taken_port_is_said_before_anything_starts(var: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = manage(var.with_name("other"), "up", "--port", str(port))
    assert refused.returncode == 1
    assert refused.stderr.strip() == (
        f"Cannot listen on 127.0.0.1, port {port} (Address already in use): choose another with --port."
    )


def test_a_folder_that_cannot_be_written_is_said(var: Path) -> None:
    in_the_way = var.with_name("a-file")
    in_the_way.touch()
    refused = manage(in_the_way / "var", "up")
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"Cannot write to {in_the_way}")
    assert len(refused.stderr.splitlines()) == 1


def test_a_database_that_does_not_answer_is_said(var: Path) -> None:
    refused = manage(var.with_name("theirs"), "up", DATABASE_URL="postgres://nobody@127.0.0.1:1/none")
    assert refused.returncode == 1
    assert "PostgreSQL does not answer at DATABASE_URL" in refused.stderr


def test_a_path_too_long_for_a_socket_gets_a_short_one() -> None:
    run = places.run_dir(Path("/tmp") / ("x" * 120) / "var")
    assert len(str(run)) < 60


def manage(var: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env=an_environment(var) | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def an_environment(var: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return kept | {"REBOUND_VAR": str(var)}


def a_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wait_until(is_so: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def processes_of(var: Path) -> list[int]:
    """All processes of an installation: they inherit its REBOUND_VAR."""
    mark = f"REBOUND_VAR={var}\0".encode()
    return [int(folder.name) for folder in Path("/proc").glob("[0-9]*") if mark in read(folder / "environ")]


def words_of(pid: int) -> list[str]:
    return read(Path(f"/proc/{pid}/cmdline")).decode().split("\0")


def name_of(pid: int) -> str:
    """Of a process that the crew has forked: scheduler, or the queue of a worker."""
    name = read(Path(f"/proc/{pid}/comm")).decode().strip()
    return name.removeprefix("crew ") if name.startswith("crew ") else ""


def names_in(var: Path) -> set[str]:
    return {name for pid in processes_of(var) if (name := name_of(pid))}


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.django_db
def test_the_doors_for_mail_that_are_configured_are_started_and_no_others(settings):
    assert start.wanted_doors() == []
    IntakeSource.objects.create(name="box", kind="imap", trust="token")
    settings.SMTP_LISTEN, settings.LMTP_LISTEN = ["127.0.0.1:2525", "[::1]:2525"], ["unix:/run/lmtp"]
    assert start.wanted_doors() == [
        ("imap", ("imap",)),
        ("smtp", ("smtp", "--listen", "127.0.0.1:2525", "--listen", "[::1]:2525")),
        ("lmtp", ("smtp", "--lmtp", "--listen", "unix:/run/lmtp")),
    ]
