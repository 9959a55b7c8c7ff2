"""The import's pages: a file, its columns, the preview, the report, undo."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pytest
from django.test import Client
from django.urls import reverse

from contacts.models import Contact, CustomField, ImportRun, SavedMapping
from contacts.views import importing
from tests.builders import a_contact, a_custom_field, a_note, a_user
from tests.contacts.importing import done

pytestmark = pytest.mark.django_db


def a_file(text: str, name: str = "people.csv") -> BytesIO:
    file = BytesIO(text.encode())
    file.name = name
    return file


@pytest.fixture
def manager(client: Client):
    user = a_user("manager")
    client.force_login(user)
    return user


def upload(client: Client, text: str) -> ImportRun:
    answer = client.post(reverse("contacts:import"), {"file": a_file(text)})
    run = ImportRun.objects.latest("pk")
    assert answer.url == reverse("contacts:import_columns", args=[run.pk])
    return run


def choose(client: Client, run: ImportRun, *words: str, **said: str):
    chosen = {f"word-{at}": word for at, word in enumerate(words)}
    return client.post(reverse("contacts:import_columns", args=[run.pk]), {"update": "overwrite", **chosen, **said})


def page(client: Client, run: ImportRun, name: str = "import_run", **params: str):
    return client.get(reverse(f"contacts:{name}", args=[run.pk]), params)


def act(client: Client, run: ImportRun, name: str, **said: str):
    return client.post(reverse(f"contacts:import_{name}", args=[run.pk]), said)


def test_the_whole_way(client: Client, manager, run_jobs: Callable[[], None]):
    run = upload(client, "E-Mail,Vorname,Notes\nada@example.org,Ada,x\nnot one,Eve,y\n")
    columns = page(client, run, "import_columns").content.decode()
    assert "Vorname" in columns
    assert choose(client, run, "email", "first_name", "").url == run.get_absolute_url()
    run_jobs()
    preview = page(client, run)
    assert b"Preview ready" in preview.content
    assert not Contact.objects.exists()
    act(client, run, "confirm")
    run_jobs()
    report = page(client, run)
    assert (report.status_code, Contact.objects.get().first_name) == (200, "Ada")
    failed = b"".join(page(client, run, "import_failed").streaming_content).decode("utf-8-sig").splitlines()
    assert failed[0] == "E-Mail,Vorname,Notes,error"
    assert failed[1].startswith("not one,Eve,y,")
    assert b"1 contact that the import created" in page(client, run, "import_undo").content
    act(client, run, "undo", reason="The wrong file.")
    run_jobs()
    assert not Contact.objects.exists()
    assert b"The wrong file." in page(client, run).content


def test_the_report_shows_the_rows_of_one_outcome(client: Client, manager):
    run = done("email\nada@example.org\nnot one\n", by=manager)
    shown = page(client, run, rows="invalid").content.decode()
    assert "is not an e-mail address" in shown
    assert "ada@example.org" not in shown


def test_columns_are_guessed_and_kept_for_the_next_file(client: Client, manager):
    run = upload(client, "Work contact,Given\nada@example.org,Ada\n")
    form = page(client, run, "import_columns").context["form"]
    assert next(guess.word for guess, _ in form.rows()) == "email"
    choose(client, run, "email", "first_name", save_as="Our tool")
    assert SavedMapping.objects.get().mapping == {"work contact": "email", "given": "first_name"}
    again = upload(client, "Given,Work contact\nBob,bob@example.org\n")
    assert "Filled in by “Our tool”" in page(client, again, "import_columns").content.decode()


def test_the_columns_of_a_smaller_file_are_not_taken_for_those_of_a_larger_one(client: Client, manager):
    choose(client, upload(client, "email,phone\na@x.example,1\n"), "email", "", save_as="Small")
    same = page(client, upload(client, "email,phone\nb@x.example,2\n"), "import_columns").context
    larger = page(client, upload(client, "email,phone,first_name\nc@x.example,3,Cy\n"), "import_columns").context
    assert (same["saved"].mapping, larger["saved"]) == ({"email": "email", "phone": ""}, None)
    assert [field.value() for _, field in same["form"].rows()] == ["email", ""]
    assert [field.value() for _, field in larger["form"].rows()] == ["email", "phone", "first_name"]


def test_a_column_can_become_a_new_field(client: Client, manager, run_jobs: Callable[[], None]):
    run = upload(client, "email,Team size\nada@example.org,12\n")
    choose(client, run, "email", "new:number")
    run_jobs()
    act(client, run, "confirm")
    run_jobs()
    assert (CustomField.objects.get().key, Contact.objects.get().custom) == ("team_size", {"team_size": 12})


def test_rows_that_change_nothing_are_counted_and_no_empty_table_is_shown(client: Client, manager, run_jobs):
    a_contact("ada@example.org", first_name="Ada")
    run = upload(client, "email,first_name\nada@example.org,Ada\nbob@example.org,Bob\n")
    choose(client, run, "email", "first_name")
    run_jobs()
    shown = page(client, run, "import_run")
    assert shown.context["run"].counts["unchanged"] == 1
    assert ('id="new"' in shown.content.decode(), 'id="unchanged"' in shown.content.decode()) == (True, False)


def test_columns_that_cannot_be_meant_are_told(client: Client, manager):
    a_custom_field("size")
    run = upload(client, "email,x\nada@example.org,1\n")
    for words, says in ((("email", "email"), "Two columns mean"), (("", "custom.size"), "No column holds the e-mail")):
        answer = choose(client, run, *words)
        assert answer.status_code == 400
        assert says in answer.content.decode()


def test_a_file_that_cannot_be_read_is_refused_and_not_kept(client: Client, manager):
    for text, says in (("", "empty"), ("email\n", "no rows")):
        answer = client.post(reverse("contacts:import"), {"file": a_file(text)})
        assert answer.status_code == 400
        assert says in answer.content.decode()
    assert client.post(reverse("contacts:import")).status_code == 400
    assert not ImportRun.objects.exists()


def test_a_file_over_the_cap_is_refused(client: Client, manager, settings):
    settings.IMPORT_CAP = 10
    assert client.post(reverse("contacts:import"), {"file": a_file("email\nada@example.org\n")}).status_code == 400


def test_a_request_far_over_the_cap_is_refused_before_it_is_read(client: Client, manager, settings):
    settings.IMPORT_CAP = 10
    told = client.post(reverse("contacts:import"), {"file": a_file("email\n")}, CONTENT_LENGTH=2**30)
    assert (told.status_code, "Nothing was read" in told.content.decode()) == (413, True)


def test_a_preview_is_confirmed_once_and_by_its_own_person(client: Client, manager, run_jobs: Callable[[], None]):
    run = upload(client, "email\nada@example.org\n")
    choose(client, run, "email")
    run_jobs()
    other = Client()
    other.force_login(a_user("manager"))
    act(other, run, "confirm")
    assert other.get(reverse("contacts:import_columns", args=[run.pk])).status_code == 404
    run.refresh_from_db()
    assert run.state == "ready"
    act(client, run, "confirm")
    act(client, run, "confirm")
    run_jobs()
    assert Contact.objects.count() == 1


def test_a_running_import_tells_how_far_it_is_and_can_be_cancelled(client: Client, manager):
    run = upload(client, "email\nada@example.org\n")
    choose(client, run, "email")
    assert b"Waiting for a worker" in page(client, run).content
    assert "HX-Refresh" not in page(client, run, "import_progress").headers
    act(client, run, "cancel")
    assert page(client, run, "import_progress").headers["HX-Refresh"] == "true"
    assert b"Cancelled by" in page(client, run).content


def test_a_quarantined_list_is_let_in_by_a_manager_who_says_why(client: Client, manager, run_jobs: Callable[[], None]):
    run = upload(client, "email\n" + "".join(f"p{n}@mailinator.com\n" for n in range(120)))
    choose(client, run, "email")
    run_jobs()
    assert "quarantined" in page(client, run).content.decode()
    act(client, run, "confirm")
    assert not Contact.objects.exists()
    act(client, run, "confirm", reason="They all opted in.")
    run_jobs()
    run.refresh_from_db()
    assert (run.state, run.release_reason) == ("done", "They all opted in.")


def test_a_held_import_says_what_it_waits_for(client: Client, manager, run_jobs: Callable[[], None], settings):
    settings.IMPORT_BATCH = 20
    run = upload(client, "email\n" + "".join(f"p{n}@mailinator.com\n" for n in range(120)))
    choose(client, run, "email")
    run_jobs()
    act(client, run, "confirm", reason="They all opted in.")
    run_jobs()
    assert "0 of the 20 addresses" in page(client, run).content.decode()
    act(client, run, "next")
    assert Contact.objects.count() == 20


def test_before_an_undo_the_page_says_what_stays_and_why(client: Client, manager, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importing, "STAYING", 2)
    run = done("email\n" + "".join(f"{name}@x.example\n" for name in "abcd"), by=manager)
    for contact in Contact.objects.exclude(contact_addresses__address__email="a@x.example"):
        a_note(contact)
    first = page(client, run, "import_undo")
    assert [row.email for row in first.context["rows"]] == ["b@x.example", "c@x.example"]
    assert "Something happened with it since." in first.content.decode()
    rest = page(client, run, "import_undo", after=str(first.context["stay"].following))
    assert [row.email for row in rest.context["rows"]] == ["d@x.example"]
    assert "Further rows" not in rest.content.decode()
    assert page(client, run, "import_undo", after="x").context["rows"][0].email == "b@x.example"


@pytest.mark.parametrize("name", ["run", "progress", "undo", "failed"])
def test_the_pages_of_an_import_are_for_managers(client: Client, name: str):
    run = done("email\nada@example.org\n", by=a_user("manager"))
    url = reverse(f"contacts:import_{name}", args=[run.pk])
    assert client.get(url).status_code == 302
    client.force_login(a_user("sales"))
    assert client.get(url).status_code == 403
    client.force_login(a_user("manager"))
    assert client.get(url).status_code == 200


@pytest.mark.parametrize("name", ["confirm", "cancel", "next", "undo"])
def test_what_is_done_to_an_import_is_for_managers(client: Client, name: str):
    run = done("email\nada@example.org\n", by=a_user("manager"))
    client.force_login(a_user("sales"))
    assert act(client, run, name, reason="x").status_code == 403
    client.force_login(a_user("manager"))
    assert act(client, run, name, reason="x").status_code == 302
