"""An import that is brought twice, stopped, lost midway, or works beside people who save the same person."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction

from bounces.models import Address, Suppression
from bounces.values import Answer
from bounces.verdict import check
from contacts.erasure import erase_email
from contacts.importing import runs, working
from contacts.importing.staging import drop_stage
from contacts.models import Company, Contact, ImportChunk, ImportRow, ImportRun
from contacts.people import delete_contact, save_contact
from tests.builders import NOW, a_contact, a_custom_field, a_user, an_address
from tests.contacts.importing import LATER, begun, done, previewed, state_hash, undone

pytestmark = pytest.mark.django_db


# --- twice, stopped, lost -------------------------------------------------------------------------


def test_the_same_file_again_changes_nothing():
    a_custom_field("size", "number")
    text = 'email,other_emails,company,tags,size,first_name\na@x.example,"b@x.example,c@x.example",Acme,"t, u",3,Ada\n'
    done(text)
    before = state_hash()
    again = done(text, LATER)
    assert (again.counts, again.wrote, state_hash()) == ({"unchanged": 1}, 0, before)


def test_a_stage_that_a_crash_emptied_is_filled_again():
    text = "email\n" + "".join(f"p{number}@x.example\n" for number in range(30))
    run = previewed(text)
    runs.confirm(run, None, NOW)
    drop_stage(run)
    working.work(run.pk, lambda: NOW)
    run.refresh_from_db()
    assert (run.state, run.written, Contact.objects.count()) == ("done", {"new": 30}, 30)


def with_its_stage_lost_amid_writing(run: ImportRun, then: Callable[[], object] | None = None) -> None:
    """The database crashes behind the tenth row; `then` happens before the import goes on."""

    def lose_it(each: ImportRun) -> None:
        if each.state == "applying" and each.done == 10:
            raise KeyboardInterrupt

    runs.confirm(run, None, NOW)
    with pytest.raises(KeyboardInterrupt):
        working.work(run.pk, lambda: NOW, lose_it)
    drop_stage(run)
    if then is not None:
        then()
    working.work(run.pk, lambda: NOW)
    run.refresh_from_db()


def test_a_stage_lost_amid_writing_doubles_nothing(monkeypatch):
    monkeypatch.setattr("contacts.importing.applying.BATCH", 10)
    run = previewed("email\n" + "".join(f"p{number}@x.example\n" for number in range(30)))
    with_its_stage_lost_amid_writing(run)
    assert (run.state, run.written, Contact.objects.count()) == ("done", {"new": 30}, 30)
    assert ImportRow.objects.filter(run_id=run.pk, verdict="new").count() == 30


def test_a_row_that_is_another_once_the_stage_was_lost_is_written_as_what_it_is_then(monkeypatch):
    monkeypatch.setattr("contacts.importing.applying.BATCH", 10)
    known = a_contact("p25@x.example", first_name="Ada")
    run = previewed("email,title\n" + "".join(f"p{number}@x.example,X\n" for number in range(30)), update="skip")
    assert run.counts["skipped"] == 1

    with_its_stage_lost_amid_writing(run, lambda: delete_contact(known, by=None, now=LATER))

    assert (run.state, run.written, Contact.objects.present().count()) == ("done", {"new": 30}, 30)
    assert ImportRow.objects.filter(run_id=run.pk, verdict="new").count() == 30


def test_a_cancelled_import_stops_and_can_be_taken_back(monkeypatch):
    monkeypatch.setattr("contacts.importing.applying.BATCH", 10)
    manager, before = a_user("manager"), state_hash()
    run = previewed("email\n" + "".join(f"p{number}@x.example\n" for number in range(30)))
    runs.confirm(run, None, NOW)

    def cancel_after_a_batch(each: ImportRun) -> None:
        if each.done == 10:
            runs.cancel(each, manager, NOW)

    working.work(run.pk, lambda: NOW, cancel_after_a_batch)
    run.refresh_from_db()
    assert (run.state, run.wrote, Contact.objects.count()) == ("cancelled", 10, 10)
    assert undone(run, manager).state == "undone"
    assert state_hash() == before


def test_a_file_that_breaks_amid_its_rows_fails_in_plain_words():
    run = begun("email,first_name\n" + "a@x.example,Ada\n" * 30_000 + "b@x.example,Bo" + "\x00" * 1000)
    working.work(run.pk, lambda: NOW)
    run.refresh_from_db()
    assert (run.state, Contact.objects.count()) == ("failed", 0)
    assert "NUL" in run.error


def test_a_preview_that_nobody_confirms_goes_after_a_day(run_jobs):
    run = previewed("email\nada@x.example\n")
    ImportRun.objects.update(created_at=NOW - timedelta(days=400))
    run_jobs()
    run.refresh_from_db()
    assert (run.state, ImportChunk.objects.count()) == ("cancelled", 0)


def test_the_tick_starts_what_waits(run_jobs):
    run = begun("email\nada@x.example\n")
    run_jobs()
    run.refresh_from_db()
    assert run.state == "ready"


# --- beside people who work -----------------------------------------------------------------------


def with_work_beside(run: ImportRun, other: Callable[[], object], then: Callable[[], object] | None = None) -> None:
    """The import goes on while somebody else has done something that is not committed yet, and soon is. `then`: what
    they do before that, while the import waits for them."""
    is_done, may_end = threading.Event(), threading.Event()

    def work_beside() -> None:
        with transaction.atomic():
            other()
            is_done.set()
            may_end.wait(5)
            if then is not None:
                then()
        connection.close()

    beside = threading.Thread(target=work_beside)
    beside.start()
    is_done.wait(5)
    threading.Timer(0.5, may_end.set).start()
    working.work(run.pk, lambda: NOW)
    beside.join()
    run.refresh_from_db()


@pytest.mark.django_db(transaction=True)
def test_a_page_that_saves_the_same_person_at_the_same_moment_makes_no_second_one():
    an_address("ada@x.example")
    run = previewed("email,first_name\nada@x.example,Ada\n")
    runs.confirm(run, None, NOW)

    with_work_beside(
        run, lambda: save_contact({"addresses": ["ada@x.example"], "title": "Countess"}, by=None, now=LATER)
    )

    assert (Contact.objects.get().title, run.written) == ("Countess", {"update": 1})


@pytest.mark.django_db(transaction=True)
def test_a_page_that_saves_somebody_whose_address_came_since_the_preview_makes_no_second_one():
    run = previewed("email,first_name\nada@x.example,Ada\n")
    runs.confirm(run, None, NOW)
    an_address("ada@x.example")

    with_work_beside(run, lambda: save_contact({"addresses": ["ada@x.example"]}, by=None, now=LATER))

    assert (Contact.objects.get().first_name, run.written) == ("Ada", {"update": 1})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("text", ["email\nada@x.example\n", "email,other_emails\nzoe@x.example,ada@x.example\n"])
def test_an_import_that_names_somebody_who_is_erased_at_the_same_moment_is_cancelled(text):
    run = previewed(text)
    runs.confirm(run, None, NOW)

    with_work_beside(run, lambda: erase_email("ada@x.example", None, "asked for it", LATER))

    assert (run.state, Contact.objects.count()) == ("cancelled", 0)
    assert check(["ada@x.example"], LATER)["ada@x.example"].answer == Answer.NO
    assert Suppression.objects.get().address is None


@pytest.mark.django_db(transaction=True)
def test_a_contact_that_is_erased_at_the_same_moment_does_not_come_again():
    a_contact("ada@x.example", first_name="Ada")
    run = previewed("email,title\nada@x.example,Countess\n")
    runs.confirm(run, None, NOW)

    with_work_beside(run, lambda: erase_email("ada@x.example", None, "asked for it", LATER))

    assert (run.state, run.written, Contact.objects.count()) == ("cancelled", {}, 0)
    assert check(["ada@x.example"], LATER)["ada@x.example"].answer == Answer.NO


@pytest.mark.django_db(transaction=True)
def test_a_page_and_an_import_that_make_the_same_company_do_not_wait_in_a_circle():
    known = an_address("ada@x.example")
    run = previewed("email,company\nada@x.example,Engines\n")
    runs.confirm(run, None, NOW)

    with_work_beside(
        run,
        lambda: Address.objects.select_for_update(no_key=True).get(pk=known.pk),
        lambda: Company.objects.create(name="ENGINES"),
    )

    assert (run.state, Contact.objects.get().company) == ("done", Company.objects.get())


@pytest.mark.django_db(transaction=True)
def test_an_external_id_that_somebody_takes_at_the_same_moment_stops_no_import():
    run = previewed("email,other_emails,external_id\nzoe@x.example,all@x.example,1\nada@x.example,all@x.example,2\n")
    runs.confirm(run, None, NOW)

    with_work_beside(run, lambda: save_contact({"first_name": "Ada", "external_id": "2"}, by=None, now=LATER))

    assert (run.state, run.written) == ("done", {"new": 1, "update": 1})
    assert Contact.objects.count() == 2
