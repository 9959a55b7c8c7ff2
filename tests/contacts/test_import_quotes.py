"""Rows of a CSV that cannot be read: each is named by its number, its line and the reason, and the rest goes on."""

from __future__ import annotations

import csv
import io
import random
import tracemalloc

import pytest

from contacts.importing.outcomes import failed_headers, failed_rows
from contacts.importing.reading import Sheet, read_sheet, read_table
from contacts.importing.reading.records import Dialect, records_of
from contacts.importing.reading.tables import Broken
from contacts.models import Contact, ImportOutcome
from tests.builders import a_user
from tests.contacts.importing import done, previewed

HEADER = "email,first_name,title\n"
MISQUOTED = (
    f"{HEADER}a@x.example,Ada,Dr\n"
    'b@x.example,"Bob" B,Mr\n'
    'c@x.example,"Carl,Mr\n'
    "d@x.example,Dan,Mr\n"
    'e@x.example,"Eve, E",Ms\n'
)


def read(rows: str, header: str = HEADER) -> Sheet:
    return read_sheet((header + rows).encode())


def firsts(sheet: Sheet) -> list[str]:
    return [cells[0] for cells in sheet.rows]


# --- one bad row ----------------------------------------------------------------------------------


def test_text_after_a_closing_quote_costs_its_row_alone():
    sheet = read('a@x.example,"Ada" L,Dr\nb@x.example,Bob,Mr\n')
    assert (firsts(sheet), sheet.numbers) == (["a@x.example", "b@x.example"], [2, 3])
    (problem,) = sheet.problems.values()
    assert "The row (line 2) cannot be read: after a closing quote in column B" in problem
    assert 'It says: a@x.example,"Ada" L,Dr' in problem


def test_a_quote_that_is_never_closed_costs_its_row_alone():
    sheet = read('a@x.example,"Ada,Dr\n' + "b@x.example,Bob,Mr\n" * 5000)
    assert (len(sheet.rows), list(sheet.problems)) == (5001, [2])
    assert 'a quote that opens in column B, at “"Ada,Dr”, is never closed' in sheet.problems[2]


def test_a_quote_that_the_next_quoted_cell_seems_to_close_costs_its_row_alone():
    sheet = read('a@x.example,"Ada,Dr\nb@x.example,Bob,Mr\nc@x.example,"Carl, C",Mr\nd@x.example,Dan,Mr\n')
    assert list(sheet.problems) == [2]
    assert "is never closed" in sheet.problems[2]
    assert sheet.rows[1:] == [
        ["b@x.example", "Bob", "Mr"],
        ["c@x.example", "Carl, C", "Mr"],
        ["d@x.example", "Dan", "Mr"],
    ]


def test_a_quote_in_the_last_row_is_told_too():
    assert list(read('a@x.example,Ada,Dr\nb@x.example,"Bob,Mr').problems) == [3]


def test_a_lone_carriage_return_costs_its_row_alone():
    sheet = read("a@x.example,Ada,Dr\nb@x.example,Bo\rb,Mr\nc@x.example,Carl,Mr\n")
    assert (sheet.numbers, list(sheet.problems)) == ([2, 3, 4], [3])
    assert "a lone carriage return" in sheet.problems[3]
    assert "Bo␍b" in sheet.problems[3]


def test_lines_that_end_otherwise_than_those_before_them_are_read():
    late = "".join(f"p{n}@x.example,P,Dr\r" for n in range(50))
    sheet = read("a@x.example,Ada,Dr\n" * 5000 + late + "b@x.example,Bob,Mr\n" + 'c@x.example,"C" C,Mr\n')
    assert (len(sheet.rows), sheet.numbers[-1], list(sheet.problems)) == (5052, 5053, [5053])
    assert sheet.rows[5049:5051] == [["p49@x.example", "P", "Dr"], ["b@x.example", "Bob", "Mr"]]


def test_a_cell_that_is_too_long_costs_its_row_alone():
    long, longer = "x" * 30_000, "x" * 300_000
    sheet = read(f"a@x.example,{long},Dr\nb@x.example,{longer},Mr\nc@x.example,Carl,Mr\n")
    assert (firsts(sheet)[::2], list(sheet.problems)) == (["a@x.example", "c@x.example"], [2, 3])
    assert "30,000 characters, of which at most 20,000 fit" in sheet.problems[2]
    assert "longer than 131,072 characters" in sheet.problems[3]


def test_rows_that_are_well_quoted_are_read_as_ever():
    sheet = read('a@x.example,5" pipe,"say ""hi"""\nb@x.example,"two\nlines, of\n\ntext",\nc@x.example,"",C"\n')
    assert sheet.rows == [
        ["a@x.example", '5" pipe', 'say "hi"'],
        ["b@x.example", "two\nlines, of\n\ntext", ""],
        ["c@x.example", "", 'C"'],
    ]
    assert (sheet.problems, sheet.numbers) == ({}, [2, 3, 4])


def test_text_of_several_lines_around_a_bad_quote_is_no_row_of_its_own():
    sheet = read('a@x.example,"He said\nnothing, and\n"left" us",Dr\nb@x.example,Bob,Mr\n')
    assert sheet.rows[-1] == ["b@x.example", "Bob", "Mr"]
    assert "The row (lines 2 to 3) cannot be read" in sheet.problems[2]
    assert [number for number in sheet.numbers if number not in sheet.problems] == [4]


def test_rows_that_an_open_quote_took_in_do_not_go_in_silence():
    sheet = read('a@x.example,"Ada,Dr\nb@x.example,Bob,Mr\nc@x.example,Records 12",Mr\nd@x.example,Dan,Mr\n')
    assert list(sheet.problems) == [2]
    assert "A quote that opens in column B is closed 2 lines further on" in sheet.problems[2]
    assert "“b@x.example,Bob,Mr”" in sheet.problems[2]
    assert list(read('a@x.example,"Ada,Dr\nb@x.example,Records 12",Mr\n').problems) == [2]


