"""`./rebound bench evaluate`: the policy over a large population, against reading and counting the bounces at all.

In: `--rows N` addresses, with five bounces and twenty attempts each (`population.py`). Out: a line a figure, exit code
1 where one falls short. CPU seconds of this process and its database session together, the best of some rounds; the
floor is a sequential scan and a hash aggregate of the bounces, of the columns that a judgement needs, in memory.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench.stand import say, standing

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from bounces.models import CleaningRun

ROWS = 100_000
ROUNDS = 3
TICKS = os.sysconf("SC_CLK_TCK")

FLOOR = """
SELECT count(*) FROM (
    SELECT address_id, max(occurred_at) AS last_at,
           count(*) FILTER (WHERE standing = 'counted' AND kind = 'hard' AND fault = 'recipient'
               AND (smtp_code IS NULL OR smtp_code >= 500) AND enhanced_code NOT LIKE '4.%%') AS hard,
           count(*) FILTER (WHERE standing = 'counted' AND kind = 'soft'
               AND fault IN ('recipient', 'unknown', 'infrastructure')) AS soft
    FROM bounces_bounce GROUP BY address_id
) AS counted WHERE hard < 0 OR soft < 0 OR last_at IS NULL
"""
BARE_UPDATE = """
UPDATE bounces_address SET status = 'valid', status_rule = 'alive', status_changed_at = %s
"""
BARE_INSERT = """
INSERT INTO bounces_statuschange (address_id, from_status, to_status, rule, evidence, policy_id, run_id, at)
SELECT id, 'unverified', 'valid', 'alive', jsonb_build_object('delivered_at', last_delivered_at), %s, %s, %s
FROM bounces_address ORDER BY id
"""

SAVE_ADDRESS = "UPDATE bounces_address SET last_click_at = last_click_at WHERE id = %s"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./rebound bench evaluate", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="addresses; the full size is 1000000")
    parser.add_argument("--watching", action="store_true", help="only what incidents and guards cost each pass")
    given = parser.parse_args(arguments)
    rows = given.rows
    with standing(with_pages=False):
        from tests.bench import population

        if given.watching:
            tell("loading", lambda: population.load(rows))
            return 0 if all(list(measure_watching())) else 1
        tell("loading", lambda: population.load(rows // 10))
        small, small_memory = measure_small(rows // 10)
        tell("loading", lambda: population.load(rows))
        floor = min(cpu_of(read_all_bounces) for _ in range(ROUNDS))
        good = [*measure_changes(rows, floor), *measure_runs(rows, floor, small)]
        good += [say("memory of the worker, floor a tenth of the rows", peak_memory(), small_memory, 1.15, "MB")]
        good += [*measure_watching(), *measure_dead_rows()]
    return 0 if all(good) else 1


def tell(what: str, work: Callable[[], object]) -> None:
    started = time.monotonic()
    work()
    print(f"{what}: {time.monotonic() - started:.0f} s", flush=True)  # noqa: T201


# --- the measures -----------------------------------------------------------------------------------


def cpu_of(work: Callable[[], object]) -> float:
    """CPU seconds of this process and of its session on the server: what others do at the machine adds little."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        stat = Path(f"/proc/{cursor.fetchone()[0]}/stat")

    def spent() -> float:
        fields = stat.read_text().rpartition(")")[2].split()
        return time.process_time() + (int(fields[11]) + int(fields[12])) / TICKS

    before = spent()
    work()
    return spent() - before


def read_all_bounces() -> None:
    execute("SET work_mem = '1GB'", "SET max_parallel_workers_per_gather = 0", "SET jit = off", FLOOR)
    execute("RESET work_mem", "RESET max_parallel_workers_per_gather", "RESET jit")


