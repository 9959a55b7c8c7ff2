"""The child process that reads a workbook: a program of its own, which knows nothing of Rebound and holds no secret.

In: arguments (a folder of packages, the workbook, a sheet's name or nothing, bytes of memory, seconds of CPU). Out, a
line of JSON each: what the workbook holds; then the number of a row and of bytes, and in those bytes the row and the
ones after it; then the end; or an error. Its limits are the kernel's: whatever a workbook makes of it, it ends.
Source: TRUST.md (a workbook of 4.7 kB holds a worker for minutes).
"""

from __future__ import annotations

import html
import json
import re
import resource
import sys
import zipfile
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

AT_ONCE = 200  # rows
CELL, ROW = "\x1f", "\x1e"  # what parts them: control characters that no cell may hold
MOST_MERGED = 20_000
MOST_SHEETS = 50  # that are looked at
TOP = 30  # rows, among which a list has its first address
PIECE = 1024 * 1024
BOOK, LINKS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
HIDDEN = re.compile(rb'<(?:\w+:)?row\s[^>]*\bhidden="(?:1|true)"')


def main(packages: str, path: str, sheet_name: str, memory: str, seconds: str) -> None:
    limit(int(memory), int(seconds))
    sys.path.insert(0, packages)
    from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    with open(path, "rb") as file:  # noqa: PTH123 -- a Path would be one more module to load
        workbook = CalamineWorkbook.from_filelike(file)
    names = [each.name for each in workbook.sheets_metadata if each.typ == SheetTypeEnum.WorkSheet]
    visible = [each.name for each in workbook.sheets_metadata if each.visible == SheetVisibleEnum.Visible]
    if sheet_name and sheet_name not in names:
        say({"error": "sheet", "sheets": names})
        return
    candidates = [sheet_name] if sheet_name else [name for name in names if name in visible] or names
    chosen = choose(workbook, candidates)
    if not chosen:
        say({"error": "sheet", "sheets": []})
        return
    sheet = workbook.get_sheet_by_name(chosen)
    merged = merged_downwards(sheet)
    hidden = hidden_rows(path, chosen)
    say({"sheets": names, "sheet": chosen, "rows": sheet.total_height, "merged": len(merged), "hidden": hidden})
    write(sheet, merged)


def choose(workbook: Any, names: list[str]) -> str:
    """The first that holds an address near its top, else the first that has rows, else the first."""
    filled = []
    for name in names[:MOST_SHEETS]:
        sheet = workbook.get_sheet_by_name(name)
        if not sheet.height:
            continue
        filled.append(name)
        if len(names) == 1 or any("@" in str(value) for row in islice(sheet.iter_rows(), TOP) for value in row):
            return name
    return (filled or names or [""])[0]


def hidden_rows(path: str, sheet: str) -> int:
    """How many rows of the sheet a filter or a person has hidden. Of XLSX, of which the library does not tell it; 0 of
    a workbook of another kind or build."""
    with zipfile.ZipFile(path) as parts:
        if not {BOOK, LINKS} <= set(parts.namelist()):
            return 0
        sheets, links = tags_in(parts.read(BOOK), "sheet"), tags_in(parts.read(LINKS), "Relationship")
        link = next((each.get("r:id", "") for each in sheets if each.get("name") == sheet), "")
        target = next((each.get("Target", "") for each in links if each.get("Id") == link), "")
        name = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        return count_hidden(parts, name) if name in parts.namelist() else 0


def tags_in(xml: bytes, name: str) -> list[dict[str, str]]:
    """The attributes of each."""
    found = re.findall(rf"<(?:\w+:)?{name}\s[^>]*>", xml.decode(errors="replace"))
    return [{key: html.unescape(value) for key, value in re.findall(r'([\w:]+)="([^"]*)"', tag)} for tag in found]


def count_hidden(parts: zipfile.ZipFile, name: str) -> int:
    """A tag that a piece cuts in two is looked at with the next one."""
    count, rest = 0, b""
    with parts.open(name) as part:
        while piece := part.read(PIECE):
            text = rest + piece
            end = max(text.rfind(b"<"), 0)
            count += len(HIDDEN.findall(text[:end]))
            rest = text[end:]
    return count + len(HIDDEN.findall(rest))


def limit(memory: int, seconds: int) -> None:
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        resource.setrlimit(what, (most, most))


def write(sheet: Any, merged: dict[int, list[tuple[int, int]]]) -> None:
    chunk: list[list[str]] = []
    number = 1
    for row in sheet.iter_rows():
        chunk.append([value if value.__class__ is str else text(value) for value in row])
        if len(chunk) == AT_ONCE:
            say_rows(number, filled(number, chunk, merged))
            number += AT_ONCE
            chunk = []
    if chunk:
        say_rows(number, filled(number, chunk, merged))
    say({"end": True})


open_merges: list[tuple[int, int, str]] = []  # column, last row, value


def filled(first: int, chunk: list[list[str]], merged: dict[int, list[tuple[int, int]]]) -> list[list[str]]:
    """A cell that is merged over several rows speaks for each of them."""
    if merged:
        for number, cells in enumerate(chunk, first):
            open_merges[:] = [each for each in open_merges if each[1] >= number]
            for column, _, value in open_merges:
                if column < len(cells) and not cells[column]:
                    cells[column] = value
            open_merges.extend((at, end, cells[at]) for at, end in merged.get(number, []) if at < len(cells))
    return chunk


def merged_downwards(sheet: Any) -> dict[int, list[tuple[int, int]]]:
    """By the number of its first row: the column, and the number of the last row."""
    found: dict[int, list[tuple[int, int]]] = {}
    for (top, left), (bottom, _) in (sheet.merged_cell_ranges or [])[:MOST_MERGED]:
        if bottom > top:
            found.setdefault(top + 1, []).append((left, bottom + 1))
    return found


def text(value: Any) -> str:
    """What the cell shows, as far as it matters: no ".0" behind a number, days as year-month-day."""
    kind = type(value)
    if kind is str:
        return str(value)
    if kind is float:
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
    if kind is bool:
        return "yes" if value else "no"
    if kind is datetime:
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return "" if value is None else str(value)


def say(what: Any) -> None:
    sys.stdout.buffer.write(json.dumps(what).encode() + b"\n")


def say_rows(number: int, rows: list[list[str]]) -> None:
    said = ROW.join([CELL.join(cells) for cells in rows])
    if said.count(CELL) + said.count(ROW) != sum(map(len, rows)) - 1:
        parting = str.maketrans({CELL: " ", ROW: " "})
        said = ROW.join([CELL.join([cell.translate(parting) for cell in cells]) for cells in rows])
    body = said.encode(errors="replace")
    say([number, len(body)])
    sys.stdout.buffer.write(body)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
        sys.stdout.flush()
    except MemoryError:
        sys.exit(3)
    except BrokenPipeError:
        sys.exit(4)
    except Exception as error:  # whatever the library says of a file that is none
        say({"error": "broken", "reason": str(error)[:300]})
