"""Rows of JSON, vCards and workbooks that cannot be read: each is named by its number and the reason; the rest goes on.

Those of a CSV: `test_import_quotes.py`.
"""

from __future__ import annotations

import json
import random

import pytest

from contacts.importing.outcomes import failed_rows
from contacts.importing.reading import Form, Sheet, UnreadableFile, read_sheet
from contacts.models import Contact
from tests.builders import a_user
from tests.contacts.hostile import rows_of
from tests.contacts.importing import done

A, B, C = (json.dumps({"email": f"{name}@x.example", "n": 1}) for name in "abc")
BAD = '{"email": "bad@x.example, "n": 1}'
CARD = "BEGIN:VCARD\nEMAIL:{}@x.example\n{}END:VCARD\n"
BEGINNING = {Form.CSV: b"email,n,x", Form.JSON: A.encode(), Form.VCARD: b"BEGIN:VCARD\nN:Ada\nEND:VCARD"}
ODD = [
    *(sign.encode() for sign in ("\n", "\r", " ", "'=", '\\"', "\0", "Zoë", *"\",;\\':{}[]")),
    *b'\xeb a@x.example =C3= "email" N: TEL;X: ENCODING=QUOTED-PRINTABLE null'.split(),
]
GOOD = {
    Form.CSV: b'a@x.example,"two\nlines",x',
    Form.JSON: b'{"email": "a@x.example", "n": "x"}',
    Form.VCARD: b"BEGIN:VCARD\nN:Ada;n\nEMAIL:a@x.example\nEND:VCARD",
}


def objects(*lines: str) -> Sheet:
    return read_sheet("\n".join(lines).encode(), Form.JSON)


def cards(*texts: str) -> Sheet:
    return read_sheet("".join(texts).encode(), Form.VCARD)


def firsts(sheet: Sheet) -> list[str]:
    return [cells[0] for cells in sheet.rows]


# --- JSON -----------------------------------------------------------------------------------------


def test_a_line_that_is_no_json_costs_its_row_alone():
    sheet = objects(A, BAD, B)
    assert (firsts(sheet), sheet.numbers, list(sheet.problems)) == (
        ["a@x.example", "", "b@x.example"],
        [1, 2, 3],
        [2],
    )
    assert "The row (line 2) is not JSON (Expecting ',' delimiter)." in sheet.problems[2]
    assert sheet.problems[2].endswith(f"It says: {BAD}")


def test_an_object_that_is_never_closed_does_not_take_the_next_one():
    sheet = objects(A, B.removesuffix("}"), C, '{"email":')
    assert (firsts(sheet), list(sheet.problems)) == (["a@x.example", "", "c@x.example", ""], [2, 4])


@pytest.mark.parametrize(
    "bad", [BAD, '{"email": "b@x.example",}', '{\n "email": "b@x.example"\n "n": 1\n}', "nonsense"]
)
def test_an_object_of_a_list_that_is_no_json_costs_its_row_alone(bad: str):
    assert list(objects("[", f"{A},", f"{bad},", B, "]").problems) == [2]
    assert list(objects("[", f"{A},", bad, "]").problems) == [2]


def test_a_list_in_one_line_that_breaks_amid_is_refused():
    with pytest.raises(UnreadableFile, match="not JSON: row 2"):
        objects(f"[{A},{BAD},{B}]")


def test_values_that_no_cell_holds_are_named_by_their_key():
    odd = ({"n": {"x": 1}}, {"n": "a\0b"}, {"n": "\ud800"}, {"n": [{"x": 1}]})
    sheet = objects(A, *(json.dumps({"email": "b@x.example", **each}) for each in odd), '"text"', C)
    assert list(sheet.problems) == [2, 3, 4, 5, 6]
    assert sheet.problems[2] == "“n” holds an object where a plain value belongs."
    assert "a NUL character" in sheet.problems[3]
    assert "half of a character" in sheet.problems[4]
    assert 'The row is no object: "text"' in sheet.problems[6]
    assert sheet.rows[1:5] == [["b@x.example", shown] for shown in ('{"x": 1}', "a␀b", "?", '[{"x": 1}]')]


