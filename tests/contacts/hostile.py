"""Files that people, tools and attackers send: bombs, broken ones, odd ones. Each is made here, byte by byte."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import openpyxl  # type: ignore[import-untyped]  # has no types

TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
)
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = (
    f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r1" Type="{OFFICE}/{{}}" Target="{{}}"/></Relationships>'
)
WORKBOOK = (
    f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>'
)


def a_zip(parts: Mapping[str, bytes | str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in parts.items():
            archive.writestr(name, body)
    return buffer.getvalue()


def xlsx_of(sheet: bytes | str, **more: bytes | str) -> bytes:
    """A workbook around a sheet's own XML."""
    return a_zip(
        {
            "[Content_Types].xml": TYPES,
            "_rels/.rels": RELATIONS.format("officeDocument", "xl/workbook.xml"),
            "xl/workbook.xml": WORKBOOK,
            "xl/_rels/workbook.xml.rels": RELATIONS.format("worksheet", "worksheets/sheet1.xml"),
            "xl/worksheets/sheet1.xml": sheet,
            **more,
        }
    )


def cells(*placed: tuple[str, str]) -> str:
    rows = "".join(
        f'<row r="{"".join(c for c in at if c.isdigit())}"><c r="{at}" t="inlineStr"><is><t>{text}</t></is></c></row>'
        for at, text in placed
    )
    return f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'


def ods_of(table: str) -> bytes:
    spaces = "".join(
        f' xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{short}:1.0"' for short in ("office", "table", "text")
    )
    content = (
        f"<office:document-content{spaces}><office:body><office:spreadsheet>"
        f'<table:table table:name="S">{table}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    return a_zip({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": content,
                  "META-INF/manifest.xml": "<manifest/>"})  # fmt: skip


def ods_cell(text: str, more: str = "") -> str:
    return f'<table:table-cell office:value-type="string"{more}><text:p>{text}</text:p></table:table-cell>'


def a_workbook(fill: Callable[[Any], None]) -> bytes:
    book = openpyxl.Workbook()
    fill(book.active)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def rows_of(*rows: list[Any], merge: str = "") -> bytes:
    def fill(sheet: Any) -> None:
        for row in rows:
            sheet.append(row)
        if merge:
            sheet.merge_cells(merge)

    return a_workbook(fill)


def damaged(body: bytes) -> bytes:
    middle = len(body) // 2
    return body[:middle] + bytes(2000) + body[middle + 2000 :]


def lying_zip() -> bytes:
    """Says that its sheet unpacks to a thousand bytes; it unpacks to 300 MB."""
    sheet = cells(("A1", "email")).replace("</sheetData>", "<!--" + " " * 300_000_000 + "--></sheetData>")
    body = bytearray(xlsx_of(sheet))
    at = body.find(b"PK\x01\x02")
    while at >= 0:
        if struct.unpack("<L", body[at + 24 : at + 28])[0] > 1_000_000:
            body[at + 24 : at + 28] = struct.pack("<L", 1000)
        at = body.find(b"PK\x01\x02", at + 4)
    return bytes(body)


def a_zip_of_many_parts() -> bytes:
    return a_zip({f"xl/{number}": b"" for number in range(20_000)} | {"[Content_Types].xml": TYPES})


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(10))
ENTITIES = f"<!DOCTYPE worksheet [{LAUGHS}]>" + cells(("A1", "email"), ("A2", "&l9;"))
DEEP = f'<worksheet xmlns="{MAIN}"><sheetData>' + "<row>" * 400_000 + "</row>" * 400_000 + "</sheetData></worksheet>"
FAR = cells(("A1", "email"), ("A2", "a@x.example"), ("XFD1048576", "far"))
REPEATED = (
    '<table:table-row table:number-rows-repeated="1048576">'
    + ods_cell("x", ' table:number-columns-repeated="16384"')
    + "</table:table-row>"
)

BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "a zip bomb": (lambda: xlsx_of(b" " * 200_000_000), "unpacks to far more"),
    "a zip bomb beside the sheet": (
        lambda: xlsx_of(cells(("A1", "email")), **{"xl/media/1": b"\0" * 50_000_000}), "unpacks to far more"),
    "an archive of 20,000 parts": (a_zip_of_many_parts, "20,001 parts"),
    "a workbook of 17 billion cells": (lambda: xlsx_of(FAR), "spans too many cells"),
    "a sheet whose size is a lie": (lying_zip, "CSV UTF-8"),
    "XML that is 400,000 elements deep": (lambda: xlsx_of(DEEP), "CSV UTF-8|empty"),
    "entities that expand a billion times": (lambda: xlsx_of(ENTITIES), "CSV UTF-8|empty|no rows"),
    "an ODS cell repeated 17 billion times": (lambda: ods_of(REPEATED), "CSV UTF-8"),
    "JSON of 100,000 brackets": (lambda: b"[" * 100_000, "not JSON"),
    "JSON objects 100,000 deep": (lambda: b'{"a":' * 100_000, "not JSON"),
    "100,000 columns": (lambda: b",".join(b"c%d" % n for n in range(100_000)) + b"\n", "100,000 columns"),
    "a cell of ten million characters": (lambda: b"email\n" + b"x" * 10_000_000, "characters"),
}  # fmt: skip

REFUSED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "is empty"),
    "a byte order mark alone": (b"\xef\xbb\xbf", "is empty"),
    "blanks alone": (b" \r\n\t\n", "is empty"),
    "separators alone": (b",,,\n,,,\n", "is empty"),
    "a header alone": (b"email,name\n", "no rows"),
    "NUL bytes": (b"email\na@x.example\nb\x00\x00\x00\x00@x.example\n", "Line 3 holds a NUL"),
    "a NUL byte in the header": (b"e\x00mail\na@x.example\n", "The header holds a NUL"),
    "bytes without order": (bytes(range(1, 256)) * 40, "control characters"),
    "a header that is never closed": (b'email,"name\na@x.example,Ada\nb@x.example,Bob\n', "Row 1 .* never closed"),
    "a header with a quote in the middle": (b'email,"na"me\na@x.example,Ada\n', "Row 1 .* after a closing quote"),
    "rows of which most cannot be read": (
        b"email,name\n" + b'a@x.example,"A" L\n' * 50 + b"a@x.example,A\n" * 999,
        "Of the first 51 rows 50 cannot be read.*semicolon, tab, vertical bar were tried too.*after a closing quote"),
    "an old workbook, or one with a password": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "password"),
    "half of a workbook": (rows_of(["email"], ["a@x.example"])[:3000], "damaged"),
    "a workbook whose middle is damaged": (
        damaged(rows_of(["email"], *[[f"p{n}@x.example"] for n in range(3000)])), "CSV UTF-8"),
    "an archive that is no workbook": (a_zip({"people.csv": "email\na@x.example\n"}), "not a workbook"),
    "an empty workbook": (rows_of(), "is empty|no rows"),
    "a web page": (b"<!DOCTYPE html><html><table><tr><td>email</td></tr></table></html>", "web page"),
    "a PDF": (b"%PDF-1.7\n", "PDF"),
    "a compressed file": (b"\x1f\x8b\x08\x00rest", "gzip"),
    "JSON cut short": (b'[{"email": "a@x.example"}, {"email": "b@x', "not JSON: row 2"),
    "JSON that goes on": (b'[{"email": "a@x.example"}] [1]', "something else follows"),
    "JSON of half a character": (b'[{"email": "a@x.example", "name": "\\ud800"}]', "lone surrogate"),
    "a JSON number of 5,000 digits": (b'[{"email": ' + b"1" * 5000 + b"}]", "not JSON"),
    "a vCard that is never closed": (b"BEGIN:VCARD\nEMAIL:a@x.example\n", "never closed"),
    "cards of which most are never closed": (
        b"BEGIN:VCARD\nEMAIL:a@x.example\n" * 60, "Of the first 50 rows 50 cannot be read.*END:VCARD is missing"),
    "objects of which most are broken": (
        b'{"email":"a@x.example"}\n' + b'{"email":"b@x.example\n' * 60, "Of the first 51 rows 50 cannot be read"),
}  # fmt: skip

