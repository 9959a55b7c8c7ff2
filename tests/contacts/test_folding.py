"""Text as it is compared: without accents, case and width."""

from __future__ import annotations

import unicodedata

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db


def folded(text: str | None) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT contacts_folded(%s)", [text])
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("text", "compared"),
    [
        ("Ada", "ada"),
        ("Zoë MÜLLER", "zoe muller"),
        ("Straße STRAẞE", "strasse strasse"),
        ("Łódź Đorđe Ørsted Æsir", "lodz dorde orsted aesir"),
        ("Ｆｕｌｌ　１２", "full 12"),
        ("ﬁ", "fi"),
        ("İstanbul ISPARTA", "istanbul isparta"),
        ("Ὀδυσσεύς ΟΔΟΣ οδος", "οδυσσευσ οδοσ οδοσ"),
        ("Ёлка", "елка"),
        ("北京", "北京"),
        ("100% _\\", "100% _\\"),
        ("", ""),
        (None, None),
    ],
)
def test_text_is_compared_without_accents_case_and_width(text: str | None, compared: str | None) -> None:
    assert folded(text) == compared


@pytest.mark.parametrize("text", ["Zoë Müller", "Nguyễn Thị Hồng", "Åström", "Καλημέρα", "한국"])
def test_composed_and_decomposed_text_compare_as_equal(text: str) -> None:
    assert folded(unicodedata.normalize("NFD", text)) == folded(unicodedata.normalize("NFC", text))


@pytest.mark.parametrize("text", ["Zoë Müller", "Straße", "№ 5", "ΟΔΟΣ", "½ ™ €", "ÅNGSTRÖM"])
def test_folding_twice_changes_nothing(text: str) -> None:
    assert folded(folded(text)) == folded(text)


def test_function_may_be_indexed_and_run_in_parallel() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT provolatile, proparallel FROM pg_proc WHERE proname LIKE 'contacts_folded%'")
        assert cursor.fetchall() == [("i", "s")]