def test_objects_that_come_in_several_blocks_break_as_others_do():
    many = [A, BAD, B, C] * 9000
    sheet = objects(*many)
    assert len(many) > 2 * 256 * 1024 / len(A)
    assert list(sheet.problems) == list(range(2, 36_001, 4))
    assert f"(line {35_998})" in sheet.problems[35_998]


# --- vCards ---------------------------------------------------------------------------------------


def test_a_card_that_is_never_closed_costs_itself_alone():
    sheet = cards(CARD.format("a", ""), "BEGIN:VCARD\nEMAIL:b@x.example\n", CARD.format("c", ""))
    assert (firsts(sheet), list(sheet.problems)) == (["a@x.example", "b@x.example", "c@x.example"], [2])
    assert "END:VCARD is missing before the next one begins" in sheet.problems[2]


def test_a_card_that_is_cut_off_is_told():
    sheet = cards(CARD.format("a", ""), "BEGIN:VCARD\nEMAIL:b@x.exam")
    assert "Is the file complete?" in sheet.problems[2]


def test_a_line_of_a_card_that_says_nothing_is_told():
    sheet = cards(CARD.format("a", 'TEL;TYPE="home:12\n'), CARD.format("b", "X-ODD\nTEL;HOME;VOICE:12\n"))
    assert list(sheet.problems) == [1]
    assert 'TEL;TYPE="home:12' in sheet.problems[1]


def test_a_line_of_a_card_that_is_too_long_costs_its_card_alone():
    sheet = cards(CARD.format("a", "ORG:" + "x\n y" * 50_000 + "\n"), CARD.format("b", ""))
    assert (firsts(sheet), list(sheet.problems)) == (["a@x.example", "b@x.example"], [1])
    assert "at most 20,000 fit" in sheet.problems[1]


# --- text ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("email,n\na@x.example,A\nb@x.example,B\0\n", Form.CSV),
        (f"{A}\n" + '{"email": "b@x.example", "n": "B\0"}', Form.JSON),
        (CARD.format("a", "") + CARD.format("b", "N:B\0\n"), Form.VCARD),
    ],
    ids=["CSV", "JSON", "a vCard"],
)
def test_a_byte_that_is_nul_costs_its_row_alone(text: str, form: Form):
    sheet = read_sheet(text.encode(), form)
    assert firsts(sheet)[0] == "a@x.example"
    assert list(sheet.problems) == [sheet.numbers[1]]
    assert "\0" not in "".join(map("".join, sheet.rows))


@pytest.mark.parametrize("form", [Form.CSV, Form.JSON, Form.VCARD])
def test_whatever_bytes_come_the_answer_is_rows_or_a_plain_refusal(form: Form):
    chance = random.Random(6)
    for _ in range(3000):
        odd = b"".join(chance.choices(ODD, k=chance.randint(1, 12)))
        lines = [BEGINNING[form], *[GOOD[form]] * chance.randint(1, 3), odd, GOOD[form], odd, GOOD[form]]
        try:
            sheet = read_sheet(b"\n".join(lines).replace(b"n", odd, chance.randint(0, 1)), form)
        except UnreadableFile:
            continue
        "".join(map("".join, [*sheet.rows, sheet.problems.values()])).encode()
        assert len(set(sheet.numbers)) == len(sheet.numbers)


# --- workbooks ------------------------------------------------------------------------------------


def test_a_cell_of_a_workbook_that_is_too_long_costs_its_row_alone():
    sheet = read_sheet(rows_of(["email", "n"], ["a@x.example", "x" * 30_000], ["b@x.example", "B"]))
    assert (firsts(sheet), list(sheet.problems)) == (["a@x.example", "b@x.example"], [2])


# --- on their whole way ---------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        (f"{A}\n{BAD}\n{C}\n", "people.jsonl", f"It says: {BAD}"),
        (CARD.format("a", "") + "BEGIN:VCARD\nEMAIL:b@x.example\n" + CARD.format("c", ""), "p.vcf", "never closed"),
    ],
    ids=["JSON", "vCards"],
)
def test_a_bad_row_is_counted_and_given_back(text: str, name: str, says: str):
    run = done(text, by=a_user("manager"), name=name)
    assert (run.written, run.failed_rows, Contact.objects.count()) == ({"new": 2}, 1, 2)
    (failed,) = failed_rows(run)
    assert says in failed[-1]
