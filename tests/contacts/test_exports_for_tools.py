"""Files for other tools: their own headers, cells as they are, and the same people when our import reads them back."""

from __future__ import annotations

import csv
import io
from typing import Any

import openpyxl  # type: ignore[import-untyped]  # has no types
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from bounces.models import DailyStat
from bounces.spreadsheet import csv_cell, restore, safe_cell
from contacts.countries import COUNTRIES
from contacts.country_words import country_code
from contacts.exporting import runs
from contacts.exporting.presets import presets
from contacts.external_ids import set_pairs
from contacts.importing.headers import export_of, word_of
from contacts.models import Contact, Export
from tests.builders import NOW, a_campaign, a_contact, a_suppression, a_user
from tests.contacts.exporting import body, clock, new
from tests.contacts.importing import done, previewed

pytestmark = pytest.mark.django_db

PRESETS = sorted(presets())
FORMS = ("csv", "xlsx")
OURS = {"first_name", "last_name", "title", "company", "phone", "country", "owner", "source", "email", "other_emails",
        "tags"}  # fmt: skip


def a_house() -> None:
    owner = a_user("sales", email="sam@rebound.example")
    ada = a_contact("ada@example.org", others=("ada@home.example", "a@b.example"), first_name="Ada", last_name="Löwe",
                    title="CTO", company="Engines, Ltd", owner=owner, phone="+4930901820", country="DE", source="Fair",
                    tags=("vip", "a;b"))  # fmt: skip
    set_pairs(ada, [("hubspot", "1815"), ("salesforce", "003A1")])
    a_contact("bob@example.org", first_name="Bob", last_name="=Sum", phone="+18005550100", country="US", tags=("lone",))
    a_contact("eve@example.org", last_name="O'Hara", tags=("one", "two"))


def written(preset: str, form: str = "csv", keys: tuple[str, ...] = ()) -> bytes:
    return b"".join(runs.stream("contacts", form, {}, keys, a_user("manager"), NOW, preset))


def cells(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode())))


def people(words: set[str]) -> list[dict[str, Any]]:
    """What a file with these words can say of everybody."""
    found: list[dict[str, Any]] = []
    for contact in Contact.objects.present().order_by("contact_addresses__address__email").distinct():
        addresses = contact.contact_addresses.order_by("-is_primary", "pk")
        emails = [each.address.email for each in addresses]
        said = {
            **{word: getattr(contact, word) for word in ("first_name", "last_name", "title", "phone", "country")},
            "company": str(contact.company or ""),
            "owner": contact.owner.email if contact.owner else "",
            "source": contact.source,
            "email": emails[0],
            "other_emails": sorted(emails[1:]),
            "tags": sorted(tag.name for tag in contact.tags.all()),
        }
        if said["email"] not in {each["email"] for each in found}:
            found.append({word: value for word, value in said.items() if word in words or word == "email"})
    return found


# --- phones and plain cells


@pytest.mark.parametrize("phone", ["+4930901820", "+18005550100", "+123456"])
def test_a_phone_number_gets_no_apostrophe_in_any_form(phone: str):
    assert csv_cell(phone) == safe_cell(phone) == restore(phone) == phone
    assert restore(csv_cell(f"'{phone}")) == f"'{phone}"


@pytest.mark.parametrize(
    "cell", ["+49 30=1", "+1+cmd|' /C calc'!A0", "+4930;=1+1", "+A1", "+12345678901234567", "+1-2"]
)
def test_what_only_begins_like_a_phone_number_gets_one(cell: str):
    assert csv_cell(cell).startswith("'+")


def test_a_workbook_keeps_phone_numbers_as_texts():
    a_house()
    for preset in ("", "tool", "hubspot"):
        sheet = openpyxl.load_workbook(io.BytesIO(written(preset, "xlsx"))).active
        found = [cell for row in sheet.iter_rows() for cell in row if cell.value == "+4930901820"]
        assert [cell.data_type for cell in found] == ["s"]


def test_a_file_for_another_tool_has_each_cell_as_it_is_and_no_mark_in_front():
    a_house()
    assert written("tool", keys=("email", "last_name", "phone")).decode().splitlines()[:3] == [
        "email,last_name,phone",
        "ada@example.org,Löwe,+4930901820",
        "bob@example.org,=Sum,+18005550100",
    ]


def test_without_a_preset_formulas_stay_harmless():
    a_house()
    assert "'=Sum" in written("").decode()
    assert written("").startswith(b"\xef\xbb\xbf")


def test_no_cell_of_a_plain_workbook_is_a_formula():
    a_house()
    book = openpyxl.load_workbook(io.BytesIO(written("tool", "xlsx")))
    assert {cell.data_type for row in book.active.iter_rows() for cell in row if cell.value is not None} == {"s"}


# --- presets


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("preset", PRESETS)
def test_our_import_finds_nothing_new_in_a_file_for_a_tool(preset: str, form: str):
    a_house()
    before = people(OURS)
    run = previewed(written(preset, form), by=a_user("manager"), name=f"people.{form}")
    assert (run.state, run.counts) == ("ready", {"unchanged": 3})
    assert people(OURS) == before


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("preset", PRESETS)
def test_our_import_makes_the_same_people_of_it_where_nobody_is(preset: str, form: str):
    a_house()
    words = set(presets()[preset].columns.values())
    before, file = people(words), written(preset, form)
    Contact.objects.all().delete()
    done(file, by=a_user("manager"), name=f"people.{form}")
    Contact.objects.filter(source=f"people.{form}").update(source="")  # what an import says of people of no source
    assert people(words) == before


