"""Personal erasure, column by column: whatever a column of this database can hold of an address is gone afterwards.

The columns come from the database's catalogue: a new one is among them from its first migration on.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from bounces.scrubbing import Column, by_table
from bounces.traces import Traces
from contacts.erasure import erase_email
from contacts.models import Tag
from tests.any_rows import rows_of_everything

pytestmark = pytest.mark.django_db

EMAIL = "Ada.Lovelace+x@b.example"
LOWER = EMAIL.lower()
MADE_BY_MIGRATIONS = {"django_migrations", "django_content_type", "auth_permission"}
FORMS = [
    EMAIL,
    f"Ask <{LOWER}>.",
    f"one line\n{LOWER}\tanother",
    f"/contacts/?q={quote(EMAIL)}&page=2",
    f"/next?to={quote('/contacts/?q=' + quote(EMAIL))}",
    f"From list of {LOWER}.csv.",
    f"mailto:{LOWER}?subject=x, “{LOWER.upper()}”",
    "returned to <ada.lovelace+x=b.example@a.example>",
    f'{{"email": "{LOWER}"}}',
    f"3C%3C{quote(LOWER)}%3E",
]


def values_for(column: Column) -> list[Any]:
    """From the richest to the plainest: a column takes the first that its constraints allow."""
    rich = "; ".join(FORMS)
    if column.kind in ("json", "jsonb"):
        tree = {LOWER: [*FORMS, {"q": FORMS}]}
        return [json.dumps(each) for each in (tree, [tree], FORMS, EMAIL)]
    if column.kind.startswith("_"):
        return [FORMS, [LOWER]]
    return [rich, EMAIL, LOWER]


def plant(column: Column) -> bool:
    """Whether some row of the table now holds the address there."""
    for value in values_for(column):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                made = "to_tsvector('simple', %s)" if column.kind == "tsvector" else f"%s::{column.kind}"
                cursor.execute(
                    f"UPDATE {column.table} SET {column.quoted} = {made}"
                    f" WHERE ctid = (SELECT ctid FROM {column.table} LIMIT 1)",
                    [value],
                )
                return bool(cursor.rowcount)
        except DatabaseError:
            continue
    return False


def columns_that_name(traces: str) -> list[str]:
    found = []
    for table, columns in by_table():
        for column in columns:
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT count(*) FROM {table} WHERE lower({column.quoted}::text) LIKE %s", [f"%{traces}%"]
                )
                found += [f"{table}.{column.name}"] * bool(cursor.fetchone()[0])
    return found


def residue() -> list[str]:
    local, domain = LOWER.split("@")
    return [name for part in {local, quote(local).lower()} for name in columns_that_name(part)] + columns_that_name(
        f"x@{domain}"
    )


def test_every_table_has_a_row_to_look_into() -> None:
    failed = rows_of_everything()

    assert failed == {}, "Give these models a line in tests/any_rows.py."


def test_no_column_of_any_table_names_an_erased_address() -> None:
    rows_of_everything()
    cache.set("something", "kept")  # its table has no model
    planted = [
        f"{table}.{column.name}"
        for table, columns in by_table()
        if table not in MADE_BY_MIGRATIONS
        for column in columns
        if plant(column)
    ]
    assert len(planted) > 100
    assert {name for name in planted if name not in columns_that_name("ada.lovelace")} == set()

    erase_email(EMAIL, None, "Asked.", timezone.now())

    assert residue() == []


@pytest.mark.parametrize("text", FORMS)
def test_an_address_is_found_in_every_form_in_python_as_in_the_database(text: str) -> None:
    traces = Traces([LOWER])

    assert traces.occurs_in(text)
    assert is_found_by_the_database(traces, text)


LONGER = [
    "grace.ada.lovelace+x@b.example",
    "grace-ada.lovelace+x@b.example",
    "ada.lovelace+x@b.example.org",
    "ada.lovelace+x@b.example-c.org",
    "ada.lovelace+y@b.example",
    "ada.lovelace+x@bb.example",
    "gada.lovelace+x@b.example",
    "",
]


@pytest.mark.parametrize("text", LONGER)
def test_longer_addresses_are_others(text: str) -> None:
    traces = Traces([LOWER])

    assert not traces.occurs_in(text)
    assert not is_found_by_the_database(traces, text)


def is_found_by_the_database(traces: Traces, text: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT %(text)s ILIKE ANY(%(hints)s) AND %(text)s ~* %(pattern)s", {**traces.parameters, "text": text}
        )
        return bool(cursor.fetchone()[0])


def test_nothing_to_look_for_is_refused_for_it_would_match_everything() -> None:
    with pytest.raises(ValueError, match="empty pattern"):
        _ = Traces([]).pattern


def test_two_erased_people_by_whom_tags_are_named_are_two_tags() -> None:
    for email in ("ada@b.example", "bob@b.example"):
        Tag.objects.create(name=f"knows {email}")
        erase_email(email, None, "Asked.", timezone.now())

    assert [name.startswith("knows (erased") for name in Tag.objects.values_list("name", flat=True)] == [True, True]
