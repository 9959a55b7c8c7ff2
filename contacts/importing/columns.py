"""A sheet's headers and cells -> the words of `contacts/fields.py`. In: a Sheet. Out: Rows, each with its problems.

Empty cells say nothing: they are left out, so that they never overwrite. Problems name the header that the file
itself uses, because that is what people look for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model

from contacts.custom import clean_custom
from contacts.fields import FieldErrors, clean_fields
from contacts.importing.reading import Sheet, UnreadableFile
from contacts.models import CustomField

# What other tools call our words. Compared in lower case, with everything else than letters and digits as _.
ALIASES = {
    "email": "email e_mail email_address e_mail_address mail primary_email",
    "other_emails": "other_emails other_addresses secondary_email",
    "first_name": "first_name firstname given_name forename",
    "last_name": "last_name lastname surname family_name",
    "title": "title job_title position",
    "company": "company company_name organisation organization account account_name",
    "owner": "owner owner_email contact_owner",
    "phone": "phone phone_number telephone mobile",
    "country": "country country_code",
    "tags": "tags labels",
    "source": "source lead_source",
    "external_id": "external_id externalid record_id",
}
WORD_OF = {alias: word for word, aliases in ALIASES.items() for alias in aliases.split()}
# Columns of our own export that facts decide: read by people, never imported.
DERIVED = frozenset(
    {
        "id", "status", "status_since", "status_reason", "verdict", "verdict_reason", "sendable", "last_bounce_at",
        "last_delivered_at", "created_at", "updated_at",
    }
)  # fmt: skip
CUSTOM = "custom."
LONGEST_SHOWN = 120  # characters of a refused value


@dataclass(frozen=True, slots=True)
class Columns:
    """Where each word stands. `words` maps our word to the file's header; custom fields are `custom.<key>`."""

    words: Mapping[str, str]
    custom_fields: Sequence[CustomField]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row is not imported: which row, which column (empty: the row as a whole), what stood there, what to do."""

    row: int
    column: str
    value: str
    sentence: str


@dataclass(slots=True)
class Row:
    """One row, cleaned: `fields` are the words that its cells give."""

    number: int
    fields: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def email(self) -> str:
        """The primary address that it gives, normalised; empty where it gives none."""
        return next(iter(self.fields.get("addresses", [])), "")

    def refuse(self, column: str, value: str, sentence: str) -> None:
        self.problems.append(Problem(self.number, column, value[:LONGEST_SHOWN], sentence))


def find_columns(headers: Sequence[str]) -> Columns:
    """Raises UnreadableFile where the header names no column to go by, or one of ours twice."""
    declared = list(CustomField.objects.all())
    custom = {_plain(name): f"{CUSTOM}{each.key}" for each in declared for name in (each.label, each.key)}
    custom |= {_plain(f"{CUSTOM}{each.key}"): f"{CUSTOM}{each.key}" for each in declared}
    words: dict[str, str] = {}
    derived: list[str] = []
    unknown: list[str] = []
    for header in headers:
        plain = _plain(header)
        word = WORD_OF.get(plain) or custom.get(plain)
        if word is None:
            if header:
                (derived if plain in DERIVED else unknown).append(header)
        elif word in words:
            raise UnreadableFile(
                f"Two columns mean {word.removeprefix(CUSTOM)}: “{words[word]}” and “{header}”. Remove or rename one."
            )
        else:
            words[word] = header
    if "email" not in words and "external_id" not in words:
        raise UnreadableFile(
            f"No column is named email. The columns are: {_listed(headers)}. "
            "The first row must name them: email, first_name, last_name, company, …"
        )
    return Columns(words, declared, tuple(_notices(derived, unknown)))


def _notices(derived: Sequence[str], unknown: Sequence[str]) -> Iterable[str]:
    if derived:
        yield f"Not imported, because Rebound works it out from facts: {_listed(derived)}."
    if unknown:
        yield f"Left out, because no field is named so: {_listed(unknown)}. An admin can declare custom fields."


def _listed(headers: Sequence[str]) -> str:
    shown = ", ".join(f"“{header[:60]}”" for header in headers[:12])
    return f"{shown} and {len(headers) - 12} more" if len(headers) > 12 else shown


def _plain(header: str) -> str:
    return re.sub(r"[\W_]+", "_", header.strip().lower()).strip("_")


def clean_rows(sheet: Sheet, columns: Columns) -> list[Row]:
    """Two queries, whatever the size: the owners, and (asked by `find_columns`) the custom fields."""
    position = {word: sheet.headers.index(header) for word, header in columns.words.items()}
    given = [{word: cells[at] for word, at in position.items() if cells[at]} for cells in sheet.rows]
    owners = _owners({cells["owner"].lower() for cells in given if "owner" in cells})
    rows = []
    for number, cells in zip(sheet.numbers, given, strict=True):
        row = Row(number)
        if number in sheet.problems:
            row.refuse("", "", sheet.problems[number])
        _clean_row(row, cells, columns, owners)
        rows.append(row)
    return rows


def _clean_row(row: Row, cells: dict[str, str], columns: Columns, owners: Mapping[str, Any]) -> None:
    """Each cell by itself, so that an error names its own column."""
    custom = {word.removeprefix(CUSTOM): cells.pop(word) for word in list(cells) if word.startswith(CUSTOM)}
    emails: list[str] = []
    for word, text in cells.items():
        header = columns.words[word]
        try:
            if word in ("email", "other_emails"):
                emails += clean_fields({"addresses": _split(text) if word == "other_emails" else [text]})["addresses"]
            elif word == "owner":
                row.fields["owner"] = _owner(text, owners)
            else:
                row.fields |= clean_fields({word: _split(text) if word == "tags" else text})
        except FieldErrors as error:
            row.refuse(header, text, " ".join(s for sentences in error.errors.values() for s in sentences))
        except ValueError as error:
            row.refuse(header, text, str(error))
    if emails and "email" in cells:
        row.fields["addresses"] = list(dict.fromkeys(emails))
    if custom:
        cleaned, errors = clean_custom(custom, columns.custom_fields)
        row.fields["custom"] = cleaned
        for key, sentence in errors.items():
            row.refuse(columns.words[f"{CUSTOM}{key}"], custom[key], sentence)


def _split(text: str) -> list[str]:
    return re.split(r"[,;\n]", text)


def _owners(emails: set[str]) -> dict[str, Any]:
    users = get_user_model()._default_manager.filter(email__in=emails, is_active=True)
    return {getattr(user, user.get_email_field_name()): user for user in users}


def _owner(text: str, owners: Mapping[str, Any]) -> Any:
    if text.lower() not in owners:
        raise ValueError(f"Nobody with the address “{text}” works here. Write the e-mail address of an active user.")
    return owners[text.lower()]
