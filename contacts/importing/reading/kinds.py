"""Which kind of file it is: by its first bytes, then by its name. In: bytes, a name. Out: a Form, or UnreadableFile.

A name is a claim: an extension that says CSV on a workbook does no harm, and what we cannot read is called by its name.
"""

from __future__ import annotations

from enum import StrEnum

from contacts.importing.reading.tables import UnreadableFile


class Form(StrEnum):
    CSV = "csv"
    TSV = "tsv"
    JSON = "json"  # a list of objects, or one object a line
    VCARD = "vcf"
    XLSX = "xlsx"
    ODS = "ods"


EXTENSIONS = {
    "tsv": Form.TSV,
    "tab": Form.TSV,
    "json": Form.JSON,
    "jsonl": Form.JSON,
    "ndjson": Form.JSON,
    "vcf": Form.VCARD,
    "vcard": Form.VCARD,
    "xlsx": Form.XLSX,
    "xlsm": Form.XLSX,
    "ods": Form.ODS,
}
ZIP = b"PK\x03\x04"
SAVE = "Save the sheet as “CSV UTF-8” or XLSX and import that."
# What people try, by its first bytes.
OTHERS: dict[bytes, str] = {
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": f"This is an old Excel workbook, or one with a password. {SAVE}",
    b"%PDF": f"This is a PDF, which holds no table that can be read. {SAVE}",
    b"\x1f\x8b": "This file is compressed (gzip). Unpack it and import what is inside.",
    b"BZh": "This file is compressed (bzip2). Unpack it and import what is inside.",
    b"\xfd7zXZ": "This file is compressed (xz). Unpack it and import what is inside.",
    b"\x28\xb5\x2f\xfd": "This file is compressed (Zstandard). Unpack it and import what is inside.",
    b"7z\xbc\xaf": "This is an archive (7z). Unpack it and import what is inside.",
    b"Rar!": "This is an archive (RAR). Unpack it and import what is inside.",
    b"\x89PNG": "This is a picture. A table is needed.",
    b"\xff\xd8\xff": "This is a picture. A table is needed.",
    b"GIF8": "This is a picture. A table is needed.",
    b"{\\rtf": f"This is a text document (RTF), which holds no table that can be read. {SAVE}",
    b"SQLite": f"This is a database. {SAVE}",
    b"PK\x05\x06": "This archive is empty.",
}
MARKUP = (b"<!doctype html", b"<html", b"<?xml", b"<table")


def form_of(name: str) -> Form:
    """By the file's extension; whatever has none that we know is read as CSV."""
    return EXTENSIONS.get(name.rpartition(".")[2].lower(), Form.CSV)


def sniff(head: bytes, named: Form) -> Form:
    """Raises UnreadableFile for what is no table."""
    for beginning, sentence in OTHERS.items():
        if head.startswith(beginning):
            raise UnreadableFile(sentence)
    if head.startswith(ZIP):
        return named if named == Form.ODS else Form.XLSX
    text = head[:2000].removeprefix(b"\xef\xbb\xbf").replace(b"\x00", b"").lstrip(b"\xff\xfe \t\r\n").lower()
    if text.startswith(MARKUP):
        raise UnreadableFile(f"This is a web page or an XML file, whatever its name says. {SAVE}")
    if text.startswith(b"begin:vcard"):
        return Form.VCARD
    if text.startswith(b"{") or (text.startswith(b"[") and text[1:].lstrip().startswith((b"{", b"]", b"[{", b"[["))):
        return Form.JSON
    if named in (Form.XLSX, Form.ODS):
        return Form.CSV  # text under a workbook's name, as many tools write it
    return named