def execute(*texts: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        for text in texts:
            cursor.execute(text, [])


def peak_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def a_run(*, dry_run: bool, **options: Any) -> CleaningRun:
    from bounces import cleaning
    from tests.bench.population import NOW

    run = cleaning.start_run(via="command", now=NOW, dry_run=dry_run, **options)
    if not cleaning.work(run.pk, lambda: NOW):
        raise SystemExit("Another process holds the lease of cleaning.")
    run.refresh_from_db()
    return run


def nothing_changes() -> None:
    run = a_run(dry_run=True)
    if run.changes:
        raise SystemExit(f"The settled population moves by {run.changes} in run {run.pk}.")


# --- what is measured -------------------------------------------------------------------------------


def measure_small(rows: int) -> tuple[float, float]:
    """CPU seconds an address of an evaluation without news, and this process's memory, at a tenth of the rows."""
    a_run(dry_run=False)
    execute("VACUUM ANALYZE bounces_address")
    return min(cpu_of(nothing_changes) for _ in range(ROUNDS)) / rows, peak_memory()


def measure_changes(rows: int, floor: float) -> Iterator[bool]:
    """The first run moves every address: all are loaded as unverified."""
    from bounces.models import Policy
    from tests.bench.population import NOW

    run = a_run(dry_run=True, addresses=no_address())
    bare = cpu_of(lambda: run_bare(BARE_UPDATE, NOW)) + cpu_of(
        lambda: run_bare(BARE_INSERT, Policy.active().pk, run.pk, NOW)
    )
    execute(
        "TRUNCATE bounces_statuschange CASCADE",
        "UPDATE bounces_address SET status = 'unverified', status_rule = '', status_changed_at = NULL, evidence = NULL",
        "VACUUM (FULL, ANALYZE) bounces_address",
    )
    with page_writes(rows) as waits:
        ours = cpu_of(lambda: a_run(dry_run=False))
    yield say("everything changes, with history", ours, floor + bare, 1.5, "s")
    yield say(f"longest wait of {len(waits)} page writes meanwhile", max(waits) * 1000, 100, 1.0)
    execute("VACUUM ANALYZE bounces_address", "VACUUM ANALYZE bounces_statuschange", "VACUUM bounces_cleaningrow")


def run_bare(text: str, *values: datetime | int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(text, values)


def no_address() -> object:
    from bounces.models import Address

    return Address.objects.none()


def measure_runs(rows: int, floor: float, small: float) -> Iterator[bool]:
    from bounces.models import Policy

    full = floor_again = float("inf")
    for _ in range(ROUNDS):  # in turns: the machine's pace changes
        floor_again = min(floor_again, cpu_of(read_all_bounces))
        full = min(full, cpu_of(nothing_changes))
    floor = min(floor, floor_again)
    yield say("full evaluation, nothing to change", full, floor, 0.8, "s")
    draft = Policy.objects.create(risk_count=3)
    yield say("what-if", min(cpu_of(lambda: a_run(dry_run=True, policy=draft)) for _ in range(ROUNDS)), floor, 0.8, "s")
    yield say("the 1 % that has news", min(news(rows) for _ in range(ROUNDS)), floor, 0.1, "s")
    yield say("growth, µs an address at ten times the rows", full / rows * 1e6, small * 1e6, 1.25, "µs")


def news(rows: int) -> float:
    from bounces import lease, policy
    from bounces.models import Dirty
    from tests.bench.population import NOW

    Dirty.objects.bulk_create([Dirty(address_id=1 + number * 100) for number in range(rows // 100)])
    held = lease.acquire("flow", timedelta(minutes=10))
    if held is None:
        raise SystemExit("Another process holds the lease of the flow.")

    def judge() -> None:
        while policy.evaluate_news(NOW, held):
            pass

    spent = cpu_of(judge)
    lease.release(held)
    return spent


@contextmanager
def page_writes(rows: int, save: str = SAVE_ADDRESS) -> Iterator[list[float]]:
    """Another process that saves an address (or what `save` does with a number) every 20 ms; how long each took."""
    import multiprocessing

    from django.db import connection

    context = multiprocessing.get_context("fork")
    waits: list[float] = []
    ours, theirs = context.Pipe()
    writer = context.Process(target=write_pages, args=(theirs, connection.get_connection_params(), rows, save))
    writer.start()
    try:
        yield waits
    finally:
        ours.send("enough")
        waits += ours.recv()
        writer.join()


def write_pages(pipe: Connection, given: dict[str, Any], rows: int, save: str) -> None:
    import psycopg

    names = ("host", "user", "dbname", "port", "password")
    waits = []
    with psycopg.connect(**{name: given[name] for name in names if given.get(name)}, autocommit=True) as page:
        number = 0
        while not pipe.poll(0.02):
            number += 1
            started = time.perf_counter()
            page.execute(save, [1 + number * 7919 % rows])
            waits.append(time.perf_counter() - started)
    pipe.send(waits)


def measure_watching() -> Iterator[bool]:
    """What incidents and guards ask of the news in each pass of the flow, before these are judged.

    With many news all guards pause, as the population fails far too often; with few they have paused before.
    """
    from bounces import guards, incidents
    from bounces.models import Incident

    for number, most in ((1000, 500.0), (10, 20.0)):
        for name, watch in (("incidents", incidents.watch), ("guards", guards.watch)):
            yield say(f"{name}.watch, {number} addresses with news", watched(watch, number), most, 1.0)
    if Incident.objects.exists():
        raise SystemExit("An incident was seen where none is.")


def watched(watch: Callable[..., int], number: int) -> float:
    """Milliseconds of CPU a pass, the mean of some: the system counts them by the hundredth. All is taken back."""
    from django.db import transaction

    from bounces import lease
    from tests.bench.population import NOW

    rounds = 10 if number > 100 else 50
    spent = 0.0
    for _ in range(rounds):
        with transaction.atomic():
            run_bare(NEWS_OF_FAILURES, number)
            held = lease.acquire("flow", timedelta(minutes=10))
            if number < 100:
                watch(held, NOW)
            spent += cpu_of(lambda: watch(held, NOW))  # noqa: B023 -- it is called at once
            transaction.set_rollback(True)
    return spent / rounds * 1000


NEWS_OF_FAILURES = """
INSERT INTO bounces_dirty (address_id)
SELECT DISTINCT address_id FROM (
    SELECT address_id FROM bounces_bounce WHERE kind = 'hard' ORDER BY occurred_at DESC LIMIT %s
) AS failed
"""


def measure_dead_rows() -> Iterator[bool]:
    """Ten runs by two policies in turns, each of which moves what the other one moved."""
    from bounces.models import Policy

    for number in range(10):
        Policy.objects.filter(is_active=True).update(is_active=False)
        Policy.objects.create(is_active=True, version=1000 + number, hard_limit=1 + number % 2 * 3)
        a_run(dry_run=False)
    shares = dead_rows()
    deadline = time.monotonic() + 150  # autovacuum looks once a minute
    while max(shares.values()) > 0.2 and time.monotonic() < deadline:
        time.sleep(5)
        shares = dead_rows()
    for table, share in shares.items():
        yield say(f"dead rows of {table} after ten runs", share * 100, 20, 1.0, "%")


def dead_rows() -> dict[str, float]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, n_dead_tup / GREATEST(n_live_tup + n_dead_tup, 1)::float FROM pg_stat_user_tables"
            " WHERE relname IN ('bounces_address', 'bounces_cleaningrow', 'bounces_statuschange') ORDER BY 1"
        )
        return dict(cursor.fetchall())
