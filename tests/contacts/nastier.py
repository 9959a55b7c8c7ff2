"""Files of somebody who has read the readers: each aims at one of their assumptions. The plainer ones: `hostile.py`."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable

from contacts.importing.reading import Form
from tests.contacts.hostile import (
    MAIN,
    RELATIONS,
    TYPES,
    WORKBOOK,
    a_zip,
    cells,
    ods_cell,
    ods_of,
    rows_of,
    xlsx_of,
)

SECRET = '<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
NUMBERED = '<row r="{0}"><c r="A{0}" t="s"><v>{1}</v></c></row>'


def a_directory_behind_the_directory(entries: int = 1_000_000) -> bytes:
    """The archive's end says three parts; the ZIP64 record before it, which goes before that, says a million."""
    entry = b"PK\x01\x02" + struct.pack("<6H3L5H2L", 20, 20, *[0] * 14)
    first, directory = b"PK\x03\x04" + bytes(26), entry * entries
    record = b"PK\x06\x06" + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, entries, entries, len(directory), len(first))
    locator = b"PK\x06\x07" + struct.pack("<LQL", 0, len(first) + len(directory), 1)
    return first + directory + record + locator + b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 3, 3, 200, len(first), 0)


def a_workbook_elsewhere(target: str) -> bytes:
    parts = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": RELATIONS.format("officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": WORKBOOK,
        "xl/_rels/workbook.xml.rels": RELATIONS.format("worksheet", target),
    }
    return a_zip(parts)


def strings(second: int) -> bytes:
    """Texts that are kept apart from the sheet, of which there are said to be four billion."""
    texts = f'<sst xmlns="{MAIN}" count="4000000000" uniqueCount="4000000000"><si><t>email</t></si></sst>'
    rows = NUMBERED.format(1, 0) + NUMBERED.format(2, second)
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
    return xlsx_of(sheet, **{"xl/sharedStrings.xml": texts})


def merged(times: int) -> bytes:
    ranges = '<mergeCell ref="A1:XFD1048576"/>' * times
    sheet = cells(("A1", "email"), ("A2", "a@x.example"))
    return xlsx_of(sheet.replace("</worksheet>", f"<mergeCells>{ranges}</mergeCells></worksheet>"))


def said_to_span(span: str) -> bytes:
    sheet = cells(("A1", "email"), ("A2", "a@x.example"))
    return xlsx_of(sheet.replace("<sheetData>", f'<dimension ref="{span}"/><sheetData>'))


def an_ods_of_blanks() -> bytes:
    header, cell = ods_cell("email"), ods_cell('a<text:s text:c="2000000000"/>')
    return ods_of(f"<table:table-row>{header}</table:table-row><table:table-row>{cell}</table:table-row>")


def an_ods_with_entities() -> bytes:
    plain = zipfile.ZipFile(io.BytesIO(ods_of(f"<table:table-row>{ods_cell('&x;')}</table:table-row>")))
    parts = {name: plain.read(name) for name in plain.namelist()}
    return a_zip({**parts, "content.xml": SECRET.encode() + parts["content.xml"]})


def a_card(*lines: bytes) -> bytes:
    return b"\r\n".join([b"BEGIN:VCARD", b"VERSION:3.0", b"EMAIL:a@x.example", *lines, b"END:VCARD", b""])


PHOTO = b"PHOTO;ENCODING=b:" + b"\r\n ".join([b"A" * 74] * 1_400_000)
FOREIGN = "FN;CHARSET={};ENCODING=QUOTED-PRINTABLE:Zo=C3=AB"
READ, A = [["a@x.example"]], b"a@x.example"
A_JSON = b'{"email":"a@x.example"}\n'
DAMAGED = "Is it damaged|far more than it seems"