ADA = [["ada@x.example", "Zoë"]]
READ: dict[str, tuple[bytes, list[list[str]], str]] = {
    "UTF-16 with its mark": ("email,n\nada@x.example,Zoë\n".encode("utf-16"), ADA, ""),
    "UTF-16 without": ("email,n\nada@x.example,Zoë\n".encode("utf-16-be"), ADA, "UTF-16"),
    "UTF-32": ("email,n\nada@x.example,Zoë\n".encode("utf-32"), ADA, ""),
    "Windows-1252": ("email,n\nada@x.example,Zoë\n".encode("cp1252"), ADA, "Windows-1252"),
    "marks amid joined files": (
        "email,n\nada@x.example,Zoë\n\ufeffb@x.example,B\n".encode(), [*ADA, ["b@x.example", "B"]],
        "byte order marks amid"),
    "line ends of three kinds": (b'email,n\r\na@x.example,"A\r\nB"\rb@x.example,B\nc@x.example,C',
        [["a@x.example", "A\nB"], ["b@x.example", "B"], ["c@x.example", "C"]], ""),
    "a line that names the separator": (b"sep=;\nemail;n\na@x.example;1,5\n", [["a@x.example", "1,5"]], "semicolon"),
    "bars": (b"email|n\na@x.example|B, C\n", [["a@x.example", "B, C"]], "vertical bar"),
    "quotes behind backslashes": (
        b'email,n\na@x.example,"say \\"hi\\", A"\n', [["a@x.example", 'say "hi", A']], "backslash"),
    "duplicate headers": (b"email,n,n\na@x.example,A,B\n", [["a@x.example", "A", "B"]], "“n (2)”"),
    "no header": (b"a@x.example,A\nb@x.example,B\n", [["a@x.example", "A"], ["b@x.example", "B"]], "was read as a row"),
    "a title above the header": (
        b"People of 2026,,\n\nemail,n\na@x.example,A\n", [["a@x.example", "A"]], "above the header"),
    "one object a line": (
        b'{"email":"a@x.example","n":1.0}\n{"email":"b@x.example"}\n', [["a@x.example", "1"], ["b@x.example", ""]],
        "numbered"),
    "a workbook under a CSV's name": (rows_of(["email", "n"], ["a@x.example", "A"]), [["a@x.example", "A"]], ""),
    "cells merged over rows": (rows_of(["email", "n"], ["a@x.example", "A"], ["b@x.example", None], merge="B2:B3"),
        [["a@x.example", "A"], ["b@x.example", "A"]], "merged"),
    "a title merged over the header": (rows_of(["People", None], ["email", "n"], ["a@x.example", "A"], merge="A1:B1"),
        [["a@x.example", "A"]], "above the header"),
    "a formula never computed": (rows_of(["email", "n"], ["a@x.example", "=1+1"]), [["a@x.example", ""]], ""),
    "days and numbers of a workbook": (rows_of(["email", "d", "n"], ["a@x.example", date(2026, 5, 31), 491234567890.0]),
        [["a@x.example", "2026-05-31", "491234567890"]], ""),
    "an ODS": (ods_of(f"<table:table-row>{ods_cell('email')}{ods_cell('n')}</table:table-row>"
        f"<table:table-row>{ods_cell('a@x.example')}{ods_cell('A')}</table:table-row>"), [["a@x.example", "A"]], ""),
}  # fmt: skip
