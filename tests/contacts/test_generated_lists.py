"""Files as nobody has thought of them: what is staged follows from what the file says, and what is lost is told.

Each cell is drawn with what is right: its value, or that it is empty and said so. 5,000 files with `--all`.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.importing.cleaning import RowCleaner
from contacts.importing.columns import DERIVED
from contacts.importing.guessing import guess
from contacts.importing.mapping import mapping_of, notices_of
from contacts.importing.options import Options
from contacts.importing.reading import Form, Manner, read_table

pytestmark = pytest.mark.django_db
SOME, ALL = 60, 5000
TOLD = "told"  # left empty, and said


@dataclass(frozen=True)
class Cell:
    """`text` as the file has it; `value` as it is staged; TOLD; or None where the cell says nothing."""

    text: str
    value: Any = None


NAMES = {
    "email": ["Email", "E-Mail-Adresse", "Courriel", "correo electrónico", "メールアドレス", "E-mail (required)"],
    "first_name": ["First name", "Vorname", "Prénom", "Nombre", "Imię", "имя"],
    "last_name": ["Last name", "Nachname", "Nom de famille", "Apellidos", "Nazwisko", "фамилия"],
    "company": ["Company", "Firma", "Société", "Empresa", "会社名", "Company/Organization"],
    "phone": ["Phone", "Telefon", "Téléphone", "Teléfono", "電話番号", "Phone #"],
    "country": ["Country", "Land", "Pays", "País", "страна"],
    "tags": ["Tags", "Etiketten", "Étiquettes", "Etiquetas", "タグ"],
    "notes": ["Notes", "Bemerkung", "Commentaire", "Notas"],
    "external_id": ["External ID", "Externe ID", "Kundennummer"],
    "opt_out": ["Subscriber Status", "Email Opt Out", "Unsubscribed"],
    "": ["Shoe size", "State", "Lang", "Rep", "Favourite colour"],
}
EMPTY = [Cell(""), Cell("NULL", TOLD), Cell("#N/A", TOLD), Cell("n/a", TOLD)]
TEXTS = [
    Cell("Ada", "Ada"), Cell("Jose\u0301", "José"), Cell("Andr&eacute;", "André"), Cell("RenÃ©", "René"),
    Cell("Anne  Marie", "Anne Marie"), Cell("O\u2019Neil; Jr, \"x\"", "O\u2019Neil; Jr, \"x\""),
    Cell("two\nlines", "two lines"),
    Cell("x" * 250, TOLD), Cell("Jos\ufffd", TOLD), Cell("=A1", TOLD), Cell('="007"', "007"), Cell("李雷", "李雷"),
    Cell("a\u200bb", "ab"), *EMPTY,
]  # fmt: skip
CELLS: dict[str, list[Cell]] = {
    "email": [
        Cell("ann@b.example", ["ann@b.example"]), Cell("ANN@B.example", ["ann@b.example"]),
        Cell("Ann Lee <ann@b.example>", ["ann@b.example"]), Cell("mailto:ann@b.example", ["ann@b.example"]),
        Cell("ann@b.example.", ["ann@b.example"]), Cell("ann＠b.example", ["ann@b.example"]),
        Cell("a@b.example; c@d.example", ["a@b.example", "c@d.example"]),
        Cell("a@bücher.example", ["a@xn--bcher-kva.example"]),
        Cell("o'neil@b.example", ["o'neil@b.example"]), Cell("not one", TOLD), Cell("a..b@c.example", TOLD), *EMPTY,
    ],
    "first_name": TEXTS,
    "last_name": [*TEXTS, Cell("Null", "Null"), Cell("None", "None")],
    "company": TEXTS,
    "phone": [
        Cell("+49 30 901820", "+4930901820"), Cell("4.42E+11", TOLD),
        Cell('="ext 17"', "ext 17"), Cell("ask her", "ask her"), *EMPTY,
    ],
    "country": [
        Cell("DE", "DE"), Cell("Deutschland", "DE"), Cell("EL", "GR"), Cell("uk", "GB"), Cell("U.S.", "US"),
        Cell("XX", TOLD),
        Cell("Atlantis", TOLD), *EMPTY,
    ],
    "tags": [
        Cell("VIP", ["VIP"]), Cell('["A","B"]', ["A", "B"]), Cell("A, B", ["A", "B"]), Cell("x" * 90, TOLD), Cell(""),
    ],
    "notes": [Cell("met at the fair", "met at the fair"), Cell("two\nlines", "two\nlines"), Cell("")],
    "external_id": [
        Cell("a-17", "a-17"), Cell('="00042"', "00042"), Cell("1.23457E+15", TOLD), Cell("123456789012345000", TOLD),
        *EMPTY,
    ],
    "opt_out": [Cell("Unsubscribed", "unsubscribe"), Cell("Bounced", "bounce"), Cell("Active"), Cell("")],
    "": [Cell("CA"), Cell("NY"), Cell("42"), Cell("ab"), Cell("")],
}  # fmt: skip
COLUMN = {"email": "email", "notes": "note"}


@dataclass(frozen=True)
class File:
    body: bytes
    manner: Manner
    words: list[str]
    rows: list[list[Cell]]


@st.composite
def files(draw: st.DrawFn) -> File:
    words = [
        "email",
        *draw(
            st.lists(st.sampled_from(sorted(NAMES)), unique=True, max_size=9).map(
                lambda w: [x for x in w if x != "email"]
            )
        ),
    ]
    words = draw(st.permutations(words))
    headers = [draw(st.sampled_from(NAMES[word])) for word in words]
    rows = [[draw(st.sampled_from(CELLS[word])) for word in words] for _ in range(draw(st.integers(1, 6)))]
    rows = [row for row in rows if any(cell.text for cell in row)] or [[CELLS[word][0] for word in words]]
    separator = draw(st.sampled_from([",", ";", "\t"]))
    buffer = io.StringIO()
    writer = csv.writer(
        buffer, delimiter=separator, lineterminator=draw(st.sampled_from(["\n", "\r\n"])),
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
    )  # fmt: skip
    writer.writerow(headers)
    writer.writerows([[cell.text for cell in row] for row in rows])
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
    return File(buffer.getvalue().encode(encoding), Manner(separator=separator, has_header=True), list(words), rows)


def check(file: File) -> None:
    table = read_table(io.BytesIO(file.body), Form.CSV, file.manner)
    lines = list(table.lines)
    assert len(lines) == len(file.rows)
    guesses = guess(table.headers, [line.cells for line in lines], {}, DERIVED)
    mapping = mapping_of(guesses)
    of_header = dict(zip(table.headers, file.words, strict=True))
    for header, word in mapping.items():
        assert word == of_header[header], header
    told = " ".join(notices_of(guesses, mapping))
    for header, word in of_header.items():
        assert header in mapping or word == "" or header in told or word == "opt_out", (header, word)
    cleaner = RowCleaner(table.headers, mapping, Options(), lines)
    for line, row in zip(lines, file.rows, strict=True):
        staged = dict(zip(cleaner.columns, cleaner.clean(line), strict=True))
        said = {each[0] for name in ("notices", "problems") for each in json.loads(staged[name] or "[]")}
        for header, word, cell in zip(table.headers, file.words, row, strict=True):
            if mapping.get(header):
                _check_cell(word, cell, staged, header in said)


def _check_cell(word: str, cell: Cell, staged: dict[str, Any], is_said: bool) -> None:
    if word == "email":
        found = [staged["email"], *(staged.get("others") or [])] if staged["email"] else []
        assert found == (cell.value if isinstance(cell.value, list) else []), cell
    else:
        value = staged.get(COLUMN.get(word, word))
        expected = None if cell.value == TOLD else cell.value
        beside = word in ("first_name", "last_name") and expected is None  # a name beside an address
        assert value == expected or (expected is None and not value) or beside, (word, cell, value)
    if cell.value == TOLD:
        assert is_said, (word, cell)


@settings(max_examples=SOME, deadline=None, suppress_health_check=[*HealthCheck])
@given(file=files())
def test_what_is_staged_follows_from_the_file(file: File):
    check(file)


@pytest.mark.full
@settings(max_examples=ALL, deadline=None, suppress_health_check=[*HealthCheck])
@given(file=files())
def test_what_is_staged_follows_from_five_thousand_files(file: File):
    check(file)