# What comes of it: rows (the first cell of each), or words of the refusal.
NASTIER: dict[str, tuple[Callable[[], bytes], Form, list[list[str]] | str]] = {
    "a directory of a million parts behind one of three": (
        a_directory_behind_the_directory, Form.XLSX, "more than 4 GB"),
    "a workbook that reads a file of the server": (lambda: xlsx_of(SECRET + cells(("A1", "&x;"))), Form.XLSX, DAMAGED),
    "an ODS that reads a file of the server": (an_ods_with_entities, Form.ODS, DAMAGED),
    "a sheet outside its archive": (lambda: a_workbook_elsewhere("../../../../etc/passwd"), Form.XLSX, DAMAGED),
    "a sheet on another server": (lambda: a_workbook_elsewhere("http://127.0.0.1:1/x"), Form.XLSX, DAMAGED),
    "four billion texts that are not there": (lambda: strings(0), Form.XLSX, DAMAGED),
    "a text of a number beyond all": (lambda: strings(99_999_999_999), Form.XLSX, DAMAGED),
    "a sheet said to span 17 billion cells": (lambda: said_to_span("A1:XFD1048576"), Form.XLSX, READ),
    "cells merged 20,000 times over the whole sheet": (lambda: merged(20_000), Form.XLSX, READ),
    "cells merged 200,000 times": (lambda: merged(200_000), Form.XLSX, "far more than it seems"),
    "an ODS cell of two billion blanks": (an_ods_of_blanks, Form.ODS, "far more than it seems"),
    "a workbook in a workbook": (
        lambda: a_zip({"xl/x.xlsx": rows_of(["email"], ["a@x.example"])}), Form.XLSX, "not a workbook"),
    "a Word document called a workbook": (
        lambda: a_zip({"[Content_Types].xml": TYPES, "word/document.xml": "<x/>"}), Form.XLSX, "Word document"),
    "a formula that could not be computed": (
        lambda: rows_of(["email", "n"], ["a@x.example", "#REF!"]), Form.XLSX, READ),
    "a card with a picture of 100 MB": (lambda: a_card(PHOTO), Form.VCARD, "Leave out pictures"),
    "a card with a million addresses": (
        lambda: a_card(*[b"EMAIL:" + A] * 1_000_000), Form.VCARD, "more than 1,000 lines"),
    "a card in an encoding that unpacks": (lambda: a_card(FOREIGN.format("zip").encode()), Form.VCARD, READ),
    "a card in an encoding that fails": (lambda: a_card(FOREIGN.format("undefined").encode()), Form.VCARD, READ),
    "a card in an encoding that never ends": (lambda: a_card(FOREIGN.format("punycode").encode()), Form.VCARD, READ),
    "a thousand cards that are opened and never closed": (
        lambda: b"BEGIN:VCARD\n" * 1001, Form.VCARD, "END:VCARD is missing"),
    "a card whose line never ends": (
        lambda: b"BEGIN:VCARD\nORG:" + b"x\r\n y" * 5_000_000 + b"\r\nEND:VCARD\n", Form.VCARD, "Leave out pictures"),
    "one object a line, the second 50,000 deep": (
        lambda: A_JSON + b'{"a":' * 50_000 + b"1" + b"}" * 50_000, Form.JSON, READ),
    "objects of which every second one is as deep as can be read": (
        lambda: (A_JSON + A_JSON[:-2] + b',"n":%s}\n' % (b"[" * 900 + b"]" * 900)) * 600, Form.JSON, READ * 1200),
    "objects of which every third one is broken": (
        lambda: (A_JSON * 3 + A_JSON[:-2] + b"\n") * 20_000, Form.JSON, READ * 60_000),
    "JSON numbers that are none": (lambda: b'[{"email":"a@x.example","n":NaN,"m":-Infinity}]', Form.JSON, READ),
    "JSON of 10 million blanks": (lambda: b"[" + b" " * 10_000_000 + b'{"email":"a@x.example"}]', Form.JSON, READ),
    "JSON objects of 100,000 keys": (
        lambda: b"[{" + b",".join(b'"k%d":1' % n for n in range(100_000)) + b"}]", Form.JSON, "100,000 columns"),
    "a list in a list": (lambda: b'{"contacts":[{"email":"a@x.example"}]}', Form.JSON, "an object where a plain value"),
    "10 million empty lines": (lambda: b"email\n" + b"\n" * 10_000_000 + A, Form.CSV, "1,048,576 empty rows"),
    "a million empty rows, as Excel leaves them": (
        lambda: b"email,n\n" + b",\r\n" * 1_000_000 + A + b",1\n", Form.CSV, READ),
    "lines that end as on an old Mac": (lambda: b"email\r" + (A + b"\r") * 400_000, Form.CSV, READ * 400_000),
    "line ends the wrong way round": (lambda: b"email,n\n\r" + A + b",1\n\r", Form.CSV, READ),
    "a quote that is never closed after 300 rows": (
        lambda: b"email,n\n" + (A + b",1\n") * 300 + A + b',"open\n' + (A + b",1\n") * 2000, Form.CSV, READ * 2301),
    "quotes that close the one before and are never closed": (
        lambda: b"email,n\n" + (A + b",1\n") * 100_000 + (A + b'","\n' + A + b",1\n") * 100_000, Form.CSV,
        "quotes again and again that it never closes"),
    "a row of two million cells": (lambda: b"email\n" + A + b"," * 1_900_000 + b"\n", Form.CSV, READ),
    "semicolons between decimal commas": (
        lambda: b"email;n\n" + A + b";1,5\nb@x.example;2,5\n", Form.CSV, [*READ, ["b@x.example"]]),
    "commas in names between semicolons": (lambda: b"email;name\n" + A + b";Lovelace, Ada\n", Form.CSV, READ),
    "UTF-16 without its mark, cut amid a character": (
        lambda: "email,n\na@x.example,Zoë\n".encode("utf-16-le")[:-1], Form.CSV, READ),
    "UTF-16 with half of a pair": (lambda: "email,n\na@x.example,".encode("utf-16") + b"\x00\xd8", Form.CSV, READ),
    "UTF-16 of Japanese without its mark": (
        lambda: "メール,名\na@x.example,山田太郎\n".encode("utf-16-le"), Form.CSV, "NUL byte"),
    "escape codes of a terminal": (lambda: b"email,n\n" + A + b",\x1b[31mred\x1b[0m\n", Form.CSV, READ),
    "a database's dump": (lambda: b"SQLite format 3\x00", Form.CSV, "database"),
    "a program": (lambda: b"\x7fELF\x02\x01\x01" + bytes(200), Form.CSV, "NUL byte"),
    "a text document": (lambda: b"{\\rtf1\\ansi a@x.example}", Form.CSV, "RTF"),
    "an archive of another kind": (lambda: b"BZh91AY&SY", Form.CSV, "bzip2"),
}  # fmt: skip
