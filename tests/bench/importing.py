"""`./rebound bench import`: a list of contacts, through the wizard's job, the command and the admin, against its floor.

In: `--rows N` of a file of eight columns, 5 % of them duplicates, 1 % bad. Out: a line a figure, exit code 1 where one
falls short. The floor is the COPY of all the rows that the import has written (contacts, companies, addresses,
timeline, row outcomes) into the same tables, with their indexes and foreign keys. CPU seconds of a process and its
database session together; each part runs in a process of its own (`import_parts.py`).
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.bench.evaluate import cpu_of, execute, page_writes, tell
from tests.bench.stand import say, standing

ROWS = 100_000
LARGE = 500_000  # from here on what an import does once weighs little
MOST_ADMIN_ROWS = 100_000
LIBRARY_ROWS = 20_000
HEADER = ["email", "first_name", "last_name", "company", "title", "phone", "country", "external_id"]
# In the order in which their keys point.
WRITTEN = (
    "bounces_address", "contacts_company", "contacts_contact", "contacts_contactaddress", "contacts_activity",
    "contacts_importrow", "contacts_importpack",
)  # fmt: skip
SAVE_CONTACT = "UPDATE contacts_contact SET phone = phone WHERE external_id = 'id' || %s::text"
PIECE = 256 * 1024


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./rebound bench import", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="of the file; the full size is 1000000")
    rows = parser.parse_args(arguments).rows
    with standing(with_pages=False), tempfile.TemporaryDirectory() as folder:
        keep_to_one_session()
        path = Path(folder) / "people.csv"
        tell("writing the file", lambda: write_file(path, people(rows)))
        good = list(measure(path, rows))
        changed = Path(folder) / "changed.csv"
        write_file(changed, people(rows, title="Director"))
        good += measure_changes(changed, rows)
        good += measure_others(Path(folder), rows)
    return 0 if all(good) else 1


def people(rows: int, title: str = "Manager") -> Iterator[list[str]]:
    for n in range(rows):
        at = n - 13 if n % 20 == 19 else n  # someone who stood there before
        company, phone = f"Company {at // 20} Ltd", f"+4930{at:08}" if at % 2 else f"+49 30 {at:08}"
        email = f"p{at}@company{at // 20}.example"
        if n % 100 == 50:
            email = f"p{at}.company.example"
        elif at % 10 == 0:
            email = email.title()
        yield [email, f"First{at % 900}", f"Näme{at % 7919}", company, title, phone, "DE", f"id{at}"]


def write_file(path: Path, lines: Iterator[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(lines)


def keep_to_one_session() -> None:
    """Parallel workers of a query would spend CPU that nobody counts."""
    for setting in ("max_parallel_workers_per_gather", "max_parallel_maintenance_workers"):
        execute(f"ALTER DATABASE rebound SET {setting} = 0")


def run_part(part: str, path: Path) -> dict[str, Any]:
    words = [sys.executable, "-m", "tests.bench.import_parts", part, str(path)]
    told = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    print(f"{part}: {json.dumps({**found, 'cpu': round(found['cpu'], 2)})}", flush=True)  # noqa: T201
    return found


def empty() -> None:
    execute(f"TRUNCATE {', '.join(WRITTEN)}, contacts_importchunk, contacts_importrun CASCADE")
    execute(*(f"VACUUM (FULL, ANALYZE) {table}" for table in WRITTEN))


# --- into empty tables, and once more -------------------------------------------------------------


def measure(path: Path, rows: int) -> Iterator[bool]:
    from django.db import connection

    goal = 1.3 if rows >= LARGE else 1.7
    command = run_part("command", path)
    empty()
    job = run_part("job", path)
    with tempfile.TemporaryDirectory() as folder:
        copies = copy_out(Path(folder))
        empty()
        connection.close()
        floor = cpu_of(lambda: copy_in(copies))
    yield say("import through the wizard's job", job["cpu"], floor, goal, "s")
    yield say("import through the command, its file kept", command["cpu"], floor, goal, "s")
    yield say("until the first rows are shown", job["preview"], 10, 1.0, "s")
    for name, found in (("job", job), ("command", command)):
        yield say(f"memory of the {name}", found["memory"], 150, 1.0, "MB")
        yield say(f"memory of the {name}'s database session", found["session"], 150, 1.0, "MB")
    yield from measure_again(path, floor)


def measure_again(path: Path, floor: float) -> Iterator[bool]:
    """As some minutes later: autovacuum has been there."""
    execute(
        "TRUNCATE contacts_importrow, contacts_importpack, contacts_importrun",
        *(f"VACUUM ANALYZE {table}" for table in WRITTEN),
    )
    again = run_part("job", path)
    yield say("the same file again", again["cpu"], floor, 0.35, "s")
    yield say("rows written by that, and MB of log", again["wrote"] * 1000 + again["log"], 5, 1.0, "MB")


def copy_out(folder: Path, tables: Sequence[str] = WRITTEN) -> dict[str, Path]:
    from django.db import connection

    copies = {}
    with connection.cursor() as cursor:
        for table in tables:
            copies[table] = folder / table
            with copies[table].open("wb") as file, cursor.copy(f"COPY {table} TO STDOUT") as rows:
                for piece in rows:
                    file.write(piece)
    return copies


def copy_in(copies: dict[str, Path]) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET contacts.documents = 'given'")  # the copies hold them
        for table, path in copies.items():
            with path.open("rb") as file, cursor.copy(f"COPY {table} FROM STDIN") as rows:
                while piece := file.read(PIECE):
                    rows.write(piece)


# --- other ways -----------------------------------------------------------------------------------


def measure_changes(path: Path, rows: int) -> Iterator[bool]:
    """Every contact that is there gets another title, while a page saves contacts."""
    with page_writes(rows, SAVE_CONTACT) as waits:
        run_part("job", path)
    yield say(f"longest wait of {len(waits)} page writes meanwhile", max(waits) * 1000, 100, 1.0)


def measure_others(folder: Path, rows: int) -> Iterator[bool]:
    some = folder / "some.csv"
    write_file(some, people(min(rows, MOST_ADMIN_ROWS)))
    empty()
    job = run_part("job", some)
    empty()
    admin = run_part("admin", some)
    yield say("the admin's preview and import, against the job", admin["cpu"], job["cpu"], 3.0, "s")
    empty()
    few = folder / "few.csv"
    write_file(few, people(min(rows, LIBRARY_ROWS)))
    library = run_part("library", few)
    theirs = library["cpu"] / library["rows"] * 1e6
    ours = job["cpu"] / min(rows, MOST_ADMIN_ROWS) * 1e6
    yield say("a row, against django-import-export as it comes", ours, theirs, 1 / 50, "µs")
