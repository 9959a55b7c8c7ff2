"""Who brings what arrives: a provider's webhooks, a delivery agent's mailbox, a mail server. All of them try again.

In: arrivals of one door, and when each is due. Out: all of them accepted; how often an answer was 5xx, 429, 4yz or
none; and what was refused for good (an answer that a provider or a mail server does not repeat: a loss, invariant I8).
"""

from __future__ import annotations

import http.client
import json
import smtplib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random

from tests.bounces.dovecot import Dovecot
from tests.chaos.arrivals import Arrival

HOST = "127.0.0.1"
ANSWERS_WITHIN = 30.0  # seconds, as a provider's client would wait
LONGEST_PAUSE = 2.0


@dataclass(slots=True)
class Told:
    """What the senders saw."""

    accepted: int = 0
    tried_again: int = 0
    refused: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, *, accepted: int = 0, tried_again: int = 0, refused: str = "", given_up: str = "") -> None:
        with self._lock:
            self.accepted += accepted
            self.tried_again += tried_again
            self.refused += [refused] if refused else []
            self.given_up += [given_up] if given_up else []


@dataclass(frozen=True, slots=True)
class Clock:
    """Arrivals come evenly over so many seconds; nobody tries for longer than the deadline."""

    begun: float
    seconds: float
    deadline: float

    def wait_for(self, share: float) -> None:
        time.sleep(max(0.0, self.begun + share * self.seconds - time.monotonic()))

    def keep_trying(self, attempt: Callable[[], str], told: Told, count: int, name: str) -> None:
        """`attempt` answers "" where it was accepted, or why it was refused for good. Raises OSError: later."""
        pause = 0.1
        while True:
            try:
                refused = attempt()
            except (OSError, http.client.HTTPException, smtplib.SMTPException):
                told.note(tried_again=1)
            else:
                told.note(accepted=0 if refused else count, refused=refused)
                return
            if time.monotonic() > self.deadline:
                told.note(given_up=name)
                return
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)


class TryLater(OSError):
    pass


Job = Callable[[], None]


def webhooks(
    due: Sequence[tuple[float, Arrival]], port: int, path: str, secret: str, seed: int, clock: Clock, told: Told
) -> list[Job]:
    """Requests of one to fifty events, over four connections; one in ten is sent again as it is."""
    requests = list(requests_of(due, Random(seed)))

    def send(mine: Sequence[tuple[float, list[Arrival]]]) -> None:
        for share, events in mine:
            clock.wait_for(share)
            body = json.dumps({"events": [one.event for one in events]}).encode()
            clock.keep_trying(partial(post, port, path, secret, body), told, len(events), events[0].key)

    return [partial(send, requests[number::4]) for number in range(4)]


def requests_of(due: Sequence[tuple[float, Arrival]], chance: Random) -> Iterator[tuple[float, list[Arrival]]]:
    most = max(1, min(50, len(due) // 40))
    at = 0
    while at < len(due):
        taken = due[at : at + chance.randint(1, most)]
        at += len(taken)
        yield taken[-1][0], [arrival for _, arrival in taken]
        if chance.random() < 0.1:
            yield taken[-1][0], [arrival for _, arrival in taken]


def post(port: int, path: str, secret: str, body: bytes) -> str:
    from bounces.intake.webhooks.signatures import hexdigest

    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWERS_WITHIN)
    try:
        headers = {"Content-Type": "application/json", "Mailtrap-Signature": hexdigest(secret, body)}
        connection.request("POST", path, body, headers)
        status = connection.getresponse().status
    finally:
        connection.close()
    if status == 429 or status >= 500:
        raise TryLater(status)
    return "" if status == 200 else f"HTTP {status}"


def mailbox(due: Sequence[tuple[float, Arrival]], server: Dovecot, user: str, clock: Clock, told: Told) -> list[Job]:
    def deliver() -> None:
        for share, arrival in due:
            clock.wait_for(share)
            server.deliver(user, arrival.body)
            told.note(accepted=1)

    return [deliver]


def mails(due: Sequence[tuple[float, Arrival]], port: int, clock: Clock, told: Told) -> list[Job]:
    def send(mine: Sequence[tuple[float, Arrival]]) -> None:
        for share, arrival in mine:
            clock.wait_for(share)
            clock.keep_trying(partial(hand_over, port, arrival), told, 1, arrival.key)

    return [partial(send, due[number::2]) for number in range(2)]


def hand_over(port: int, arrival: Arrival) -> str:
    try:
        with smtplib.SMTP(HOST, port, timeout=ANSWERS_WITHIN) as client:
            client.sendmail("", [arrival.recipient], arrival.body)
    except smtplib.SMTPRecipientsRefused as error:
        return _for_good(*next(iter(error.recipients.values())))
    except smtplib.SMTPResponseException as error:
        return _for_good(error.smtp_code, error.smtp_error)
    return ""


def _for_good(code: int, words: bytes | str) -> str:
    """4yz: later (RFC 5321 4.2.1). 421 and what is no answer too."""
    if code < 500:
        raise TryLater(code)
    return f"SMTP {code} {words!r}"
