"""What cells say: addresses however they are dressed, names, numbers, days, and what programs did to them. Pure."""

from __future__ import annotations

import pytest

from contacts.country_words import country_code
from contacts.importing.addresses import addresses_in
from contacts.importing.full_names import split_name
from contacts.importing.month_names import month_of
from contacts.importing.number_style import Style, is_ambiguous, read_number, style_of
from contacts.importing.reading.encodings import guess_encoding
from contacts.importing.repairs import is_nothing, repaired
from contacts.importing.tag_lists import tags_in
from contacts.importing.values import read_day


@pytest.mark.parametrize(
    ("cell", "emails", "name"),
    [
        ("ann@b.example", ["ann@b.example"], ""),
        ("Ann Lee <ann@b.example>", ["ann@b.example"], "Ann Lee"),
        ('"Lee, Ann" <ann@b.example>', ["ann@b.example"], "Lee, Ann"),
        ("Ann Lee ann@b.example", ["ann@b.example"], "Ann Lee"),
        ("<ann@b.example>", ["ann@b.example"], ""),
        ("ann@b.example (work)", ["ann@b.example"], ""),
        ("'ann@b.example'", ["ann@b.example"], ""),
        ("Email: ann@b.example", ["ann@b.example"], ""),
        ("mailto:ann@b.example?subject=Hi&cc=x", ["ann@b.example"], ""),
        ("[ann@b.example](mailto:ann@b.example)", ["ann@b.example"], ""),
        ("ann@b.example#mailto:ann@b.example#", ["ann@b.example"], ""),
        ('<a href="mailto:ann@b.example">ann</a>', ["ann@b.example"], ""),
        ("ann＠b.example", ["ann@b.example"], ""),
        ("o’neil@b.example", ["o'neil@b.example"], ""),
        ("ann@b.example.", ["ann@b.example"], ""),
        ("ann@b.example;", ["ann@b.example"], ""),
        ("ann @ b.example", ["ann@b.example"], ""),
        ("a@b.example; c@d.example", ["a@b.example", "c@d.example"], ""),
        ("a@b.example, c@d.example", ["a@b.example", "c@d.example"], ""),
        ("a@b.example ::: c@d.example", ["a@b.example", "c@d.example"], ""),
        ("a@b.example|c@d.example", ["a@b.example", "c@d.example"], ""),
        ("a@b.example / c@d.example", ["a@b.example", "c@d.example"], ""),
        ("a@b.example/c@d.example", ["a@b.example", "c@d.example"], ""),
        ("a@b.example c@d.example", ["a@b.example", "c@d.example"], ""),
        ("a@b.example\nA@B.example", ["a@b.example"], ""),
    ],
)
def test_addresses_are_taken_out_of_what_stands_around_them(cell: str, emails: list[str], name: str):
    found = addresses_in(cell)
    assert (found.emails, found.name) == (emails, name)


@pytest.mark.parametrize(
    "cell", ["ann", "ann@", "@b.example", "a..b@c.example", "ann@host", "12 Main St", "a@b@c.example"]
)
def test_what_is_no_address_stays_none(cell: str):
    with pytest.raises(ValueError, match="is not an e-mail address"):
        addresses_in(cell)


def test_what_is_left_beside_addresses_is_told():
    assert addresses_in("a@b.example, ask her").bad == ("ask her",)
    assert addresses_in("a@b.example; c..d@e.example").bad == ("c..d@e.example",)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Ada Lovelace", ("Ada", "Lovelace")),
        ("Hopper, Grace", ("Grace", "Hopper")),
        ("Jean-Luc de la Tour", ("Jean-Luc", "de la Tour")),
        ("Ludwig van Beethoven", ("Ludwig", "van Beethoven")),
        ("Maria Luisa Rossi", ("Maria Luisa", "Rossi")),
        ("Dr. Martin Luther King Jr.", ("Martin Luther", "King Jr.")),
        ("Mr. John Smith, PhD", ("John", "Smith")),
        ("DUPONT Jean", ("Jean", "DUPONT")),
        ("Herr Müller", ("", "Müller")),
        ("Cher", ("Cher", "")),
        ("王小明", ("王小明", "")),
        ("", ("", "")),
    ],
)
def test_full_names_are_parted(name: str, parts: tuple[str, str]):
    assert split_name(name) == parts