@pytest.mark.parametrize(
    "text", ["Yours,\nBob", "bob@x.example\nb@x.example, B", "b@x.example,\nc@x.example,d@x.example", "a, b\nc, d"]
)
def test_a_text_of_several_lines_is_a_text(text: str):
    assert read(f'a@x.example,"{text}",Dr\n').problems == {}


def test_lines_and_rows_are_counted_apart():
    sheet = read('a@x.example,"two\nlines",Dr\nb@x.example,"Bob" B,Mr\n\nc@x.example,Carl,Mr\n')
    assert sheet.numbers == [2, 3, 5]
    assert "(line 4)" in sheet.problems[3]


def test_quotes_behind_backslashes_break_as_others_do():
    rows = 'a@x.example,"say \\"hi\\"",Dr\n' * 5 + 'b@x.example,"Bob,Mr\nc@x.example,"Carl\\"s",Mr\n'
    sheet = read(rows)
    assert (list(sheet.problems), sheet.rows[-1]) == ([7], ["c@x.example", 'Carl"s', "Mr"])


def test_a_first_row_that_is_a_contact_may_be_bad():
    sheet = read_sheet(b'a@x.example,"Ada" L\nb@x.example,Bob\n')
    assert (sheet.headers, sheet.numbers, list(sheet.problems)) == (["Column A", "Column B"], [1, 2], [1])


def test_bad_rows_do_not_hide_what_parts_the_cells():
    sheet = read_sheet(b'email;size\na@x.example;"1" 1,5\nb@x.example;2,5\nc@x.example;3,5\n')
    assert (sheet.headers, list(sheet.problems)) == (["email", "size"], [2])


def test_what_the_cells_of_a_bad_row_probably_are_is_kept():
    sheet = read('a@x.example,"Ada" L,Dr\nb@x.example,"Bob,Mr\n')
    assert sheet.rows == [["a@x.example", "Ada L", "Dr"], ["b@x.example", "Bob", "Mr"]]


# --- many -----------------------------------------------------------------------------------------


def test_half_of_the_rows_may_be_bad():
    assert len(read('a@x.example,"Ada" L,Dr\nb@x.example,Bob,Mr\n' * 3000).problems) == 3000


def test_a_file_is_read_the_same_in_whatever_pieces_it_comes():
    chance = random.Random(6)
    pieces = ['"', '""', ",", "\n", "a", "\r", "b,c\n", 'x","y\n', '"d, e",f\n', '"g\nh",i\n']
    for _ in range(3000):
        text = "".join(chance.choices(pieces, k=chance.randint(1, 40)))
        whole = told(text, len(text))
        assert whole == told(text, 1) == told(text, chance.randint(2, 20)), text
        assert [number for number, _, _ in whole] == list(range(1, len(whole) + 1))


def told(text: str, size: int) -> list[tuple[int, list[str], str]]:
    """The records of a text that comes in so many lines at a time."""
    lines = list(io.StringIO(text, newline="\n"))
    texts = iter(["".join(lines[at : at + size]) for at in range(0, len(lines), size)])
    found = records_of(Dialect(width=2), texts)
    return [(number, list(cells), cells.problem if isinstance(cells, Broken) else "") for number, cells in found]


def test_what_is_well_quoted_is_read_as_pythons_own_reader_does():
    chance = random.Random(7)
    for _ in range(300):
        rows = [["".join(chance.choices('a,"\n b', k=chance.randint(0, 9))) or "x" for _ in range(3)] for _ in range(9)]
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerows(rows)
        assert [cells for _, cells, _ in told(file.getvalue(), 2)] == rows


def test_an_open_quote_takes_no_more_memory_than_its_reach():
    body = io.BytesIO((HEADER + 'a@x.example,"Ada,Dr\n' + "b@x.example,Bob,Mr\n" * 200_000).encode())
    tracemalloc.start()
    assert sum(1 for line in read_table(body).lines if not line.problem) == 200_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 1024**2


# --- on their whole way ---------------------------------------------------------------------------


@pytest.mark.django_db
def test_bad_rows_are_counted_shown_and_given_back():
    run = previewed(MISQUOTED, by=a_user("manager"))
    assert (run.total, run.counts["new"], run.counts["invalid"]) == (5, 3, 2)
    run = done(MISQUOTED, by=a_user("manager"))
    rows = ImportOutcome.objects.filter(run_id=run.pk, verdict="invalid").order_by("number")
    assert [row.number for row in rows] == [3, 4]
    assert failed_headers(run) == ["email", "first_name", "title", "error"]
    bob, carl = failed_rows(run)
    assert (bob[:3], carl[:3]) == (["b@x.example", "Bob B", "Mr"], ["c@x.example", "Carl", "Mr"])
    assert bob[3].endswith('It says: b@x.example,"Bob" B,Mr')
    assert set(Contact.objects.values_list("first_name", flat=True)) == {"Ada", "Dan", "Eve, E"}


@pytest.mark.django_db
def test_bytes_that_are_no_text_are_shown_of_a_bad_row():
    good = "".join(f"p{n}@x.example,Zoë{n},Ms\n" for n in range(100))
    run = done((MISQUOTED + good).encode() + 'f@x.example,"Zoë" Z,Ms\n'.encode() + b'g@x.example,"Z\xeb" Z,Ms\n')
    (*_, zoe, broken) = failed_rows(run)
    assert "Zoë" in zoe[3]
    assert '"Z?" Z' in broken[3]
