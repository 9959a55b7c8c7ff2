"""A list that is pasted into the wizard: from a mail client, from a spreadsheet, as addresses alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contacts.importing import pasted
from contacts.models import Contact, ImportRun
from tests.builders import a_user
from tests.contacts.test_import_pages import a_file, act, choose, page

pytestmark = pytest.mark.django_db

ANN_BOB = "Name,Email\nAnn Lee,ann@b.example\n,bob@b.example\n"


@pytest.fixture
def manager(client: Client):
    user = a_user("manager")
    client.force_login(user)
    return user


def paste(client: Client, text: str, **said: Any):
    return client.post(reverse("contacts:import"), {"pasted": text, **said})


@pytest.mark.parametrize(
    "text",
    [
        "Ann Lee <ann@b.example>, bob@b.example",
        "Ann Lee <ann@b.example>; <bob@b.example>;",
        "Ann Lee <ann@b.example>\r\nbob@b.example\r\n",
        "To: 'Ann Lee' <ann@b.example>,\r\n mailto:bob@b.example",
        "• Ann Lee (ann@b.example)\n• bob@b.example",
        "Ann Lee ann@b.example\n\nbob@b.example",
    ],
)
def test_recipients_become_a_table_of_names_and_addresses(text: str):
    told = pasted.file_of(text).decode().replace("mailto:", "")
    assert told == ANN_BOB


def test_a_comma_in_a_name_belongs_to_it():
    outlook = 'Lee, Ann <ann@b.example>; "Ray, Bob" <bob@b.example>'
    assert pasted.file_of(outlook) == b'Name,Email\n"Lee, Ann",ann@b.example\n"Ray, Bob",bob@b.example\n'


def test_addresses_between_blanks_are_one_row_each():
    assert pasted.file_of("ann@b.example bob@b.example") == b"Name,Email\n,ann@b.example\n,bob@b.example\n"


def test_what_is_no_address_stays_to_be_told_of():
    assert pasted.file_of("ann@b.example, bob@, cy@b.example").splitlines()[2] == b",bob@"


@pytest.mark.parametrize(
    "text",
    [
        "email,first_name\nann@b.example,Ann\n",
        "Name\tEmail\nAnn Lee\tann@b.example\n",
        "Ann,Lee,ann@b.example\nBob,Ray,bob@b.example\n",
        "ann@b.example,Ann\nbob@b.example,Bob\n",
        '"Ann","ann@b.example"\n',
        "Ann Lee <ann@b.example>, Bob\n",
        "",
    ],
)
def test_tables_stay_as_they_are(text: str):
    assert pasted.file_of(text).decode() == text


def test_recipients_become_contacts(client: Client, manager, run_jobs: Callable[[], None]):
    answer = paste(client, 'Ann Lee <ann@b.example>, "Ray, Bob" <bob@b.example>; cy@b.example')
    run = ImportRun.objects.get()
    assert (answer.url, run.name) == (reverse("contacts:import_columns", args=[run.pk]), "pasted list.txt")
    form = page(client, run, "import_columns").context["form"]
    choose(client, run, *[guess.word for guess, _ in form.rows()])
    run_jobs()
    act(client, run, "confirm")
    run_jobs()
    named = Contact.objects.order_by("pk").values_list("first_name", "last_name")
    assert list(named) == [("Ann", "Lee"), ("Bob", "Ray"), ("", "")]


def test_cells_copied_from_a_spreadsheet_are_a_table(client: Client, manager):
    paste(client, "Vorname\tE-Mail\r\nAnn\tann@b.example\r\n")
    assert ImportRun.objects.get().mapping == {"Vorname": "first_name", "E-Mail": "email"}


def test_letters_of_any_language_survive_whatever_the_file_format_says(client: Client, manager):
    paste(client, "Vorname\tE-Mail\r\nZoë 王\tann@b.example\r\n", encoding="cp1252")
    assert "Zoë 王" in page(client, ImportRun.objects.get(), "import_columns").content.decode()


def test_a_pasted_list_that_cannot_be_read_is_kept_in_its_box(client: Client, manager):
    told = paste(client, "nobody\tat all\r\n")
    assert told.status_code == 400
    assert "nobody\tat all" in told.content.decode()
    assert not ImportRun.objects.exists()


def test_a_file_and_a_pasted_list_at_once_are_refused_with_the_text_kept(client: Client, manager):
    told = paste(client, "ann@b.example", file=a_file("email\nbob@b.example\n"))
    assert (told.status_code, "ann@b.example" in told.content.decode()) == (400, True)


def test_a_pasted_list_that_is_too_long_is_refused(client: Client, manager, settings):
    assert paste(client, "ann@b.example\n" * 80_000).status_code == 413
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100_000
    told = paste(client, "ann@b.example\n" * 20_000)
    assert (told.status_code, "Save it as a file" in told.content.decode()) == (413, True)


def test_nothing_is_read_of_a_pasted_list_without_a_token():
    strict = Client(enforce_csrf_checks=True)
    assert paste(strict, "ann@b.example").status_code == 302  # to the sign-in
    strict.force_login(a_user("manager"))
    assert paste(strict, "ann@b.example").status_code == 403
    assert not ImportRun.objects.exists()
