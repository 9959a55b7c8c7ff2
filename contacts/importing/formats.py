"""The file formats that the admin offers. In: bytes. Out: a tablib Dataset that keeps the Sheet it came from.

Import goes through `reading/`, so that the admin refuses and reports what the other doors do; export through the same
writers as the pages'. The library's own XLSX is used for neither: a workbook of 4.7 kB holds it for minutes (TRUST.md).
"""

# ruff: noqa: ARG002 -- the hooks' signatures are the library's

from __future__ import annotations

from typing import Any

import tablib
from import_export.formats import base_formats

from bounces.spreadsheet import csv_cell
from contacts.exporting.files import TYPES, pieces_of
from contacts.importing.mapping import check_columns
from contacts.importing.reading import Form, Sheet, read_sheet


class SheetDataset(tablib.Dataset):
    """A dataset that knows its rows' numbers in the file."""

    def __init__(self, sheet: Sheet) -> None:
        super().__init__(*sheet.rows, headers=sheet.headers)
        self.sheet = sheet


def sheet_of(dataset: tablib.Dataset) -> Sheet:
    """Of a dataset that was made elsewhere (a test, another format): its first row would be row 2 in a file."""
    if isinstance(dataset, SheetDataset):
        return dataset.sheet
    rows = [["" if cell is None else str(cell).strip() for cell in row] for row in dataset]
    return Sheet(list(dataset.headers or []), rows, list(range(2, len(rows) + 2)))


class _SheetFormat:
    """What our formats have in common. They are read as bytes: decoding is ours."""

    form: Form

    def is_binary(self) -> bool:
        return True

    def get_read_mode(self) -> str:
        return "rb"

    def create_dataset(self, in_stream: bytes, **kwargs: Any) -> tablib.Dataset:
        sheet = read_sheet(in_stream, self.form)
        check_columns(sheet)  # refused while the form can still say so
        return SheetDataset(sheet)

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> Any:
        defused = tablib.Dataset(headers=dataset.headers)
        for row in dataset:
            defused.append([csv_cell(cell) for cell in row])
        return super().export_data(defused, **kwargs)  # type: ignore[misc]  # of the format it is mixed into


class CSV(_SheetFormat, base_formats.CSV):
    form = Form.CSV


class TSV(_SheetFormat, base_formats.TSV):
    form = Form.TSV


class JSON(_SheetFormat, base_formats.JSON):
    """Taken literally, both ways: no spreadsheet opens it."""

    form = Form.JSON

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> Any:
        return base_formats.JSON.export_data(self, dataset, **kwargs)


class XLSX(_SheetFormat, base_formats.Format):
    form = Form.XLSX

    def get_title(self) -> str:
        return "xlsx"

    def get_extension(self) -> str:
        return "xlsx"

    def get_content_type(self) -> str:
        return TYPES["xlsx"]

    def can_import(self) -> bool:
        return True

    def can_export(self) -> bool:
        return True

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> Any:
        header = {str(name): str(name) for name in dataset.headers or []}
        return b"".join(pieces_of("xlsx", header, iter(dataset)))


FORMATS = [CSV, TSV, JSON, XLSX]
