"""`./rebound bench reading`: files of contacts against their floors: csv's bare reader, and openpyxl's read-only mode.

In: `--rows N` of the CSV (a tenth of them in the workbook). Out: a line a figure, `name: ours A, floor B, ratio R, goal
G`; exit code 1 where one falls short. CPU seconds, those of the workbook's child included.
"""

from __future__ import annotations

import argparse
import csv
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]  # has no types
import xlsxwriter  # type: ignore[import-untyped]  # has no types

from contacts.importing.reading import read_table
from tests.bench.stand import say

HEADER = ["email", "first_name", "last_name", "company", "title", "phone", "country", "tags"]
GOAL_CSV, GOAL_XLSX, GOAL_MEGABYTES = 3.0, 0.1, 100


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./rebound bench reading", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args(arguments).rows
    with tempfile.TemporaryDirectory() as folder:
        plain, book = Path(folder) / "people.csv", Path(folder) / "people.xlsx"
        write_csv(plain, rows)
        ours, floor = seconds(lambda: read(plain)), seconds(lambda: read_bare(plain))
        good = [say(f"read {rows:,} rows of CSV", ours, floor, GOAL_CSV, "s CPU")]
        good.append(say("memory after that", memory(), GOAL_MEGABYTES, 1.0, "MB"))
        write_book(book, rows // 10)
        ours, floor = seconds(lambda: read(book)), seconds(lambda: read_openpyxl(book))
        good.append(say(f"read {rows // 10:,} rows of XLSX, against openpyxl", ours, floor, GOAL_XLSX, "s CPU"))
    return 0 if all(good) else 1


def people(rows: int) -> Iterator[list[str]]:
    for n in range(rows):
        who = [f"p{n}@c{n % 5000}.example", f"First{n % 900}", f"Näme{n % 7000}"]
        yield [*who, f"Company {n % 5000} Ltd", "Manager", f"+49 30 {n:07}", "DE", "a, b"]


def write_csv(path: Path, rows: int) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *people(0)])
        csv.writer(file).writerows(people(rows))


def write_book(path: Path, rows: int) -> None:
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        for at, row in enumerate([HEADER, *people(rows)]):
            sheet.write_row(at, 0, row)


def read(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in read_table(file).lines)


def read_bare(path: Path) -> int:
    with path.open(newline="") as file:
        return sum(1 for _ in csv.reader(file))


def read_openpyxl(path: Path) -> int:
    book = openpyxl.load_workbook(path, read_only=True)
    return sum(1 for _ in book.active.iter_rows(values_only=True))


def seconds(work: Callable[[], Any]) -> float:
    """Of CPU, ours and our children's."""
    before = time.process_time(), spent_by_children()
    work()
    return time.process_time() - before[0] + spent_by_children() - before[1]


def spent_by_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
