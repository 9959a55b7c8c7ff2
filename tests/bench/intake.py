"""`./rebound bench intake`: how fast providers' webhooks are taken in, and how fast the inbox is drained.

In: the stock server (`crm/gunicorn_conf.py`) on this machine alone, signed requests of 1 and of 100 events, over 1, 4,
8 and 16 connections. Beside it in the same run: a view that checks and parses and keeps nothing, and an empty view.
Out: a line a figure; exit code 1 where one falls short of its goal. The client shares the machine's cores.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from tests.bench.evaluate import cpu_of
from tests.bench.serving.load import HOST, Run, a_request, run
from tests.bench.stand import standing

SECONDS = 3.0
CONNECTIONS = (1, 4, 8, 16)
GOAL_RATIO, GOAL_P99, GOAL_EVENTS = 0.3, 25.0, 40_000.0
GOAL_JSON, GOAL_MAILS = 3_000.0, 700.0
MOST = {1: 6_000, 100: 1_500}  # requests of one figure
_number = count(1)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./rebound bench intake", description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000, help="events to drain; a tenth as many mails")
    rows = parser.parse_args(arguments).rows
    os.environ["PYTHONDONTWRITEBYTECODE"] = ""
    with standing():
        good = [*tell_acceptance(), *tell_drain(rows)]
    return 0 if all(good) else 1


def tell(name: str, ours: float, floor: float, goal: float, unit: str) -> bool:
    """A figure that has to be at least its goal's share of the floor."""
    ratio = ours / floor
    sys.stdout.write(
        f"{name}: ours {ours:,.0f} {unit}, floor {floor:,.0f} {unit}, ratio {ratio:.2f}, goal {goal:.2f}\n"
    )
    sys.stdout.flush()
    return ratio >= goal


# --- taking in


def tell_acceptance() -> Iterator[bool]:
    source = a_source()
    with serving() as port:
        for events in (1, 10, 100):
            for connections in CONNECTIONS if events != 10 else (4,):
                yield from tell_one(port, source, events, connections)


def tell_one(port: int, path: str, events: int, connections: int) -> Iterator[bool]:
    forget_inbox()
    most = MOST.get(events, 3_000)
    empty = run(port, [a_request("/empty/", b"", {})] * most, connections, SECONDS)
    checked = run(port, posts("/checked/", events, most), connections, SECONDS)
    ours = run(port, posts(path, events, most), connections, SECONDS)
    name = f"{events} event{'s' if events > 1 else ''} a POST, {connections} connection{'s' if connections > 1 else ''}"
    sys.stdout.write(
        f"{name}: {ours.per_second:,.0f} requests/s, {ours.per_second * events:,.0f} events/s, "
        f"p50 {ours.median:.1f} ms, p99 {ours.quantile(0.99):.1f} ms; "
        f"empty view {empty.per_second:,.0f} requests/s, p99 {empty.quantile(0.99):.1f} ms\n"
    )
    yield from judge(name, ours, checked, empty, events, connections)


def judge(name: str, ours: Run, checked: Run, empty: Run, events: int, connections: int) -> Iterator[bool]:
    if events == 10:
        yield tell(f"{name}, against checking alone", ours.per_second, checked.per_second, GOAL_RATIO, "requests/s")
    if events == 1 and connections == 8:
        most = max(GOAL_P99, empty.quantile(0.99))  # on a busy machine an empty view waits for longer
        yield tell(f"{name}, the most against p99", most * 100, ours.quantile(0.99) * 100, 1.0, "hundredths of a ms")
    if events == 100 and connections == 4:
        yield tell(name, ours.per_second * events, GOAL_EVENTS, 1.0, "events/s")


def posts(path: str, events: int, most: int) -> list[bytes]:
    """Signed requests, no two alike: a copy would cost less."""
    from bounces.intake.webhooks.signatures import hexdigest
    from tests.bench.serving.urls import SECRET

    made = []
    for _ in range(most):
        body = json.dumps({"events": [an_event(next(_number)) for _ in range(events)]}).encode()
        headers = {"Content-Type": "application/json", "Mailtrap-Signature": hexdigest(SECRET, body)}
        made.append(a_request(path, body, headers))
    return made


