"""One row's cells -> what the stage holds of it. In: a Line and the mapping. Out: values by column; notices, problems.

Plain rows do not come here: see `copy_lines.py`. An empty cell says nothing (None), unless the run empties fields (then
""). A cell that cannot be read costs itself, and that is said; the whole row where the import is strict.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from bounces.addresses import is_plain as is_plain_address
from contacts.custom import clean_custom
from contacts.fields import LONGEST, MOST_ADDRESSES, MOST_TAGS
from contacts.importing.addresses import addresses_in
from contacts.importing.cells import Cleaner, country_in, note_in, owner_in, phone_in, said_in, tag_in, text_reader
from contacts.importing.columns import CUSTOM, is_own_export
from contacts.importing.custom_cells import CustomCells
from contacts.importing.full_names import split_name
from contacts.importing.opt_out_cells import OptOutCells
from contacts.importing.options import Options
from contacts.importing.reading import Line
from contacts.importing.repairs import AS_WRITTEN, IDENTITIES, MISREAD, repaired
from contacts.importing.said import Said, Why
from contacts.importing.tag_lists import tags_in
from contacts.models import CustomField

# The columns of the stage, in the order of its lines: first those that are one cell each.
STAGED = (
    "number", "email", "first_name", "last_name", "title", "company", "owner_id", "phone", "country", "source",
    "external_id", "others", "tags", "custom", "note", "opt_out", "opt_out_at", "notices", "problems", "cells",
)  # fmt: skip
TEXTS = ("first_name", "last_name", "title", "company", "source")
# What each column of the stage takes of a file that has these words.
SPECIAL = {
    "email": ("email", "others", "first_name", "last_name"),
    "other_emails": ("others",),
    "full_name": ("first_name", "last_name"),
    "owner": ("owner_id",),
    "tags": ("tags", "opt_out"),
    "notes": ("note",),
    "opt_out": ("opt_out", "opt_out_at"),
}
OWN_COLUMN = {"owner": "owner_id"}  # of a field that is one cell, where the stage calls it otherwise
FOREIGN = re.compile("|".join(("\ufffd", *MISREAD))).search  # in a line: something may have gone wrong on its way
ALWAYS = frozenset({"number", "email", "notices", "problems", "cells"})
# Characters: a line that is not longer has no text that is too long.
SHORT = min(longest for word, longest in LONGEST.items() if word != "phone")
NO_ADDRESS = "The address is missing. A new contact needs one, to be found again."
AS_THEY_STAND = frozenset({"tags", "notes", "opt_out"})
IN_TURN = ("country", "phone")  # a number is read by its country


def is_plain_line(cells: Sequence[str]) -> bool:
    """Whether the texts of a line can be kept as they stand. Nearly all lines are so."""
    whole = "".join(cells)
    return (
        len(whole) <= SHORT
        and "  " not in whole
        and whole.isprintable()
        and "=" not in whole
        and "#" not in whole
        and "\\" not in whole
        and not ("&" in whole and ";" in whole)
        and AS_WRITTEN.isdisjoint(cells)
        and (whole.isascii() or _is_composed(whole))
    )


def _is_composed(whole: str) -> bool:
    return FOREIGN(whole) is None and unicodedata.is_normalized("NFC", whole)


class RowCleaner:
    """Made once a run; asks the database for its owners and custom fields then, and never again."""

    def __init__(
        self, headers: Sequence[str], mapping: Mapping[str, str], options: Options, first: Sequence[Line] = ()
    ) -> None:
        self.headers = list(headers)
        self.options = options
        self.tags = options.tags
        self.is_ours = is_own_export(headers)
        places = [(word, self.headers.index(header)) for header, word in mapping.items() if word]
        custom = [(word.removeprefix(CUSTOM), at) for word, at in places if word.startswith(CUSTOM)]
        declared = [*CustomField.objects.all(), *(CustomField(**new) for new in options.new_fields)]
        self.custom = CustomCells(self.headers, custom, declared, first) if custom else None
        own = {OWN_COLUMN.get(word, word) for word, _ in places}
        used = {column for word, _ in places for column in SPECIAL.get(word, (word,)) if not word.startswith(CUSTOM)}
        used |= ({"custom"} if custom else set()) | ({"tags"} if self.tags else set())
        needed = [column for column in STAGED if column in used | ALWAYS]
        self.columns = sorted(needed, key=lambda column: column not in own and column not in ("number", "email"))
        self.place = {column: at for at, column in enumerate(self.columns)}
        self.texts: list[tuple[str, int, Cleaner]] = []
        self.special: list[tuple[str, int]] = []
        for word, at in sorted(places, key=lambda each: IN_TURN.index(each[0]) if each[0] in IN_TURN else -1):
            if word in TEXTS:
                self.texts.append((word, at, text_reader(word)))
            elif not word.startswith(CUSTOM):
                self.special.append((word, at))
        self.address_header, self.tags_header = (
            next((header for header, word in mapping.items() if word == wanted), "") for wanted in ("email", "tags")
        )
        self.opt_outs = OptOutCells([(self.headers[at], at) for word, at in self.special if word == "opt_out"])

    def clean(self, line: Line) -> list[Any]:
        """The stage's values in the order of `columns`; None for what the row does not say."""
        row: dict[str, Any] = {}
        said = Said([["", "", line.problem]] if line.problem else [])
        is_plain = is_plain_line(line.cells)
        self._clean_texts(line.cells, row, said, is_plain=is_plain)
        for word, at in self.special:
            self._clean_special(word, at, line.cells[at], row, said, is_plain=is_plain)
        if self.custom:
            self._clean_custom(line.cells, row, said)
        self._settle(line, row, said)
        return [row.get(column) for column in self.columns]

    def _clean_texts(self, cells: list[str], row: dict[str, Any], said: Said, *, is_plain: bool) -> None:
        for word, at, read in self.texts:
            cell = cells[at]
            if not cell:
                row[word] = "" if self.options.empties else None
            elif is_plain:
                row[word] = cell
            elif text := self._repaired(word, at, cell, said):
                try:
                    row[word] = read(text)
                except ValueError as error:
                    said.fault(self.headers[at], cell, str(error))

    def _repaired(self, word: str, at: int, cell: str, said: Said) -> str:
        if self.is_ours and word not in IDENTITIES:
            return cell
        found = repaired(cell, word)
        said.repair(self.headers[at], cell, found)
        return found.text

    def _clean_special(self, word: str, at: int, cell: str, row: dict[str, Any], said: Said, *, is_plain: bool) -> None:
        if not cell:
            if word in IN_TURN and self.options.empties:
                row[word] = ""
            return
        text = cell
        if word in IDENTITIES or not (is_plain or word in AS_THEY_STAND):
            text = self._repaired(word, at, cell, said)
            if not text:
                return
        try:
            _READERS[word](self, at, text, row, said)
        except ValueError as error:
            said.fault(self.headers[at], cell, said_in(error))

    def _read_email(self, at: int, cell: str, row: dict[str, Any], said: Said) -> None:
        emails = self._addresses(at, cell, row, said)
        row["email"] = emails[0]
        if len(emails) > 1:
            row["others"] = [*emails[1:], *row.get("others", [])]

    def _read_others(self, at: int, cell: str, row: dict[str, Any], said: Said) -> None:
        row["others"] = [*row.get("others", []), *self._addresses(at, cell, row, said)]

    def _addresses(self, at: int, cell: str, row: dict[str, Any], said: Said) -> list[str]:
        lowered = cell.lower()
        if lowered[0] != "'" and is_plain_address(lowered):  # nearly all
            return [lowered]
        found = addresses_in(cell)
        if found.name:
            row["beside"] = found.name
        for piece in found.bad:
            said.fault(self.headers[at], cell, f"“{piece}” is not an e-mail address, and was left out.")
        if len(found.emails) > 1 and self.headers[at] == self.address_header:
            said.notice(self.headers[at], cell, "The first address is the primary one.", Why.SEVERAL)
        elif found.is_dressed and len(found.emails) == 1:
            said.notice(self.headers[at], cell, f"Read as {found.emails[0]}.", Why.REPAIRED)
        return found.emails

    def _read_full_name(self, at: int, cell: str, row: dict[str, Any], said: Said) -> None:  # noqa: ARG002
        row["whole_name"] = str(_READ_NAME(cell))

    def _read_owner(self, at: int, cell: str, row: dict[str, Any], said: Said) -> None:  # noqa: ARG002
        row["owner_id"] = owner_in(cell) or None

    def _read_phone(self, at: int, cell: str, row: dict[str, Any], said: Said) -> None:  # noqa: ARG002
        row["phone"] = phone_in(cell, row.get("country"))

    def _read_country(self, at: int, cell: str, row: dict[str, Any], said: Said) -> None:  # noqa: ARG002
        row["country"] = country_in(cell)

    def _read_id(self, at: int, cell: str, row: dict[str, Any], said: Said) -> None:  # noqa: ARG002
        row["external_id"] = _READ_ID(cell)

    def _read_tags(self, at: int, cell: str, row: dict[str, Any], said: Said) -> None:
        for name in tags_in(cell):
            try:
                row.setdefault("tags", []).append(tag_in(name))
            except ValueError as error:
                said.fault(self.headers[at], cell, said_in(error))
        self.opt_outs.read_labels(row)

    def _read_notes(self, at: int, cell: str, row: dict[str, Any], said: Said) -> None:  # noqa: ARG002
        text = note_in(cell)
        row["note"] = f"{row['note']}\n{text}" if row.get("note") else text

    def _read_opt_out(self, at: int, cell: str, row: dict[str, Any], said: Said) -> None:
        self.opt_outs.read(at, cell, row, said)

    def _clean_custom(self, cells: list[str], row: dict[str, Any], said: Said) -> None:
        assert self.custom is not None
        given = self.custom.read(cells, said, empties=self.options.empties)
        if given:
            cleaned, errors = clean_custom(given, self.custom.declared)
            for key, sentence in errors.items():
                said.fault(self.headers[self.custom.place[key]], cells[self.custom.place[key]], sentence)
            if cleaned:
                row["custom"] = json.dumps(cleaned)

    def _settle(self, line: Line, row: dict[str, Any], said: Said) -> None:
        self._name(row)
        self._choose_address(row, said)
        if self.tags or "tags" in row:
            self._settle_tags(row, said)
        is_known = bool(row.get("email") or row.get("external_id"))
        said.settle(strict=self.options.strict, is_known=is_known, header=self.address_header, sentence=NO_ADDRESS)
        row["number"] = str(line.number)
        row["notices"] = json.dumps(said.notices) if said.notices else None
        if said.problems:
            row["problems"] = json.dumps(said.problems)
            row["cells"] = json.dumps(dict(zip(self.headers, line.cells, strict=True)))

    def _settle_tags(self, row: dict[str, Any], said: Said) -> None:
        """Each once, those that all rows are given first. What does not fit is told."""
        names: dict[str, str] = {}
        for name in [*self.tags, *row.get("tags", [])]:
            names.setdefault(name.lower(), name)
        tags = list(names.values())
        row["tags"] = tags[:MOST_TAGS] or None
        if len(tags) > MOST_TAGS:
            left_out = ", ".join(tags[MOST_TAGS:])
            said.fault(
                self.tags_header, left_out, f"At most {MOST_TAGS} tags fit; these are left out: {left_out[:200]}."
            )

    def _name(self, row: dict[str, Any]) -> None:
        """What columns of their own say of the name wins over a full name, and that over one beside an address."""
        whole = row.get("whole_name") or row.get("beside")
        if not whole or row.get("first_name") or row.get("last_name"):
            return
        first, last = split_name(whole)
        row["first_name"], row["last_name"] = first or None, last or None

    def _choose_address(self, row: dict[str, Any], said: Said) -> None:
        """Where a row names no address of its own, the first of its other ones is it, and stays among them: that is how
        `comparing.py` knows that it makes no known contact change the primary address."""
        if not row.get("others"):
            row["others"] = None
            return
        others = list(dict.fromkeys(row["others"]))
        if row.get("email"):
            others = [each for each in others if each != row["email"]]
        else:
            row["email"] = others[0]
        if len(others) >= MOST_ADDRESSES:
            left_out = ", ".join(others[MOST_ADDRESSES - 1 :])
            sentence = f"At most {MOST_ADDRESSES} addresses fit; these are left out: {left_out[:200]}."
            said.fault(self.address_header, left_out, sentence)
        row["others"] = others[: MOST_ADDRESSES - 1] or None


_READ_ID, _READ_NAME = text_reader("external_id"), text_reader("first_name")
_READERS: dict[str, Any] = {
    "email": RowCleaner._read_email,
    "other_emails": RowCleaner._read_others,
    "full_name": RowCleaner._read_full_name,
    "owner": RowCleaner._read_owner,
    "phone": RowCleaner._read_phone,
    "country": RowCleaner._read_country,
    "external_id": RowCleaner._read_id,
    "tags": RowCleaner._read_tags,
    "notes": RowCleaner._read_notes,
    "opt_out": RowCleaner._read_opt_out,
}
