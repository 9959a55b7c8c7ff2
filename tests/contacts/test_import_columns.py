"""What columns and cells mean: ten languages, eight tools, phones, days and countries."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.conf import settings

from bounces.plain_names import plain_name
from contacts.country_words import country_code
from contacts.importing.columns import DERIVED
from contacts.importing.formats import SheetDataset
from contacts.importing.guessing import guess
from contacts.importing.headers import export_of, exports, word_of, word_of_name
from contacts.importing.options import Options
from contacts.importing.reading import read_sheet
from contacts.importing.report import ImportReport
from contacts.importing.resources import COLUMNS, ContactResource
from contacts.importing.values import Order, is_ambiguous, order_of, read_day, read_phone, same_phone
from contacts.models import Contact
from tests.builders import a_contact, a_custom_field

pytestmark = pytest.mark.django_db


def imported(text: str) -> ImportReport:
    resource = ContactResource(origin="people.csv", options=Options(source="people.csv"))
    return resource.report(resource.import_data(SheetDataset(read_sheet(text.encode()))))


LANGUAGES = {
    "English": "E-mail address,First name,Last name,Company,Job title,Phone,Country",
    "German": "E-Mail-Adresse,Vorname,Nachname,Firma,Position,Telefon,Land",
    "French": "Courriel,Prénom,Nom,Société,Fonction,Téléphone,Pays",
    "Spanish": "Correo electrónico,Nombre,Apellidos,Empresa,Cargo,Teléfono,País",
    "Italian": "Indirizzo e-mail,Nome,Cognome,Azienda,Ruolo,Telefono,Paese",
    "Portuguese": "Endereço de e-mail,Primeiro nome,Sobrenome,Empresa,Função,Telefone,País",
    "Dutch": "E-mailadres,Voornaam,Achternaam,Bedrijf,Functie,Telefoon,Land",
    "Polish": "Adres e-mail,Imię,Nazwisko,Firma,Stanowisko,Numer telefonu,Kraj",
    "Russian": "Электронная почта,Имя,Фамилия,Компания,Должность,Телефон,Страна",
    "Japanese": "メールアドレス,名,姓,会社名,役職,電話番号,国",
}
EXPORTS = {
    "HubSpot": "Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Lifecycle Stage,Country/Region",
    "Salesforce": "Salutation,First Name,Last Name,Title,Account Name,Email,Phone,Mailing Country,Lead Source",
    "Pipedrive": "Person - Name,Person - First name,Person - Last name,Person - Email - Work,Person - Organization",
    "Apollo": "First Name,Last Name,Title,Company,Company Name for Emails,Email,Seniority,Apollo Contact Id,Country",
    "Outreach": "Prospect ID,First Name,Last Name,Title,Account,Emails,Work Phones,Mobile Phones,Tags,Engaged Score",
    "Mailchimp": "Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,CC,LEID,EUID,TAGS",
    "Google Contacts": "First Name,Last Name,Organization Name,Labels,E-mail 1 - Label,E-mail 1 - Value",
    "Outlook": "Title,First Name,Last Name,Company,Job Title,E-mail Address,E-mail Type,E-mail Display Name",
}


@pytest.mark.parametrize("header", LANGUAGES.values(), ids=LANGUAGES)
def test_headers_of_ten_languages_are_known(header: str):
    assert [word_of(name) for name in header.split(",")] == [
        "email", "first_name", "last_name", "company", "title", "phone", "country",
    ]  # fmt: skip


@pytest.mark.parametrize(("tool", "header"), EXPORTS.items(), ids=EXPORTS)
def test_exports_of_other_tools_are_known(tool: str, header: str):
    export = export_of(header.split(","))
    assert export is not None
    assert export.name == tool
    assert {"email", "last_name"} <= {made.word for made in guess(header.split(","), [])}


def test_a_mister_is_no_job_title():
    header = EXPORTS["Outlook"].split(",")
    assert {made.word: made.header for made in guess(header, [])}["title"] == "Job Title"


def test_names_and_signs_mean_our_words():
    words = {*COLUMNS, ""}
    assert set(word_of_name().values()) <= words
    assert all(set(export.columns.values()) <= words for export in exports())
    assert all(export.signs for export in exports())


def test_guesses_say_how_sure_they_are_and_why():
    rows = [["yes", "ada@example.org", "+49 30 901820", "Germany", "x"], ["no", "bob@example.org", "", "France", "y"]]
    made = guess(["Mail", "A", "B", "C", "D"], rows)
    assert [(each.word, each.confidence) for each in made] == [
        ("email", "likely"), ("", "none"), ("phone", "likely"), ("country", "likely"), ("", "none"),
    ]  # fmt: skip
    assert "do not look like addresses" in made[0].why
    assert (made[1].looks_like, made[1].samples) == ("address", ("ada@example.org", "bob@example.org"))


def test_columns_without_names_are_guessed_by_their_cells():
    sheet = read_sheet(b"Ada,ada@example.org\nBob,bob@example.org\n")
    made = guess(sheet.headers, sheet.rows)
    assert [(each.header, each.word, each.confidence) for each in made] == [
        ("Column A", "", "none"), ("Column B", "email", "likely"),
    ]  # fmt: skip


def test_a_word_is_given_once_and_what_is_derived_is_told():
    made = guess(["Email", "E-Mail", "Status"], [], derived=DERIVED)
    assert [(each.word, each.is_derived) for each in made] == [("email", False), ("", False), ("", True)]


def test_plain_names_lose_case_accents_and_punctuation():
    assert plain_name(" E-Mail—Adresse: ") == plain_name("E_MAIL ADRESSE") == "e_mail_adresse"


def test_a_second_phone_column_is_left_out_and_said():
    report = imported("email,Phone,Mobile\nada@example.org,+49 30 901820,+49 171 9018200\n")
    assert Contact.objects.get().phone == "+4930901820"
    assert any("“Mobile” is left out: “Phone” is read for it." in notice for notice in report.notices)


# --- phones -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "region", "kept"),
    [
        ("+49 30 901820", "", "+4930901820"),
        ("+49 (0)30 901820", "", "+4930901820"),
        ("0049 30 901820", "", "+4930901820"),
        ("030 901820", "DE", "+4930901820"),
        ("(212) 555-0123", "US", "+12125550123"),
        ("030 901820", "", "030 901820"),
        ("+49 30", "", "+49 30"),
        ("+1 212 555 0123 ext. 5", "", "+1 212 555 0123 ext. 5"),
        ("ask Ada", "DE", "ask Ada"),
    ],
)
def test_phone_numbers_become_e164_or_stay(text: str, region: str, kept: str):
    assert read_phone(text, region) == kept


def test_the_country_column_says_where_a_number_is():
    imported("email,phone,country\nada@example.org,030 901820,Deutschland\n")
    ada = Contact.objects.get()
    assert (ada.phone, ada.country) == ("+4930901820", "DE")


def test_the_setting_says_it_where_no_column_does(settings):
    settings.PHONE_REGION = "FR"
    imported("email,phone\nada@example.org,01 42 68 53 00\n")
    assert Contact.objects.get().phone == "+33142685300"


def test_the_same_number_written_differently_changes_nothing():
    a_contact("ada@example.org", phone="030 / 901820", country="DE")
    assert imported("email,phone,country\nada@example.org,+49 30 901820,DE\n").unchanged == 1
    assert same_phone("+49 (0)30 901820", "+4930901820")
    assert not same_phone("+4930901821", "+4930901820")
    assert not same_phone("", "+4930901820")


# --- days -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("2026-05-31", "2026-05-31"),
        ("2026/5/1", "2026-05-01"),
        ("20260531", "2026-05-31"),
        ("2026-05-31 10:05:00", "2026-05-31"),
        ("2026-05-31T10:05:00Z", "2026-05-31"),
        ("31.5.2026", "2026-05-31"),
        ("03/04/2026", "2026-04-03"),
        ("31/05/26", "2026-05-31"),
        ("31/05/70", "1970-05-31"),
        ("5 May 2026", "2026-05-05"),
        ("May 5th, 2026", "2026-05-05"),
    ],
)
def test_days_are_read(text: str, kept: str):
    assert read_day(text) == kept


@pytest.mark.parametrize(
    "text", ["45123", "31/02/2026", "13/13/2026", "tomorrow", "2026-13-01", "0000-00-00", "5 Foo 2026"]
)
def test_what_is_no_day_says_so(text: str):
    with pytest.raises(ValueError, match=r"not a date|number for a day"):
        read_day(text)


def test_a_column_tells_its_order_itself():
    assert order_of(["03/04/2026", "03/14/2026"]) == Order.MONTH_FIRST
    assert order_of(["03/04/2026", "14/03/2026"]) == Order.DAY_FIRST
    assert order_of(["03/04/2026"]) is None
    assert is_ambiguous(["03/04/2026"])
    assert not is_ambiguous(["03/03/2026", "2026-01-02"])


def test_ambiguous_days_are_read_in_the_set_order_and_said(settings):
    settings.DATE_ORDER = "mdy"
    a_custom_field("signed", "date")
    report = imported("email,signed\nada@example.org,03/04/2026\n")
    assert Contact.objects.get().custom == {"signed": "2026-03-04"}
    assert any("two ways" in notice and "month/day/year" in notice for notice in report.notices)


def test_a_day_that_does_not_fit_its_column_costs_itself_and_is_said():
    a_custom_field("signed", "date")
    report = imported("email,signed\na@x.example,31/05/2026\nb@x.example,05/32/2026\nc@x.example,45123\n")
    assert (report.new, report.problems) == (3, ())
    assert any("“signed”: 2 cells could not be read" in notice for notice in report.notices)
    assert [contact.custom for contact in Contact.objects.order_by("id")] == [{"signed": "2026-05-31"}, {}, {}]


def test_a_day_that_only_the_other_order_can_read_is_read_in_it():
    a_custom_field("signed", "date")
    imported("email,signed\na@x.example,31/05/2026\nb@x.example,05/31/2026\n")
    assert {contact.custom["signed"] for contact in Contact.objects.all()} == {"2026-05-31"}


# --- countries --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("DE", "DE"), ("de", "DE"), ("DEU", "DE"), ("Germany", "DE"), ("Deutschland", "DE"), ("Allemagne", "DE"),
        ("Niemcy", "DE"), ("Германия", "DE"), ("ドイツ", "DE"), ("UK", "GB"), ("England", "GB"), ("U.S.A.", "US"),
        ("United States of America", "US"), ("Côte d'Ivoire", "CI"), ("The Netherlands", "NL"), ("Türkiye", "TR"),
        ("Atlantis", ""), ("", ""), ("x" * 10_000, ""),
    ],
)  # fmt: skip
def test_countries_are_known_by_code_and_name(text: str, code: str):
    assert country_code(text) == code


def test_names_of_countries_do_not_bring_the_area_codes_of_the_world_into_memory():
    asks = "import sys; from contacts.country_words import country_code as c; print(c('Niemcy'))"
    told = subprocess.run(
        [sys.executable, "-c", f"{asks}; print('phonenumbers.geodata.data0' in sys.modules)"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["DE", "False"]
