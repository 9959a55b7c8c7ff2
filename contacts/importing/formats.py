"""The file formats that the admin offers. In: bytes. Out: a tablib Dataset that keeps the file it came from.

Import goes through `reading/`, which finds out what a file is, so that the admin takes, refuses and reports what the
other doors do; export goes through the same writers as the pages'. The library's own XLSX is used for neither: a
workbook of 4.7 kB holds it for minutes (TRUST.md).
"""

# ruff: noqa: ARG002 -- the hooks' signatures are the library's

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import tablib
from import_export.formats import base_formats

from bounces.spreadsheet import csv_cell
from contacts.exporting.files import TYPES, pieces_of
from contacts.importing.mapping import check_mapping, first_mapping, said_mapping
from contacts.importing.reading import MOST_ROWS, Sheet, UnreadableFile, form_of, read_table
from contacts.importing.reading.counting import MORE_LINES, RowCount
from contacts.importing.rows import HEAD, head_of
from contacts.importing.waiting import Said, WaitingFile

TOO_MANY = f"The file has more than {MOST_ROWS:,} rows. Bring it on the page “Import”, where a worker reads it."


class SheetDataset(tablib.Dataset):
    """The first rows of a file; the file itself (`body`), as `said` reads it; what its columns mean.

    Without a body it is the rows alone that are imported: then they are all, and their columns are found out.
    """

    def __init__(
        self, sheet: Sheet, body: bytes = b"", said: Said | None = None, mapping: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(*sheet.rows, headers=sheet.headers)
        self.sheet, self.body, self.said, self.mapping = sheet, body, said or Said(), mapping


def sheet_of(dataset: tablib.Dataset) -> Sheet:
    """Of a dataset that was made elsewhere (a test, another format): its first row would be row 2 in a file."""
    if isinstance(dataset, SheetDataset):
        return dataset.sheet
    rows = [["" if cell is None else str(cell).strip() for cell in row] for row in dataset]
    return Sheet(list(dataset.headers or []), rows, list(range(2, len(rows) + 2)))


class AnyFile(base_formats.Format):
    """Whatever `reading/` reads. It is read as bytes: decoding is ours."""

    def __init__(self, encoding: str | None = None) -> None:
        """As the library makes formats when a preview is confirmed."""

    def get_title(self) -> str:
        return "CSV, TSV, XLSX, ODS, JSON or vCard: found out from the file"

    def is_binary(self) -> bool:
        return True

    def get_read_mode(self) -> str:
        return "rb"

    def can_import(self) -> bool:
        return True

    def create_dataset(self, in_stream: bytes, **kwargs: Any) -> tablib.Dataset:
        """Raises UnreadableFile: what can be refused is refused while the form can still say so."""
        said = in_stream.said if isinstance(in_stream, WaitingFile) else Said()
        count = RowCount(in_stream, said.name)
        count.add(in_stream)
        if count.rows > MOST_ROWS + MORE_LINES:
            raise UnreadableFile(TOO_MANY)
        table = read_table(BytesIO(in_stream), form_of(said.name), said.manner, HEAD)
        lines = head_of(table)
        first = first_mapping(table.headers, lines)
        mapping = check_mapping(table.headers, said_mapping(table.headers, first, said.columns, {}))
        sheet = Sheet(table.headers, [line.cells for line in lines], [line.number for line in lines])
        return SheetDataset(sheet, in_stream, said, mapping)


class _Defused:
    """What the formats of the library that spreadsheets open have in common."""

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> Any:
        defused = tablib.Dataset(headers=dataset.headers)
        for row in dataset:
            defused.append([csv_cell(cell) for cell in row])
        return super().export_data(defused, **kwargs)  # type: ignore[misc]  # of the format it is mixed into


class CSV(_Defused, base_formats.CSV):
    pass


class TSV(_Defused, base_formats.TSV):
    pass


class XLSX(base_formats.Format):
    def get_title(self) -> str:
        return "xlsx"

    def is_binary(self) -> bool:
        return True

    def get_extension(self) -> str:
        return "xlsx"

    def get_content_type(self) -> str:
        return TYPES["xlsx"]

    def can_export(self) -> bool:
        return True

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> Any:
        header = {str(name): str(name) for name in dataset.headers or []}
        return b"".join(pieces_of("xlsx", header, iter(dataset)))


IMPORT_FORMATS = [AnyFile]
# JSON is taken literally: no spreadsheet opens it.
EXPORT_FORMATS = [CSV, TSV, base_formats.JSON, XLSX]