def an_event(number: int) -> dict[str, object]:
    """Every tenth a bounce, the others deliveries: what a good list gives, and somewhat worse."""
    is_bounce = number % 10 == 0
    said = {"response": "550 5.1.1 The email account does not exist", "response_code": 550} if is_bounce else {}
    return {
        "event": "bounce" if is_bounce else "delivery",
        "timestamp": int(time.time()),
        "sending_stream": "bulk",
        "category": "offer",
        "message_id": f"message-{number}",
        "email": f"person{number}@domain{number % 500}.example",
        "event_id": f"event-{number}",
        **said,
    }


def a_source() -> str:
    """Its path."""
    from bounces.models import IntakeSource
    from tests.bench.serving.urls import SECRET

    source = IntakeSource(name="bench", kind="mailtrap", trust="trusted")
    source.secrets = {"signing_secret": [SECRET]}
    source.save()
    return f"/in/{source.token}/"


def forget_inbox() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE bounces_inbounditem, bounces_rawchunk, bounces_unproved")


@contextmanager
def serving() -> Iterator[int]:
    """The stock server, with the two floors beside it; stopped afterwards."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--config", "crm/gunicorn_conf.py", "--bind", f"{HOST}:{port}"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.bench.serving.settings", "SITE_URL": f"http://{HOST}"}
    server = subprocess.Popen([*command, "crm.wsgi:application"], env=environment)
    try:
        wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=30)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])


def wait_for(port: int) -> None:
    for _ in range(120):
        try:
            run(port, [a_request("/empty/", b"", {})] * 50, 8, 5)
        except (OSError, SystemExit):
            time.sleep(0.5)
        else:
            return
    raise SystemExit("The server did not start.")


# --- draining


def tell_drain(rows: int) -> Iterator[bool]:
    warm_up()
    yield drain("JSON events, 100 a POST", keep_posts(rows, 100), GOAL_JSON, "events/s")
    yield drain("JSON events, 1 a POST", keep_posts(rows // 4, 1), GOAL_JSON, "events/s")
    yield drain("mails", keep_mails(rows // 10), GOAL_MAILS, "mails/s")


def warm_up() -> None:
    """A first few, and what autovacuum does within a minute: no installation is empty for longer."""
    from django.db import connection

    keep_posts(2000, 100)
    work_off()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def work_off() -> None:
    from datetime import timedelta

    from django.utils import timezone

    from bounces import process

    while process.has_work(timezone.now()):
        process.run_flow(timezone.now, patience=timedelta(minutes=5))


def drain(name: str, kept: int, goal: float, unit: str) -> bool:
    """One worker, through parse, classify, record and evaluate, until nothing waits. Judged by the processor's seconds
    of the worker and its session together: they take turns, and on a machine alone that is how long it takes.
    """
    from bounces import lists

    started = time.perf_counter()
    spent = cpu_of(work_off)
    seconds = time.perf_counter() - started
    if (done := lists.count_inbox()["done"]) != kept:
        raise SystemExit(f"Of {kept:,} {done:,} were recorded: {lists.count_inbox()}")
    sys.stdout.write(f"drain, {name}: {kept / seconds:,.0f} {unit} beside whatever else this machine does\n")
    return tell(f"drain, {name}, a second of the processor", kept / spent, goal, 1.0, unit)


def keep_posts(rows: int, each: int) -> int:
    from django.utils import timezone

    from bounces.intake.webhooks.arrival import Arrival
    from bounces.intake.webhooks.door import keep
    from bounces.intake.webhooks.known import load
    from bounces.models import IntakeSource

    forget_inbox()
    known = load(IntakeSource.objects.get().token)
    assert known is not None
    for _ in range(rows // each):
        body = json.dumps({"events": [an_event(next(_number)) for _ in range(each)]}).encode()
        keep(known, Arrival(body, {"content-type": "application/json"}), timezone.now())
    return rows // each * each


def keep_mails(rows: int) -> int:
    from django.db import transaction
    from django.utils import timezone

    from bounces.intake.keep import Door, Piece, keep_pieces
    from bounces.values import Trust
    from tests.bounces.arriving import a_bounce_mail

    forget_inbox()
    mails = [a_bounce_mail(f"mail{n}@domain{n % 500}.example", message_id=f"mail-{n}@a.example") for n in range(rows)]
    pieces = [Piece(body=mail, name=f"{n}.eml", form="mail", identity=mail) for n, mail in enumerate(mails)]
    with transaction.atomic():
        keep_pieces(pieces, Door(source="upload", trust=Trust.TRUSTED, now=timezone.now()))
    return rows


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
