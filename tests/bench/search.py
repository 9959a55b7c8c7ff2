"""`./rebound bench search`: how long a search takes, by ten kinds of what people type.

In: `--rows N` contacts (`people.py`), `--queries N` of each kind, drawn from the population without chance. Out: a line
a kind with the median and p95 of the search for the first fifty in the list's own order, and what the database session
used of a processor, which other work on the machine hardly changes; exit code 1 where a p95 by the clock is above the
goal. The count beside it is printed without a goal: it stops at 10,000.
"""

from __future__ import annotations

import argparse
import statistics
import time
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.bench.stand import limit, standing

GOAL = 10.0  # ms
QUERIES = 200
EVERY = 7919  # a prime: neighbours in the population are no neighbours here


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./rebound bench search", description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000, help="contacts; the full size is 1000000")
    parser.add_argument("--queries", type=int, default=QUERIES, help="of each kind")
    given = parser.parse_args(arguments)
    with standing(with_pages=False):
        from tests.bench.importing import keep_to_one_session
        from tests.bench.people import load

        keep_to_one_session()

        load(given.rows)
        good = [measure(kind, list(texts)) for kind, texts in kinds(given.rows, given.queries)]
    return 0 if all(good) else 1


def kinds(rows: int, queries: int) -> Iterator[tuple[str, list[str]]]:
    """Of ten kinds what people type, each drawn from other contacts."""
    from contacts.models import Contact

    people = Contact.objects.select_related("company").prefetch_related("contact_addresses__address")
    for place, (kind, typed) in enumerate(KINDS.items()):
        ids = [1 + (place * 104_729 + n * EVERY) % rows for n in range(queries * 3)]
        texts = [typed(contact) for contact in people.filter(pk__in=ids).order_by("pk")]
        yield kind, [text for text in texts if text][:queries]


def _address(contact: Any) -> str:
    return str(contact.contact_addresses.all()[0].address.email)


def _local_phone(contact: Any) -> str:
    """As people write it at home."""
    digits = contact.phone[3:]
    return f"0{digits[:3]} {digits[3:6]}-{digits[6:]}" if digits else ""


KINDS: dict[str, Callable[[Any], str]] = {
    "a last name": lambda contact: contact.last_name,
    "first and last name, without accents": lambda contact: plain(f"{contact.last_name}, {contact.first_name}"),
    "a part of a name": lambda contact: contact.last_name[1:5] if len(contact.last_name) > 5 else "",
    "an address": _address,
    "a part of a domain": lambda contact: contact.company.domain[:-4],
    "a company": lambda contact: contact.company.name,
    "a phone number, as written at home": _local_phone,
    "a title and a first name": lambda contact: f"{contact.title} {contact.first_name}",
    "a tag and a last name": lambda contact: f"fair {contact.last_name}",
    "one or two letters": lambda contact: contact.first_name[: 1 + contact.pk % 2],
    "an external id": lambda contact: contact.external_id or "",
    "nobody's name": lambda contact: f"{contact.last_name[::-1]}{contact.first_name[::-1]}",
}


def plain(text: str) -> str:
    return "".join(each for each in unicodedata.normalize("NFD", text) if not unicodedata.combining(each))


def measure(kind: str, texts: list[str]) -> bool:
    from bounces.paging import capped_count, page_of
    from contacts.filters import ORDERS
    from contacts.models import Contact
    from contacts.search import matching

    def page(text: str) -> Any:
        return page_of(matching(Contact.objects.present(), text), ORDERS["-updated"])

    def count(text: str) -> Any:
        return capped_count(matching(Contact.objects.present(), text))

    pages, found = timed(page, texts)
    counts, _ = timed(count, texts)
    shown = statistics.mean(len(each.items) for each in found)
    wall, session = ([times[which] for times in pages] for which in (0, 1))
    print(  # noqa: T201
        f"{kind} (“{texts[0]}”, {len(texts)}, {shown:.0f} shown): p50 {statistics.median(wall):.1f} ms, most"
        f" {max(wall):.1f} ms; processor of the database session p50 {statistics.median(session):.1f}, p95"
        f" {p95(session):.1f} ms; count p50 {statistics.median(each for each, _ in counts):.1f} ms"
    )
    return limit(f"{kind}, p95", p95(wall), GOAL, "ms")


def timed(ask: Callable[[str], Any], texts: list[str]) -> tuple[list[tuple[float, float]], list[Any]]:
    """Milliseconds by the clock and of the session's processor. Warm: the first question, which opens the session and
    fills its caches, is not counted.
    """
    ask(texts[-1])
    taken, found = [], []
    spent = session_processor()
    for text in texts:
        start, before = time.perf_counter(), spent()
        found.append(ask(text))
        taken.append(((time.perf_counter() - start) * 1000, spent() - before))
    return taken, found


def session_processor() -> Callable[[], float]:
    """What tells the milliseconds that the database session has had of a processor, apart from its parallel workers."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        file = Path(f"/proc/{cursor.fetchone()[0]}/schedstat")
    return lambda: int(file.read_text().split()[0]) / 1e6 if file.exists() else 0.0


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]
