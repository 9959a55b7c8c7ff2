"""Files as people export or keep them, from what they reported of other software. No part of the project.

What is right is written beside the files; here each is brought through every door, and what came of it is looked at.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from bounces.models import Suppression
from contacts.models import Contact, ImportRun
from tests.builders import a_contact, a_custom_field, a_user
from tests.conformance.scoring import REPORTED
from tests.contacts.doors import DOORS, Brought, outcome
from tests.contacts.importing import done, previewed

LISTS = REPORTED / "lists"
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        not LISTS.exists(),
        reason="WHAT PEOPLE REPORTED IS NOT HERE: it is expected in ../shared/reported, beside the project",
    ),
]
AT = "@case-b.example.net"


@pytest.fixture(autouse=True)
def people_and_fields() -> None:
    a_user("sales", email="jo@rebound.example", name="Jo Doe")
    a_user("sales", email="marta@rebound.example", name="Marta Lindholm")
    for key, type_ in (("renewal", "date"), ("opted", "yes_no"), ("size", "number"), ("umsatz", "number")):
        a_custom_field(key, type_)


def brought(name: str, **given: Any) -> ImportRun:
    return done((LISTS / name).read_bytes(), name=name, change_others=True, **given)


def by_name(local: str) -> Contact:
    return Contact.objects.get(contact_addresses__address__email=f"{local}{AT}")


def addresses(contact: Contact) -> list[str]:
    reached = contact.contact_addresses.order_by("-is_primary", "id")
    return [each.address.email.removesuffix(AT) for each in reached]


def suppressed() -> dict[str, str]:
    rows = Suppression.objects.filter(lifted_at=None).select_related("address")
    return {row.address.email.removesuffix(AT): row.reason for row in rows if row.address}


def said(run: ImportRun, text: str) -> bool:
    return any(text in notice for notice in run.notices)


def test_states_of_the_us_are_no_countries():
    brought("us_states.csv")
    assert {contact.country for contact in Contact.objects.all()} == {""}
    assert {contact.phone[:1] for contact in Contact.objects.all()} == {"("}


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        ("mailchimp_unsub.csv", {"mc2": "unsubscribe"}),
        ("mailchimp_clean.csv", {"mc1": "bounce"}),
        ("mailchimp_sub.csv", {}),
        ("listmonk.csv", {"lm1": "manual"}),
        ("sf_optout.csv", {"oo3": "unsubscribe"}),
        ("list_status_ac.csv", {"ac1": "unsubscribe", "ac2": "bounce"}),
    ],
)
def test_who_must_not_be_written_to_is_counted_and_suppressed(name: str, reasons: dict[str, str]):
    preview = previewed((LISTS / name).read_bytes(), name=name)
    assert sum(preview.opt_outs.values()) == len(reasons)
    assert suppressed() == {}
    brought(name)
    assert suppressed() == reasons


def test_owners_are_found_by_name_where_one_person_has_it():
    run = brought("owner_name.csv")
    owners = {addresses(contact)[0]: str(contact.owner or "") for contact in Contact.objects.all()}
    assert owners == {"on1": "Marta Lindholm", "on2": "", "on3": ""}
    assert said(run, "“Jonas Weber”")


@pytest.mark.parametrize("name", ["hubspot.csv", "sf_report.csv"])
def test_an_owner_of_an_export_is_found_by_name(name: str):
    brought(name)
    assert str(by_name("hs1" if "hub" in name else "sf1").owner) == "Jo Doe"


def test_several_addresses_of_a_cell_are_one_contact():
    brought("several.csv")
    assert sorted(addresses(contact) for contact in Contact.objects.all()) == [
        [f"sv{number}a", f"sv{number}b"] for number in range(1, 8)
    ]


def test_dressed_up_addresses_are_taken_with_the_name_beside_them():
    brought("display_name.csv")
    names = {addresses(contact)[0]: contact.name for contact in Contact.objects.all()}
    assert names == {
        "dn1": "John Smith", "dn2": "Jane Smith", "dn3": "", "dn4": "", "dn5": "", "dn6": "José Ibáñez",
    }  # fmt: skip


def test_links_are_addresses():
    brought("mailto.csv")
    assert sorted(addresses(contact)[0] for contact in Contact.objects.all()) == [
        f"mt{number}" for number in range(1, 6)
    ]


def test_damaged_addresses_are_repaired_and_said():
    run = previewed((LISTS / "addresses.csv").read_bytes(), name="addresses.csv")
    assert said(run, "“Email”")
    assert run.counts["new"] >= 8


@pytest.mark.parametrize("name", ["full_name.csv", "full_name2.csv"])
def test_a_full_name_is_parted(name: str):
    brought(name)
    found = {(contact.first_name, contact.last_name) for contact in Contact.objects.all()}
    assert ("Ada", "Lovelace") in found
    assert found & {("Jean-Luc", "de la Tour"), ("Cher", "")}


def test_what_a_spreadsheet_destroyed_is_no_identity():
    run = brought("mangled.csv")
    ids = {addresses(contact)[0]: (contact.external_id, contact.phone) for contact in Contact.objects.all()}
    assert ids == {"ma1": (None, ""), "ma2": ("00042", "0170 1234567"), "ma4": (None, "")}
    assert said(run, "4.91702E+11")
    assert said(run, "1.23457E+15")


def test_two_files_with_one_rounded_number_are_two_people():
    done("Email,External ID,First Name\na@x.example,1.23457E+15,Ada\n", change_others=True)
    done("Email,External ID,First Name\nb@x.example,1.23457E+15,Bob\n", change_others=True)
    assert {contact.first_name for contact in Contact.objects.all()} == {"Ada", "Bob"}


def test_custom_cells_are_read_by_their_column_and_a_bad_one_costs_itself():
    run = brought("custom.csv")
    assert run.failed_rows == 0
    custom = {addresses(contact)[0]: contact.custom for contact in Contact.objects.all()}
    assert [custom[f"cu{number}"].get("size") for number in range(1, 7)] == [1200, 1200, 1200, 1200.5, 12, 1200]
    assert [custom[f"cu{number}"].get("opted") for number in range(1, 9)] == [
        True, True, True, True, True, True, False, True,
    ]  # fmt: skip
    assert {custom[f"cu{number}"].get("renewal") for number in (1, 2, 3, 4, 5, 8)} == {"2024-12-31"}
    assert "renewal" not in custom["cu9"]
    assert said(run, "12/2024") or said(run, "45657")


def test_a_strict_import_refuses_the_row():
    run = previewed((LISTS / "custom.csv").read_bytes(), name="custom.csv", strict=True)
    assert run.counts["invalid"] >= 2


def test_a_repeat_that_adds_is_merged_and_one_that_contradicts_is_a_conflict():
    run = brought("dup_in_file.csv")
    assert (run.counts["new"], run.counts["conflict"]) == (2, 1)
    dora = by_name("df1")
    assert (dora.first_name, dora.phone) == ("Dora", "+4930901820")


def test_text_is_composed():
    brought("nfd.csv")
    companies = {contact.company.name for contact in Contact.objects.all() if contact.company}
    assert companies == {"Café Olé"}
    assert {contact.first_name for contact in Contact.objects.all()} == {"José"}


def test_tags_lose_their_quotes():
    brought("tags.csv")
    tags = {addresses(contact)[0]: {tag.name for tag in contact.tags.all()} for contact in Contact.objects.all()}
    assert (tags["tg1"], tags["tg3"], tags["tg5"]) == ({"VIP"}, {"A", "B"}, {"Fair 2026", "VIP"})


def test_the_sheet_that_holds_the_list_is_read_and_the_others_named():
    run = brought("second_sheet.xlsx")
    assert Contact.objects.count() > 0
    assert said(run, "The workbook also has")


def test_rows_that_a_filter_hides_are_pointed_out():
    assert said(brought("filtered.xlsx"), "hidden in the sheet")


@pytest.mark.parametrize("name", ["pasted_list.txt", "one_column.txt"])
def test_a_plain_list_is_a_contact_an_address(name: str):
    brought(name)
    assert sorted(len(addresses(contact)) for contact in Contact.objects.all()) == [1, 1, 1]


def test_recipients_of_a_mail_client_are_read_from_a_file_as_they_are_when_pasted():
    text = '"Lee, Ann" <ann@x.example>, Bob Ray <bob@x.example>; cy@x.example\ndee@x.example eve@x.example\n'
    done(text, name="list.txt")
    assert {contact.name for contact in Contact.objects.all()} == {"Ann Lee", "Bob Ray", ""}
    assert Contact.objects.count() == 5


WELL = {
    "outlook.csv": 1, "linkedin.csv": 1, "apple.vcf": 2, "semi_de.csv": 3, "utf16.txt": 1, "mac_cr.csv": 2,
    "mixed_line_endings.csv": 3, "phones.csv": 11, "countries.csv": 27, "espo.csv": 1, "emailaddr_headers.csv": 1,
    "header_spaces.csv": 1, "nbsp_company.csv": 5, "htmlent.csv": 2, "mojibake.csv": 1, "dup_columns.csv": 2,
}  # fmt: skip


@pytest.mark.parametrize(("name", "number"), WELL.items())
def test_other_files_are_read_well(name: str, number: int):
    brought(name)
    assert Contact.objects.count() == number


def test_the_note_of_a_card_is_kept():
    brought("apple.vcf")
    notes = [each.text for each in by_name("vc1").activities.filter(kind="note")]
    assert notes == ["met at the fair, nice\nperson"]


def test_what_a_web_page_did_to_names_is_undone():
    brought("htmlent.csv")
    he = by_name("he1")
    assert (he.first_name, he.last_name, str(he.company)) == ("André", "O'Neil", "Smith & Sons")
    brought("mojibake.csv")
    assert by_name("mj1").name == "René Müller"


def test_greece_is_greece_and_no_country_is_invented():
    brought("countries.csv")
    assert (by_name("co12").country, by_name("co3").country, by_name("co24").country) == ("GR", "US", "")


# Not those that are refused, and not the one that is quarantined, which the command ends.
FILES = sorted(
    path.name
    for path in LISTS.glob("*")
    if not path.name.startswith(("sup_", "export_", "empty", "only_", "date_", "addresses"))
)


FEW = ("hubspot.csv", "mailchimp_unsub.csv", "mangled.csv", "several.csv", "second_sheet.xlsx", "apple.vcf")


@pytest.mark.parametrize(
    "name", [name if name in FEW else pytest.param(name, marks=pytest.mark.full) for name in FILES]
)
def test_every_door_makes_the_same_of_it(name: str, tmp_path: Path):
    admin = a_user("admin", email="admin@rebound.example")
    a_contact("vc1@case-b.example.net", first_name="Johnny", last_name="Appleseed", external_id="abc-123", owner=None)
    body = (LISTS / name).read_bytes()
    found = {}
    for door, bring in DOORS.items():
        with transaction.atomic():
            told = bring(
                admin, Brought(name, body, {}, {"change_others": True, "source": "a list", "path": tmp_path / name})
            )
            found[door] = (told, _comparable(outcome()))
            transaction.set_rollback(True)
    first_told, first = found.pop("page")
    for door, (told, made) in found.items():
        for part, expected in first.items():
            assert made[part] == expected, f"the {door}’s {part}"
        assert told == first_told, f"what the {door} tells"


def _comparable(found: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key != "options"}
