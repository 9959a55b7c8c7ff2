"""How a file is read, as a form: as is found out from it, unless a person says otherwise.

In: a POST. Out: a Manner.
"""

from __future__ import annotations

from typing import Any

from django import forms

from contacts.importing.reading import Manner, Table, UnreadableFile, manner_of
from contacts.importing.reading.manners import ENCODING_NAMES, LONGEST_SHEET, SEPARATOR_NAMES

FOUND_OUT = ("", "Detect")
HEADER = [FOUND_OUT, ("yes", "Column names"), ("no", "A contact (no column names)")]
HAS_HEADER = {"yes": True, "no": False}


class MannerFields(forms.Form):
    """After `is_valid`: `manner`."""

    encoding = forms.ChoiceField(label="Characters", required=False, choices=[FOUND_OUT, *ENCODING_NAMES.items()])
    separator = forms.ChoiceField(
        label="Cells are separated by",
        required=False,
        choices=[FOUND_OUT, *((name, name.capitalize()) for name in SEPARATOR_NAMES.values())],
    )
    sheet = forms.CharField(label="Sheet of a workbook", required=False, max_length=LONGEST_SHEET, strip=False)
    header = forms.ChoiceField(label="The first row", required=False, choices=HEADER)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        try:
            self.manner = manner_of(
                said.get("encoding", ""),
                said.get("separator", ""),
                said.get("sheet", ""),
                HAS_HEADER.get(said.get("header", "")),
            )
        except UnreadableFile as error:
            raise forms.ValidationError(str(error)) from error
        return said


class MannerForm(MannerFields):
    """`table`: of a file that is read already, whose sheets are known; it asks only what makes a difference there."""

    def __init__(self, data: Any = None, *, manner: Manner | None = None, table: Table | None = None) -> None:
        manner = manner or Manner()
        said = {True: "yes", False: "no", None: ""}[manner.has_header]
        separator = SEPARATOR_NAMES.get(manner.separator, "")
        initial = {"encoding": manner.encoding, "separator": separator, "sheet": manner.sheet, "header": said}
        super().__init__(data, initial=initial)
        if table is not None:
            self._ask_only_of(table)

    def _ask_only_of(self, table: Table) -> None:
        if table.sheets:
            names = [(name, name) for name in table.sheets]
            self.fields["sheet"] = forms.ChoiceField(label="Sheet", required=False, choices=[FOUND_OUT, *names])
            del self.fields["encoding"]
        else:
            del self.fields["sheet"]
        if not table.is_separated:
            del self.fields["separator"]
        if not table.sheets and not table.is_separated:
            del self.fields["header"]
