"""A row takes the short way or the long one: both write the same line."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.importing.cleaning import RowCleaner
from contacts.importing.copy_lines import long_way, short_way
from contacts.importing.options import Options
from contacts.importing.reading import Line

HEADERS = ["email", "first_name", "last_name", "title", "company", "phone", "country", "source", "external_id"]
MAPPING = {header: header for header in HEADERS}
ROW = ["ada@example.org", "Ada", "Löwe", "", "Engines Ltd", "+49 30 1234567", "DE", "fair", "a-1"]
EMAILS = st.sampled_from(["ada@example.org", "Ada@Example.ORG", "ada@bücher.example", "ada@", "", "a\\b@example.org"])
PHONES = st.sampled_from(["+4930123456", "+49 30 123456", "030 123456", "+49 (0)30 123456", "+1", "ext 5", "+ 49 301"])
COUNTRIES = st.sampled_from(["DE", "Germany", "Deutschland", "Atlantis", ""])
TEXTS = st.text(alphabet="aÄ \\\t\n\x01{}\"',\u200b", max_size=12).map(str.strip)
KINDS = {"email": EMAILS, "phone": PHONES, "country": COUNTRIES}

pytestmark = pytest.mark.django_db


@pytest.fixture
def cleaner() -> RowCleaner:
    return RowCleaner(HEADERS, MAPPING, Options(tags=["fair 2026", 'a "b" \\ c']))


def test_a_plain_row_takes_the_short_way(cleaner: RowCleaner) -> None:
    line = Line(2, ROW)

    assert short_way(cleaner)(line) == long_way(cleaner, line)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # the cleaner keeps nothing of a row
@given(cells=st.tuples(*(KINDS.get(header, TEXTS) for header in HEADERS)))
def test_what_the_short_way_writes_is_what_the_long_one_writes(cleaner: RowCleaner, cells: tuple[str, ...]) -> None:
    line = Line(2, list(cells))

    assert short_way(cleaner)(line) in ("", long_way(cleaner, line))


@pytest.mark.parametrize(
    ("at", "cell"),
    [
        (0, ""),
        (0, "ada@"),
        (1, "two  blanks"),
        (1, "back\\slash"),
        (1, "a\tb"),
        (4, "x" * 500),
        (5, "030 1"),
        (6, "Atlantis"),
    ],
)
def test_any_other_row_takes_the_long_way(cleaner: RowCleaner, at: int, cell: str) -> None:
    cells = list(ROW)
    cells[at] = cell

    assert short_way(cleaner)(Line(2, cells)) == ""
    assert short_way(cleaner)(Line(2, ROW, "too many cells")) == ""


@pytest.mark.parametrize(
    ("mapping", "options"),
    [
        ({"email": "email", "phone": "other_emails"}, Options()),
        ({"email": "email", "title": "tags"}, Options()),
        ({"email": "email", "title": "custom.size"}, Options()),
        ({"external_id": "external_id", "title": "title"}, Options()),
        (MAPPING, Options(empties=True)),
    ],
)
def test_files_whose_columns_need_more_take_the_long_way(mapping: dict[str, str], options: Options) -> None:
    cleaner = RowCleaner(HEADERS, mapping, options)

    assert short_way(cleaner)(Line(2, ROW)) == ""