@pytest.mark.parametrize(
    ("cell", "word", "text", "is_lost"),
    [
        ("4.42E+11", "phone", "", True),
        ("1,23457E+15", "external_id", "", True),
        ("1.23457e+15", "external_id", "", True),
        ("123456789012345000", "external_id", "", True),
        ("123456789012345678", "external_id", "123456789012345678", False),
        ("12E4", "external_id", "12E4", False),
        ('="00042"', "external_id", "00042", False),
        ("42.0", "external_id", "42", False),
        ("'0170", "phone", "0170", False),
        ("=A1", "company", "", True),
        ("=VLOOKUP(A1,B:C,2)", "company", "", True),
        ('=HYPERLINK("mailto:a@b.example","Ann")', "email", "mailto:a@b.example", False),
        ('=HYPERLINK("https://x.example","Ann")', "first_name", "Ann", False),
        ("= Agency =", "company", "= Agency =", False),
        ("#N/A", "company", "", False),
        ("NULL", "last_name", "", False),
        ("Null", "last_name", "Null", False),
        ("None", "first_name", "None", False),
        ("NA", "country", "NA", False),
        ("#####", "phone", "", False),
        ("Andr&eacute;", "first_name", "André", False),
        ("RenÃ©", "first_name", "René", False),
        ("AT&T", "company", "AT&T", False),
        ("Ångström", "last_name", "Ångström", False),
    ],
)
def test_what_programs_did_to_cells_is_repaired_or_left_empty(cell: str, word: str, text: str, is_lost: bool):
    found = repaired(cell, word)
    assert (found.text, found.is_lost) == (text, is_lost)
    assert bool(found.said) == (text != cell)


@pytest.mark.parametrize("cell", ["n/a", "N/A", "-", "none", "NaN", "(blank)", "unknown", "0000-00-00"])
def test_placeholders_are_nothing(cell: str):
    assert is_nothing(cell, "email")


@pytest.mark.parametrize(
    ("cell", "style", "number"),
    [
        ("1200", Style(), "1200"),
        ("1,200", Style(), "1200"),
        ("1,200", Style(","), "1200"),
        ("1,250", Style(",", has_three=True), "1.250"),
        ("1,234", Style(","), "1.234"),
        ("1.200", Style(","), "1200"),
        ("1.200,50", Style(), "1200.50"),
        ("1,200.50", Style(","), "1200.50"),
        ("1 200", Style(), "1200"),
        ("1'200.50", Style(), "1200.50"),
        ("1.234.567", Style(), "1234567"),
        ("€1200", Style(), "1200"),
        ("12 %", Style(), "12"),
        ("EUR 12,50", Style(), "12.50"),
        ("(5)", Style(), "-5"),
        ("-$5", Style(), "-5"),
        ("1e3", Style(), "1e3"),
    ],
)
def test_numbers_are_read_by_their_columns_style(cell: str, style: Style, number: str):
    assert read_number(cell, style) == number


@pytest.mark.parametrize("cell", ["many", "1,2,3", "12/2024", "1.2.3", ""])
def test_what_is_no_number_is_refused(cell: str):
    with pytest.raises(ValueError, match="is not a number"):
        read_number(cell)


def test_a_column_shows_its_style_or_is_told_to_be_ambiguous():
    assert style_of(["1.200,50", "99,5"]) == Style(",")
    assert style_of(["0,125"]) == Style(",", has_three=True)
    assert style_of(["99,5", "99.5"]) == Style()
    assert is_ambiguous(["1,234", "7"])
    assert not is_ambiguous(["1,234", "99,5"])


@pytest.mark.parametrize(
    "cell",
    [
        "31-Dec-24", "31. Dezember 2024", "Dec 31 2024", "31 de diciembre de 2024", "31 décembre 2024", "31/Dec/2024",
        "31 декабря 2024 г.", "Tuesday, 31 December 2024", "2024-12-31T23:30:00Z", "31/12/2024", "12/31/2024",
    ],
)  # fmt: skip
def test_days_are_read_in_many_forms(cell: str):
    assert read_day(cell) == "2024-12-31"


@pytest.mark.parametrize(("name", "month"), [("Mär", 3), ("Août", 8), ("kwietnia", 4), ("мая", 5), ("şubat", 2)])
def test_months_have_names_in_many_languages(name: str, month: int):
    assert month_of(name) == month


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ('["A","B"]', ["A", "B"]),
        ("['A', 'B']", ["A", "B"]),
        ('""A"",""B""', ["A", "B"]),
        ('"Fair 2026","VIP"', ["Fair 2026", "VIP"]),
        ('"Sales, EMEA",VIP', ["Sales, EMEA", "VIP"]),
        ("Food & Drink; R&D", ["Food & Drink", "R&D"]),
        ("* myContacts ::: Friends", ["Friends"]),
        ("[draft]", ["[draft]"]),
        ("VIP", ["VIP"]),
    ],
)
def test_tags_lose_what_tools_put_around_them(cell: str, tags: list[str]):
    assert tags_in(cell) == tags


@pytest.mark.parametrize(
    ("text", "code"),
    [("EL", "GR"), ("uk", "GB"), ("U.S.", "US"), ("Germany (DE)", "DE"), ("XX", ""), ("ZZ", ""), ("EU", ""), ("", "")],
)
def test_a_country_is_one_of_iso_3166(text: str, code: str):
    assert country_code(text) == code


@pytest.mark.parametrize("encoding", ["mac_roman", "cp1252"])
def test_old_macs_are_told_from_windows(encoding: str):
    names = "René\nBjörn Ångström\nMuñoz\nLefèvre\n"
    assert guess_encoding(names.encode(encoding)) == encoding
