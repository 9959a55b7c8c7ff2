"""`./rebound bench pages`: what people wait for, at a size: eighty pages of the whole product over a large population.

In: `--rows N` contacts (with five bounces and twenty attempts each, `house.py`), the stock server, eight people who
open a page each second (`--pause`). Out: a line a page, then the ten slowest, then the goals: p50 and p95, the largest
page, and as many queries as at 10,000 contacts. Exit code 1 where one falls short. Goals are judged by the processor's
milliseconds of Python and PostgreSQL together, which is what a visit takes on a machine at rest; how long each waited
beside whatever else this machine does stands before it. `--keep` leaves the data in `var/bench/N/` for the next run
with the same rows; remove that folder when you are done. `--only WORD` opens the pages whose names hold it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.serving.visiting import Visit, visit_all
from tests.bench.stand import limit, remove, standing

SMALL, SLOWEST, PEOPLE = 10_000, 10, 8
GOAL_MEDIAN, GOAL_P95, GOAL_KB = 60.0, 150.0, 150.0
FOLDER = Path(__file__).resolve().parents[2] / "var" / "bench"
LOADED = "loaded"  # a mark in a kept folder: its population is whole


@dataclass(frozen=True, slots=True)
class Figures:
    """What the visits of one page were like: milliseconds (of the processor but for `waited`), kB, queries."""

    name: str
    waited: float
    median: float
    p95: float
    python: float
    postgres: float
    size: float
    queries: int

    def __str__(self) -> str:
        return (
            f"{self.name}: waited {self.waited:.0f} ms; p50 {self.median:.0f} ms, p95 {self.p95:.0f} ms "
            f"(Python {self.python:.0f}, PostgreSQL {self.postgres:.0f}), {self.queries} queries, {self.size:.0f} kB"
        )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./rebound bench pages", description=__doc__)
    parser.add_argument("--rows", type=int, default=SMALL, help="contacts; the full size is 1000000")
    parser.add_argument("--rounds", type=int, default=12, help="how often each page is opened")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between two pages of one person")
    parser.add_argument("--only", default="", help="pages whose names hold this")
    parser.add_argument("--keep", action="store_true", help="leave the data in var/bench/ROWS/ for the next run")
    given = parser.parse_args(arguments)
    small = queries_of_small() if given.rows > SMALL and not given.only else {}
    figures = measure(given)
    if given.rows == SMALL and not given.only:
        remember(figures)
    return 0 if judge(figures, small) else 1


# --- measuring --------------------------------------------------------------------------------------


def measure(given: argparse.Namespace) -> list[Figures]:
    kept = FOLDER / str(given.rows) if given.keep else None
    if kept and kept.exists() and not (kept / LOADED).exists():
        remove(kept)  # left by a run that was ended while it loaded
    with standing(kept=kept):
        from tests.bench.page_list import pages

        if not (kept and (kept / LOADED).exists()):
            load(given.rows)
        if kept:
            (kept / LOADED).touch()
        chosen = [page for page in pages() if given.only in page[0]]
        visits = open_all(chosen, given.rounds, given.pause)
    found = [figures_of(name, [each for each in visits if each.name == name]) for name, _ in chosen]
    say(*map(str, found))
    for what, taken in (("waited", [each.milliseconds for each in visits]), ("took", [each.work for each in visits])):
        say(f"all visits {what}: p50 {statistics.median(taken):.0f} ms, p95 {p95(taken):.0f} ms")
    return found


def load(rows: int) -> None:
    from django.utils import timezone

    from tests.bench import house

    begun = time.monotonic()
    house.load(rows, timezone.now().replace(hour=0, minute=0, second=0, microsecond=0))
    say(f"loading {rows:,} contacts: {time.monotonic() - begun:.0f} s")


def open_all(chosen: list[tuple[str, str]], rounds: int, pause: float) -> list[Visit]:
    """The first round warms up what the processes and the database remember."""
    from tests.bench.intake import serving

    os.environ["PYTHONDONTWRITEBYTECODE"] = ""
    with serving() as port:
        cookie = a_cookie()
        visit_all(port, cookie, chosen * 2, PEOPLE, 0.0)
        return visit_all(port, cookie, chosen * rounds, PEOPLE, pause)


def a_cookie() -> str:
    from django.conf import settings
    from django.test import Client

    from crm.models import User
    from tests.bench.house import BOSS

    client = Client(HTTP_HOST="localhost")
    client.force_login(User.objects.get(email=BOSS), "allauth.account.auth_backends.AuthenticationBackend")
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def figures_of(name: str, visits: list[Visit]) -> Figures:
    return Figures(
        name,
        statistics.median(each.milliseconds for each in visits),
        statistics.median(each.work for each in visits),
        p95([each.work for each in visits]),
        statistics.median(each.python for each in visits),
        statistics.median(each.postgres for each in visits),
        max(each.size for each in visits) / 1000,
        max(each.queries for each in visits),
    )


def p95(values: list[float]) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * 0.95), len(ordered) - 1)]


# --- judging ----------------------------------------------------------------------------------------


def judge(figures: list[Figures], small: dict[str, int]) -> bool:
    slowest = sorted(figures, key=lambda each: -each.median)
    say("", f"the {SLOWEST} slowest:", *map(str, slowest[:SLOWEST]), "")
    good = [
        limit(f"p50 of {slowest[0].name}", slowest[0].median, GOAL_MEDIAN, "ms"),
        limit("p95 of the page with the longest", max(each.p95 for each in figures), GOAL_P95, "ms"),
        limit("the largest page", max(each.size for each in figures), GOAL_KB, "kB"),
    ]
    more = [each for each in figures if each.queries > small.get(each.name, each.queries)]
    say(*(f"{each.name}: {each.queries} queries, {small[each.name]} at {SMALL:,} contacts" for each in more))
    return all(good) and not more


def queries_of_small() -> dict[str, int]:
    """By page, as they were at SMALL: measured first, by a process of its own, unless they were."""
    if not remembered().exists():
        command = [sys.executable, "-m", "tests.bench", "pages", "--rows", str(SMALL), "--rounds", "1", "--pause", "0"]
        subprocess.run(command, check=False)
    return {name: int(figures["queries"]) for name, figures in json.loads(remembered().read_text()).items()}


def remembered() -> Path:
    return FOLDER / f"pages-{SMALL}.json"


def remember(figures: list[Figures]) -> None:
    remembered().parent.mkdir(parents=True, exist_ok=True)
    remembered().write_text(json.dumps({each.name: asdict(each) for each in figures}, indent=1))


def say(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()
