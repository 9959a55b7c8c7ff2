"""What reading a workbook may take: the kernel bounds the child's memory, and whoever reads holds a few rows."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from contacts.importing.reading import UnreadableFile, read_table
from contacts.importing.reading.tables import LONGEST_CELL
from contacts.importing.reading.workbooks import LEAST_MEMORY, MEGABYTE, MOST_MEMORY
from tests.contacts.hostile import MAIN, rows_of, xlsx_of

ROWS = 20_000


def a_long_workbook() -> bytes:
    return rows_of(["email", "first_name"], *[[f"p{n}@x.example", f"First {n}"] for n in range(ROWS)])


def one_text_in_many_cells(cells: int) -> bytes:
    """A text of twenty thousand characters, kept once and shown in each cell: gigabytes out of two megabytes."""
    text = "x" * LONGEST_CELL
    texts = f'<sst xmlns="{MAIN}" count="2" uniqueCount="2"><si><t>email</t></si><si><t>{text}</t></si></sst>'
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>1</v></c></row>' for n in range(2, cells))
    head = '<row r="1"><c r="A1" t="s"><v>0</v></c></row>'
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{head}{rows}</sheetData></worksheet>'
    return xlsx_of(sheet, **{"xl/sharedStrings.xml": texts})


def the_child() -> Path:
    """Of this process, while it waits for somebody to read on."""
    mine = Path("/proc/self/task").glob("*/children")
    pids = [pid for each in mine for pid in each.read_text().split()]
    (child,) = [pid for pid in pids if b"workbook_child" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return Path("/proc") / child


def number_after(name: str, text: str) -> int:
    return next(int(line.removeprefix(name).split()[0]) for line in text.splitlines() if line.startswith(name))


def test_the_kernel_bounds_the_childs_memory_by_what_the_workbook_claims_to_be():
    body = a_long_workbook()
    unpacked = sum(part.file_size for part in zipfile.ZipFile(io.BytesIO(body)).infolist())
    table = read_table(io.BytesIO(body))
    next(table.lines)
    child = the_child()
    allowed = number_after("Max address space", (child / "limits").read_text())
    peak = 1024 * number_after("VmHWM:", (child / "status").read_text())
    assert allowed == LEAST_MEMORY + 4 * unpacked < MOST_MEMORY
    assert peak < 64 * MEGABYTE + 3 * unpacked
    assert sum(1 for _ in table.lines) == ROWS - 1


def test_a_workbook_that_needs_more_than_that_is_refused_in_plain_words():
    with pytest.raises(UnreadableFile, match="unpacks to far more than it seems to hold"):
        list(read_table(io.BytesIO(one_text_in_many_cells(60_000))).lines)


def test_whoever_reads_holds_a_few_hundred_rows():
    body = a_long_workbook()
    tracemalloc.start()
    assert sum(1 for _ in read_table(io.BytesIO(body)).lines) == ROWS
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < len(body) + 3 * MEGABYTE


def test_the_file_that_the_child_reads_is_gone_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    table = read_table(io.BytesIO(a_long_workbook()))
    next(table.lines)
    assert len(list(tmp_path.iterdir())) == 1
    del table
    assert list(tmp_path.iterdir()) == []
