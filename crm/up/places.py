"""Where things lie. In: the folder var/. Out: the folders of data and sockets, and who owns them.

PostgreSQL refuses to run as root, so root hands its data to an unprivileged account. Where that account
cannot enter var/ (a clone below a 0700 home), or where var/'s path is too long for a Unix socket, the
folder lies elsewhere and a symlink below var/ says where. Needs no Django: the settings read it too.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# sockaddr_un takes 108 bytes on Linux and 104 on macOS; "/postgres/.s.PGSQL.5432.lock" comes behind the folder.
LONGEST_RUN_DIR = 103 - len("/postgres/.s.PGSQL.5432.lock")
# Tried in this order; PostgreSQL needs one that /etc/passwd knows.
UNPRIVILEGED = ("rebound", "postgres", "nobody")


class StartError(Exception):
    """What stands in the way and what to do about it, in one plain sentence for the terminal."""


class InUseError(StartError):
    """Another process runs this installation's servers."""


@dataclass(frozen=True)
class Account:
    """A system account that a server runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Places:
    """The folders of one installation."""

    var: Path
    # PostgreSQL's folder; a symlink below var/ points to it where it lies elsewhere.
    data: Path
    # Sockets: postgres/.s.PGSQL.5432 and valkey.sock.
    run: Path
    # Whom PostgreSQL runs as; None: whoever started us.
    account: Account | None

    @property
    def postgres_socket_dir(self) -> Path:
        return self.run / "postgres"

    @property
    def valkey_socket(self) -> Path:
        return self.run / "valkey.sock"

    @property
    def home(self) -> Path:
        """The folder that the lock and PostgreSQL's copied binaries share with the data."""
        return self.data.parent


def run_dir(var: Path) -> Path:
    """The folder of the sockets: the same answer before and after it was made."""
    reachable = _account_for(var) is None or _may_enter(_account_for(var), var)
    fits = len(os.fsencode(var / "run")) <= LONGEST_RUN_DIR
    return var / "run" if reachable and fits else _elsewhere(var) / "run"


def secret_key(var: Path) -> str | None:
    """The key of this installation, made the first time and readable by its owner only. None: var/ is not writable."""
    path = var / "secret_key"
    try:
        if not path.exists():
            var.mkdir(parents=True, exist_ok=True)
            _write_once(path, secrets.token_urlsafe(50))
        return path.read_text().strip()
    except OSError:
        return None


def prepare(var: Path) -> Places:
    """Make the folders. May run twice. Raises StartError where one cannot be made."""
    try:
        var.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=var):
            pass
        places = Places(var, _data_dir(var), run_dir(var), _account_for(var))
        _make_run_dirs(places)
        _make_link(var / "run", places.run)
        _make_link(var / "postgres", places.data)
    except OSError as error:
        raise StartError(
            f"Cannot write to {error.filename or var} ({error.strerror}): "
            "make it writable, or name another folder in REBOUND_VAR."
        ) from None
    return places


def log_dir(var: Path) -> Path:
    folder = var / "log"
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def locked(places: Places, owner: str) -> Iterator[None]:
    """Hold the installation. The lock dies with its process, so it is never stale. Raises InUseError if it is taken."""
    path = places.home / "up.lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise InUseError(
                f"{places.var} is in use by {file.read().strip() or 'another process'}: stop it first."
            ) from None
        file.truncate(0)
        file.write(f"{owner} (process {os.getpid()})")
        file.flush()
        yield


def hand_over(folder: Path, account: Account | None) -> None:
    """Make the folder the account's own, closed to everyone else."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    if account is not None:
        os.chown(folder, account.uid, account.gid)


def may_enter(account: Account | None, folder: Path) -> bool:
    """Whether the account can reach the folder. None is ourselves, who can."""
    return account is None or _may_enter(account, folder)


def _may_enter(account: Account | None, folder: Path) -> bool:
    return all(_passes(account, step.stat()) for step in (folder, *folder.parents) if step.exists())


def _passes(account: Account | None, found: os.stat_result) -> bool:
    if account is None:
        return True
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    return bool(found.st_mode & (stat.S_IXGRP if found.st_gid == account.gid else stat.S_IXOTH))


def _account_for(var: Path) -> Account | None:
    """Whoever owns the data already; else the first unprivileged account there is. None: we are not root."""
    if os.geteuid() != 0:
        return None
    data = var / "postgres"
    if data.exists() and (owner := data.stat().st_uid) != 0:
        return _account(pwd.getpwuid(owner))
    for name in UNPRIVILEGED:
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    raise StartError(
        "PostgreSQL refuses to run as root, and there is no account 'rebound': make one with `useradd -r rebound`."
    )


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _elsewhere(var: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(var)).hexdigest()[:12]
    return Path("/var/lib" if os.geteuid() == 0 else "/tmp") / f"rebound-{os.geteuid()}-{digest}"  # noqa: S108 -- ours alone: see _make_own


def _data_dir(var: Path) -> Path:
    link = var / "postgres"
    if link.exists():
        return link.resolve()
    return link if may_enter(_account_for(var), var) else _elsewhere(var) / "postgres"


def _make_run_dirs(places: Places) -> None:
    for folder in {places.run, places.home} - {places.var}:
        if folder.is_symlink():
            folder.unlink()
        if not folder.is_relative_to(places.var):
            _make_own(_elsewhere(places.var))
        folder.mkdir(exist_ok=True)
        folder.chmod(0o711 if places.account else 0o700)
    hand_over(places.postgres_socket_dir, places.account)


def _make_own(folder: Path) -> None:
    """Make a folder in a place that others write to, and refuse one that somebody else put there."""
    folder.mkdir(mode=0o711, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise StartError(f"{folder} belongs to somebody else: remove it, or name a shorter folder in REBOUND_VAR.")


def _make_link(link: Path, target: Path) -> None:
    if link == target or (link.is_symlink() and link.readlink() == target):
        return
    if link.is_dir() and not link.is_symlink():
        shutil.rmtree(link)
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def _write_once(path: Path, text: str) -> None:
    """Write a private file whole or not at all; where two race, the first one stays."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".secret") as file:
        file.write(text + "\n")
        file.flush()
        try:
            os.link(file.name, path)
        except FileExistsError:
            return