@pytest.mark.parametrize("preset", PRESETS)
def test_our_import_knows_each_of_its_headers(preset: str):
    headers = list(presets()[preset].columns)
    export = export_of(headers)
    for header, word in presets()[preset].columns.items():
        expected = {"id": "external_id", "opted_out": ""}.get(word, word)
        assert word_of(header, export) == expected, header


@pytest.mark.parametrize("code", COUNTRIES)
def test_each_country_is_read_back_from_its_name(code: str):
    assert country_code(COUNTRIES[code]) == code


def test_ids_are_those_of_the_tool_itself():
    a_house()
    assert [row["Record ID"] for row in cells(written("hubspot"))] == ["1815", "", ""]
    assert [row["Contact ID"] for row in cells(written("salesforce"))] == ["003A1", "", ""]


@pytest.mark.parametrize("preset", [key for key, each in presets().items() if each.without_refused])
def test_who_may_not_be_emailed_is_left_out_where_a_tool_has_no_column_for_it(preset: str):
    a_house()
    a_suppression("bob@example.org", reason="unsubscribe")
    a_contact("gone@example.org", status="invalid")
    file = written(preset).decode()
    assert "eve@example.org" in file
    assert "bob@example.org" not in file
    assert "gone@example.org" not in file


def test_salesforce_is_told_who_opted_out():
    a_house()
    a_suppression("bob@example.org", reason="unsubscribe")
    assert [(row["Email"], row["Email Opt Out"]) for row in cells(written("salesforce"))] == [
        ("ada@example.org", "FALSE"),
        ("bob@example.org", "TRUE"),
        ("eve@example.org", "FALSE"),
    ]


def test_every_preset_says_what_becomes_of_opt_outs():
    for preset in presets().values():
        assert preset.said
        assert preset.without_refused or "opted_out" in preset.columns.values() or "not be emailed" in preset.said


# --- the doors


def test_the_page_offers_presets_for_contacts_and_says_what_a_plain_file_means(client: Client):
    client.force_login(a_user("manager"))
    page = client.get(reverse("contacts:export_new")).content.decode()
    for name in ("HubSpot", "Salesforce", "Mailchimp", "Google Contacts", "Another tool"):
        assert name in page
    assert "Do not open this file in a spreadsheet if contacts come from strangers" in page
    others = client.get(f"{reverse('contacts:export_new')}?what=bounces").content.decode()
    assert "HubSpot" not in others
    assert "Another tool" in others


def test_the_page_makes_a_file_for_a_tool_whatever_columns_are_ticked(client: Client):
    a_house()
    client.force_login(a_user("manager"))
    response = new(client, preset="mailchimp", columns=[])
    assert "contacts-mailchimp-" in response["Content-Disposition"]
    assert body(response).splitlines()[0].startswith("Email Address,First Name,Last Name")


def test_a_long_file_for_a_tool_is_made_by_the_worker(client: Client, monkeypatch):
    monkeypatch.setattr("contacts.views.exporting.DIRECT", 1)
    a_house()
    client.force_login(a_user("manager"))
    new(client, preset="google")
    runs.work(clock)
    export = Export.objects.get()
    assert (export.preset, export.state, export.done) == ("google", "done", 3)
    assert b"".join(runs.body_of(export)).startswith(b"First Name,Last Name,Organization Name")


def test_the_command_writes_a_file_for_a_tool(tmp_path):
    a_house()
    call_command("export_contacts", str(tmp_path / "people.csv"), "--preset", "hubspot")
    assert (tmp_path / "people.csv").read_text().startswith("Record ID,First Name")
    with pytest.raises(CommandError, match="The columns are those of HubSpot"):
        call_command("export_contacts", str(tmp_path / "p.csv"), "--preset", "hubspot", "--columns", "email")


# --- campaigns


def test_campaigns_are_exported_with_their_numbers(client: Client):
    campaign = a_campaign("Spring", members=(a_contact("ada@example.org"),), state="running")
    a_campaign("Autumn", state="finished")
    DailyStat.objects.create(day=NOW.date(), dimension="campaign", key=campaign.key, attempted=40, bounced=3, hard=3,
                             delivered=37)  # fmt: skip
    client.force_login(a_user("manager"))
    keys = ["name", "state", "members", "attempted", "bounced", "bounce_rate"]
    assert body(new(client, "?what=campaigns", columns=keys)).splitlines() == [
        "Name,State,Members,Sent,Bounced,Bounce rate (%)",
        "Autumn,Finished,0,0,0,",
        "Spring,Running,1,40,3,7.5",
    ]
    assert "Spring" not in body(new(client, "?what=campaigns&state=finished", columns=keys))


def test_the_list_of_campaigns_leads_to_its_export(client: Client):
    client.force_login(a_user("manager"))
    page = client.get(f"{reverse('contacts:campaigns')}?state=running").content.decode()
    assert f"{reverse('contacts:export_new')}?what=campaigns&amp;state=running" in page


def test_sales_export_only_the_campaigns_they_see(client: Client, settings):
    settings.SALES_SEE = "team"
    a_campaign("Theirs", owner=a_user("sales"))
    client.force_login(a_user("sales"))
    assert "Theirs" not in body(new(client, "?what=campaigns", columns=["name"]))
