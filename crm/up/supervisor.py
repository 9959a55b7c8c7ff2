"""Many programs as one. In: Programs. Out: their words in one stream, crashed ones started again, all stopped in order.

One thread and one loop, `_turn`: every wait goes through it, so that nobody's output is ever stuck in a full
pipe, and a request to stop is heard wherever we are.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from crm.up import processes
from crm.up.places import StartError
from crm.up.processes import Program

TURN = 0.1  # seconds that a turn of the loop waits for words
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds before a crashed program starts again; doubled each time
HEALTHY_AFTER = 60.0  # seconds of life after which a crash counts as the first one again
CHUNK = 65536

Show = Callable[[str, str], None]


class StopRequest(BaseException):
    """Someone pressed Ctrl-C, or asked by SIGTERM or SIGHUP. Not an Exception: nobody may swallow it."""


@dataclass(eq=False)
class Child:
    """A program and its present process."""

    program: Program
    process: subprocess.Popen[bytes]
    started_at: float  # on the monotonic clock
    # Called with its exit code; None: it must not end, and is started again.
    on_end: Callable[[int], None] | None
    crashes: int = 0
    restart_at: float | None = None
    # The beginning of a line whose end has not arrived.
    unfinished: bytes = b""


class Supervisor:
    """`show` gets each line with its program's name."""

    def __init__(self, show: Show) -> None:
        self._show = show
        self._children: list[Child] = []
        self._selector = selectors.DefaultSelector()
        self._stop_requested = False

    def heed_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._request_stop)

    def start(self, program: Program, on_end: Callable[[int], None] | None = None) -> None:
        """Start it beside the others. Without `on_end` it is kept alive."""
        child = Child(program, _launch(program), time.monotonic(), on_end)
        self._children.append(child)
        self._listen(child)

    def run(self, program: Program) -> None:
        """Run it to its end. Raises StartError when that is a bad one."""
        codes: list[int] = []
        self.start(program, codes.append)
        while not codes:
            self._turn()
        if codes[0]:
            raise StartError(f"{program.name} failed with code {codes[0]}: its words are above.")

    def wait_for(self, name: str, answers: Callable[[], bool], seconds: float) -> None:
        """Raises StartError when the program crashes or does not answer in time."""
        child = next(child for child in self._children if child.program.name == name)
        deadline = time.monotonic() + seconds
        while not answers():
            self._turn()
            if child.crashes:
                raise StartError(f"{name} does not start: its words are above, or below var/log/.")
            if time.monotonic() > deadline:
                raise StartError(f"{name} did not answer within {seconds:.0f} s.")

    def watch(self) -> None:
        """Keep everything alive until someone asks to stop: raises StopRequest then."""
        while True:
            self._turn()

    def stop(self) -> None:
        """Those who use the servers first, then the servers: at most 10 s in all. A second request changes nothing."""
        for servers, seconds in ((False, 6.0), (True, 4.0)):
            leaving = [child for child in self._children if child.program.is_server is servers]
            self._children = [child for child in self._children if child not in leaving]
            processes.stop([(child.program, child.process) for child in leaving], seconds, self._hear)
        self._hear()

    def _turn(self) -> None:
        self._hear()
        if self._stop_requested:
            raise StopRequest
        for child in list(self._children):
            if child.restart_at is not None:
                self._restart_when_due(child)
            elif child.process.poll() is not None:
                self._note_end(child)

    def _hear(self) -> None:
        for key, _ in self._selector.select(timeout=TURN):
            child: Child = key.data
            words = os.read(key.fd, CHUNK)
            *lines, child.unfinished = (child.unfinished + words).split(b"\n")
            if not words:
                self._selector.unregister(key.fileobj)
                lines, child.unfinished = [child.unfinished], b""
            for line in lines:
                self._say(child.program.name, line.decode(errors="replace").rstrip())

    def _note_end(self, child: Child) -> None:
        code = child.process.returncode
        if child.on_end is not None:
            self._children.remove(child)
            child.on_end(code)
            return
        now = time.monotonic()
        child.crashes = 1 if now - child.started_at > HEALTHY_AFTER else child.crashes + 1
        pause = min(FIRST_PAUSE * 2 ** (child.crashes - 1), LONGEST_PAUSE)
        child.restart_at = now + pause
        self._say(child.program.name, f"ended with code {code}; starting it again in {pause:g} s")

    def _restart_when_due(self, child: Child) -> None:
        if child.restart_at is not None and time.monotonic() >= child.restart_at:
            child.restart_at = None
            child.process, child.started_at = _launch(child.program), time.monotonic()
            self._listen(child)

    def _listen(self, child: Child) -> None:
        if child.process.stdout is not None:
            self._selector.register(child.process.stdout, selectors.EVENT_READ, child)

    def _say(self, name: str, line: str) -> None:
        """A closed terminal must not keep us from stopping the others."""
        if line:
            with contextlib.suppress(OSError, ValueError):
                self._show(name, line)

    def _request_stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 -- a handler's signature
        self._stop_requested = True


def _launch(program: Program) -> subprocess.Popen[bytes]:
    return processes.start(program, subprocess.PIPE)
