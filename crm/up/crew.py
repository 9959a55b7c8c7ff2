"""Processes forked from one that has loaded everything: they share its memory, and start within a moment.

In: names, and what each does. Out: all of them running until SIGTERM; one that ends is forked again. Who does not end
when asked is asked again, then killed: a worker whose Redis goes away at the same moment hears only the second. The
parent keeps no connection and no thread, so that a fork finds nothing of somebody else's, and tells its garbage
collector to leave alone what is loaded: looking through it would copy every page.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from crm.up.processes import be_called, die_with_parent

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds before one that ended is forked again; doubled each time
HEALTHY_AFTER = 60.0  # seconds of life after which an end counts as the first one again
ASKED_AGAIN_AFTER, KILLED_AFTER = 4.2, 5.5  # seconds after SIGTERM; `up` waits for 6
HEARD = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}

Say = Callable[[str], None]


@dataclass(slots=True)
class Member:
    name: str
    work: Callable[[], None]
    pid: int = 0  # 0: does not run
    began_at: float = 0.0
    ends: int = 0
    due_at: float = 0.0  # on the monotonic clock: when it is forked again


def run(works: Mapping[str, Callable[[], None]], say: Say) -> None:
    """Until SIGTERM or SIGINT, which every member gets, too: a worker that hears a second one drops its job."""
    crew = [Member(name, work) for name, work in works.items()]
    gc.collect()
    gc.freeze()
    signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    while True:
        _fork_those_due(crew)
        heard = signal.sigtimedwait(HEARD, _pause(crew))
        if heard is not None and heard.si_signo != signal.SIGCHLD:
            break
        _bury(crew, say)
    _stop(crew)


def _stop(crew: list[Member]) -> None:
    """All of them, within KILLED_AFTER. A request of ours that comes meanwhile is passed on."""
    began_at = time.monotonic()
    still_to_send = [(ASKED_AGAIN_AFTER, signal.SIGTERM), (KILLED_AFTER, signal.SIGKILL)]
    _send(crew, signal.SIGTERM)
    while any(member.pid for member in crew):
        after, number = still_to_send[0] if still_to_send else (KILLED_AFTER + 1.0, signal.SIGKILL)
        heard = signal.sigtimedwait(HEARD, max(0.0, began_at + after - time.monotonic()))
        if heard is None:
            _send(crew, number)
            still_to_send = still_to_send[1:]
        elif heard.si_signo != signal.SIGCHLD:
            _send(crew, signal.SIGTERM)
        _bury(crew)


def _fork_those_due(crew: list[Member]) -> None:
    now = time.monotonic()
    for member in crew:
        if not member.pid and member.due_at <= now:
            member.began_at, parent = now, os.getpid()
            member.pid = os.fork() or _be(member, parent)


def _be(member: Member, parent: int) -> int:
    """The child. Never returns."""
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        be_called(f"crew {member.name}")
        die_with_parent(signal.SIGTERM)
        if os.getppid() != parent:  # it died before the request was made
            os._exit(1)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
        member.work()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # whatever it is, this process must not go on as a second parent
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _pause(crew: list[Member]) -> float:
    """Seconds until one is due; an hour where none is: at rest the parent costs nothing."""
    due = [member.due_at for member in crew if not member.pid]
    return max(0.0, min(due) - time.monotonic()) if due else 3600.0


def _send(crew: list[Member], number: signal.Signals) -> None:
    for member in crew:
        if member.pid:
            os.kill(member.pid, number)


def _bury(crew: list[Member], say: Say = lambda _: None) -> None:
    """Notes who has ended, and when they are forked again."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        for member in crew:
            if member.pid == pid:
                _note_end(member, os.waitstatus_to_exitcode(status), say)


def _note_end(member: Member, code: int, say: Say) -> None:
    now = time.monotonic()
    member.ends = 1 if now - member.began_at > HEALTHY_AFTER else member.ends + 1
    member.pid, member.due_at = 0, now + min(FIRST_PAUSE * 2 ** min(member.ends - 1, 10), LONGEST_PAUSE)
    say(f"{member.name} ended with code {code}; starting it again in {member.due_at - now:g} s")
