"""An import as a run: what it may do, what it says of each row, and that it can be taken back."""

from __future__ import annotations

import io
import threading
from datetime import timedelta

import pytest
import xlsxwriter  # type: ignore[import-untyped]  # has no types
from django.db import connection, transaction

from bounces.models import Address
from bounces.rulings import NoReason
from bounces.values import Answer
from bounces.verdict import answered, check
from contacts.importing import runs, working
from contacts.importing.judging import known_sql
from contacts.importing.outcomes import early_rows, failed_headers, failed_rows, known_groups, preview_rows
from contacts.importing.reading import UnreadableFile
from contacts.importing.staging import drop_stage, judged_of, stage_of
from contacts.importing.undoing import preview_undo
from contacts.models import Activity, Company, Contact, CustomField, ImportChunk, ImportRow, ImportRun, Tag
from contacts.people import add_note, save_contact
from tests.builders import (
    NOW,
    a_bounce,
    a_contact,
    a_custom_field,
    a_ruling,
    a_suppression,
    a_user,
    an_address,
    an_attempt,
)
from tests.contacts.importing import begun, done, previewed, state_hash, undone

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)


# --- what each row becomes ------------------------------------------------------------------------


def test_a_preview_counts_by_verdict_and_writes_nothing():
    a_contact("known@x.example", first_name="Old")
    a_contact("same@x.example", first_name="Same")
    before = state_hash()
    text = (
        "email,first_name\nnew@x.example,New\nknown@x.example,Changed\nsame@x.example,Same\n"
        "new@x.example,New\nnot one,Bad\nnew@x.example,Other\n"
    )
    run = previewed(text)
    assert run.counts == {"new": 1, "update": 1, "unchanged": 1, "duplicate": 1, "invalid": 1, "conflict": 1}
    assert (run.state, state_hash()) == ("ready", before)


def test_a_preview_shows_what_was_and_what_becomes():
    a_contact("ada@x.example", first_name="Ada", title="Ms", tags=("vip",))
    run = previewed('email,title,tags\nada@x.example,Dr,"vip, maths"\n')
    (row,) = preview_rows(run, ["update"], 5, NOW)
    assert [(each.label, each.was, each.then) for each in row.changes] == [
        ("Title", "Ms", "Dr"),
        ("Tags", "vip", "vip, maths"),
    ]


def test_the_first_rows_are_judged_while_the_file_is_read():
    run = begun("email,first_name\nada@x.example,Ada\nnot one,Bob\n")
    assert early_rows(run, NOW) == []
    seen = []
    working.work(run.pk, lambda: NOW, lambda each: seen.append((each.state, early_rows(each, NOW))))
    (reading,) = [rows for state, rows in seen if state == "staging"]
    assert [row.verdict for row in reading] == ["new", "invalid"]


def test_every_row_has_its_outcome_but_those_that_changed_nothing():
    a_contact("same@x.example")
    run = done("email\nnew@x.example\nsame@x.example\nnot one\n")
    rows = dict(ImportRow.objects.filter(run_id=run.pk).values_list("number", "verdict"))
    assert rows == {2: "new", 4: "invalid"}


def test_failed_rows_come_back_with_their_columns_and_the_reason():
    a_contact("desk@x.example")
    a_contact("desk@x.example")
    run = done("Mail,Note,First name\nnot one,mine,Eve\ndesk@x.example,yours,Dan\n", mapping={"Mail": "email"})
    assert failed_headers(run) == ["Mail", "Note", "First name", "error"]
    first, second = failed_rows(run)
    assert first[:3] == ["not one", "mine", "Eve"]
    assert second[:3] == ["desk@x.example", "yours", "Dan"]
    assert "several contacts" in second[3]


def test_a_file_is_gone_once_its_run_has_ended():
    run = done("email\nada@x.example\n")
    assert not ImportChunk.objects.filter(run_id=run.pk).exists()


# --- what an import may do ------------------------------------------------------------------------


def test_an_import_lifts_no_suppression():
    a_suppression("ada@x.example")
    run = done("email,first_name\nada@x.example,Ada\n")
    assert run.known == {"suppressed": 1}
    assert check(["ada@x.example"], NOW)["ada@x.example"].answer == Answer.NO


def test_an_invalid_address_stays_invalid_and_is_told_as_dead():
    an_address("ada@x.example", status="invalid", status_rule="hard_bounce")
    run = done("email\nada@x.example\n")
    assert (run.known, Address.objects.get().status) == ({"dead": 1}, "invalid")


def test_what_is_known_agrees_with_the_verdict():
    an_address("dead@x.example", status="invalid", status_rule="hard_bounce")
    a_suppression("gone@x.example")
    a_ruling("held@x.example", "hold")
    a_suppression(domain="closed.example")
    an_address("fine@x.example", status="valid")
    names = [
        "dead@x.example", "gone@x.example", "held@x.example", "new@closed.example", "fine@x.example", "new@x.example",
    ]  # fmt: skip
    run = previewed("email\n" + "\n".join(names) + "\n")
    with connection.cursor() as cursor:
        cursor.execute(known_sql(judged_of(run), stage_of(run)), {"now": NOW})
        known = {names[number - 2] for number, _ in cursor.fetchall()}
    verdicts = check(names, NOW)
    assert known == {name for name in names if verdicts[name].answer == Answer.NO}
    assert set(answered(Answer.NO, NOW).values_list("email", flat=True)) <= known


def test_an_empty_cell_overwrites_only_when_told_so():
    a_contact("ada@x.example", title="Dr")
    text = "email,title\nada@x.example,\n"
    assert previewed(text).counts == {"unchanged": 1}
    done(text, empties=True)
    assert Contact.objects.get().title == ""


def test_filling_blanks_leaves_what_is_there():
    a_contact("ada@x.example", title="Dr", phone="")
    done("email,title,phone\nada@x.example,Ms,+49 30 1234567\n", update="fill")
    ada = Contact.objects.get()
    assert (ada.title, ada.phone) == ("Dr", "+49301234567")


def test_skipping_changes_no_known_contact():
    a_contact("ada@x.example", title="Dr")
    run = done("email,title\nada@x.example,Ms\nbob@x.example,Mr\n", update="skip")
    assert (run.counts, Contact.objects.get(contact_addresses__address__email="ada@x.example").title) == (
        {"new": 1, "skipped": 1, "unchanged": 0},
        "Dr",
    )


def test_another_owners_contact_is_changed_only_where_that_is_allowed():
    manager = a_user("manager")
    ada = a_contact("ada@x.example", owner=a_user("sales", name="Sam"))
    text = "email,title\nada@x.example,Dr\n"
    run = done(text, by=manager)
    (row,) = ImportRow.objects.filter(run_id=run.pk)
    assert (row.verdict, run.failed_rows) == ("not_yours", 1)
    assert "belongs to Sam. Let the import change contacts of others" in str(row.problems)
    done(text, by=manager, change_others=True)
    ada.refresh_from_db()
    assert ada.title == "Dr"


def test_to_change_others_takes_the_right_to():
    a_contact("ada@x.example", owner=a_user("sales"))
    run = previewed("email,title\nada@x.example,Dr\n", by=a_user("sales"), change_others=True)
    assert run.counts["not_yours"] == 1


def test_constants_are_for_all_or_for_the_new_ones():
    sam = a_user("sales")
    a_contact("ada@x.example", source="fair")
    done("email\nada@x.example\nbob@x.example\n", tags=["fair-2026"], owner_id=sam.pk, source="list")
    ada, bob = (Contact.objects.get(document__contains=name) for name in ("ada@", "bob@"))
    assert [tag.name for tag in ada.tags.all()] == [tag.name for tag in bob.tags.all()] == ["fair-2026"]
    assert (ada.owner, ada.source, bob.owner, bob.source) == (None, "fair", sam, "list")


def test_new_fields_are_made_when_the_import_begins():
    new = [{"key": "size", "label": "Size", "type": "number"}]
    run = previewed("email,Size\nada@x.example,12\n", mapping={"Size": "custom.size"}, new_fields=new)
    assert not CustomField.objects.exists()
    runs.confirm(run, None, NOW)
    working.work(run.pk, lambda: NOW)
    assert (CustomField.objects.get().type, Contact.objects.get().custom) == ("number", {"size": 12})


def test_columns_that_cannot_be_meant_are_refused():
    run = runs.take_file([b"email,x\na@x.example,1\n"], "p.csv", by=None, via="test", now=NOW)
    for mapping, says in (({"x": "email", "email": "email"}, "Two columns"), ({"x": "nonsense"}, "no field")):
        with pytest.raises(UnreadableFile, match=says):
            runs.begin(run, mapping, runs.Options())


def test_what_changed_since_the_preview_counts():
    run = previewed("email,first_name\nada@x.example,Ada\n")
    a_contact("ada@x.example", first_name="")
    runs.confirm(run, None, LATER)
    working.work(run.pk, lambda: LATER)
    run.refresh_from_db()
    assert (Contact.objects.get().first_name, run.written) == ("Ada", {"update": 1})


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


def test_a_stage_lost_amid_writing_doubles_nothing(monkeypatch):
    monkeypatch.setattr("contacts.importing.applying.BATCH", 10)
    run = previewed("email\n" + "".join(f"p{number}@x.example\n" for number in range(30)))
    runs.confirm(run, None, NOW)

    def lose_it(each: ImportRun) -> None:
        if each.state == "applying" and each.done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        working.work(run.pk, lambda: NOW, lose_it)
    drop_stage(run)
    working.work(run.pk, lambda: NOW)
    run.refresh_from_db()
    assert (run.state, run.written, Contact.objects.count()) == ("done", {"new": 30}, 30)
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
    run = begun("email,first_name\na@x.example,Ada\n" * 900 + 'b@x.example,"never closed\n')
    working.work(run.pk, lambda: NOW)
    run.refresh_from_db()
    assert (run.state, Contact.objects.count()) == ("failed", 0)
    assert "never closed" in run.error


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


# --- undo -----------------------------------------------------------------------------------------


def test_undo_gives_back_what_was():
    manager = a_user("manager")
    a_custom_field("size", "number")
    a_contact("ada@x.example", first_name="Ada", title="Ms", external_id="m1", tags=("old",), custom={"size": 1})
    a_contact("bob@x.example", company="Acme")
    before = state_hash()
    run = done(
        "external_id,email,other_emails,first_name,title,company,tags,size,owner,country\n"
        f'm1,new@x.example,more@x.example,Augusta,Dr,Engines,"old, vip",2,{manager.email},GB\n'
        ",bob@x.example,,Bob,,Engines,,,,\n"
        ",eve@x.example,eve2@x.example,Eve,,Third,vip,9,,\n",
        LATER,
        by=manager,
    )
    assert run.written == {"new": 1, "update": 2}
    assert preview_undo(run).go == 1
    assert preview_undo(run).return_ == 2
    run = undone(run, manager, LATER)
    assert (run.undone, run.kept, state_hash()) == (3, 0, before)


def test_undo_leaves_what_something_happened_with_since():
    manager = a_user("manager")
    a_contact("ada@x.example", title="Ms")
    run = done("email,title\nada@x.example,Dr\nbob@x.example,Mr\neve@x.example,Ms\n", by=manager)
    ada, bob = (Contact.objects.get(document__contains=name) for name in ("ada@", "bob@"))
    Contact.objects.filter(pk=ada.pk).update(title="Prof", updated_at=LATER)
    add_note(bob, "Called.", by=manager, now=LATER)
    assert preview_undo(run).stay == 2
    run = undone(run, manager, LATER)
    kept = dict(ImportRow.objects.filter(run_id=run.pk).exclude(kept="").values_list("number", "kept"))
    assert (run.undone, run.kept, set(kept)) == (1, 2, {2, 3})
    assert {str(contact.title) for contact in Contact.objects.all()} == {"Prof", "Mr"}


def test_an_address_of_which_something_is_known_stays_after_undo():
    manager = a_user("manager")
    run = done("email\nada@x.example\nbob@x.example\n", by=manager)
    a_bounce("ada@x.example")
    undone(run, manager)
    assert list(Address.objects.values_list("email", flat=True)) == ["ada@x.example"]


def test_undo_takes_fields_and_names_that_nobody_else_uses():
    manager = a_user("manager")
    new = [{"key": "size", "label": "Size", "type": "number"}]
    run = done(
        "email,Size,company,tags\nada@x.example,12,Acme,vip\n",
        mapping={"Size": "custom.size"},
        new_fields=new,
        by=manager,
    )
    undone(run, manager)
    assert [model.objects.count() for model in (CustomField, Company, Tag, Activity)] == [0, 0, 0, 0]


def test_undo_needs_a_reason_and_something_to_undo():
    manager = a_user("manager")
    run = done("email\nada@x.example\n", by=manager)
    with pytest.raises(NoReason):
        runs.undo(run, manager, " ", NOW)
    undone(run, manager)
    with pytest.raises(runs.NotReady):
        runs.undo(run, manager, "again", NOW)


# --- lists that look bought -----------------------------------------------------------------------


def a_bad_list() -> str:
    return "email\n" + "".join(f"p{n}@mailinator.com\n" if n % 2 else f"p{n}@x.example\n" for n in range(120))


def test_a_list_that_looks_bought_is_quarantined():
    run = previewed(a_bad_list())
    assert "disposable" in run.quarantine
    assert run.health["disposable"] == 0.5


def test_an_ordinary_list_is_not():
    assert previewed("email\n" + "".join(f"p{n}@x.example\n" for n in range(120))).quarantine == ""


def test_a_quarantined_list_needs_a_manager_with_a_reason():
    run = previewed(a_bad_list())
    with pytest.raises(NoReason):
        runs.confirm(run, a_user("manager"), NOW)
    with pytest.raises(runs.NotReady, match="manager"):
        runs.confirm(run, a_user("sales"), NOW, "They all opted in.")
    assert Contact.objects.count() == 0


def released(settings, size: int) -> ImportRun:
    settings.IMPORT_BATCH = size
    run = previewed(a_bad_list())
    runs.confirm(run, a_user("manager"), NOW, "They all opted in.")
    working.work(run.pk, lambda: NOW)
    run.refresh_from_db()
    return run


def test_it_comes_in_batches_and_waits_until_the_first_was_written_to(settings):
    run = released(settings, 20)
    assert (run.state, Contact.objects.count()) == ("held", 20)
    with pytest.raises(runs.NotReady, match="0 of the 20"):
        runs.let_next_batch(run, a_user("manager"))


def test_the_next_batch_comes_where_the_ones_before_bounce_little(settings):
    run = released(settings, 20)
    for address in Address.objects.all():
        an_attempt(address, sent_at=LATER)
    runs.let_next_batch(run, a_user("manager"))
    working.work(run.pk, lambda: LATER)
    run.refresh_from_db()
    assert (run.state, Contact.objects.count()) == ("held", 40)


def test_no_batch_comes_after_ones_that_bounce(settings):
    run = released(settings, 20)
    for address in Address.objects.all():
        an_attempt(address, sent_at=LATER)
    for address in Address.objects.all()[:3]:
        a_bounce(address, occurred_at=LATER)
    with pytest.raises(runs.NotReady, match=r"15\.0%"):
        runs.let_next_batch(run, a_user("manager"))


# --- what else a preview tells ------------------------------------------------------------------------


def test_a_preview_shows_the_first_of_those_who_are_not_written_to():
    an_address("dead@x.example", status="invalid", status_rule="hard_bounce")
    a_suppression("gone@x.example")
    run = previewed("email\ndead@x.example\ngone@x.example\nfine@x.example\n")
    shown = [(each.value, [row.email for row in rows], count) for each, rows, count in known_groups(run, 5, NOW)]
    assert shown == [("dead", ["dead@x.example"], 1), ("suppressed", ["gone@x.example"], 1)]


def test_the_same_file_again_is_told():
    first = done("email\nada@x.example\n")
    again = previewed("email\nada@x.example\n", LATER)
    assert f"as import {first.pk}." in again.notices[0]


def test_a_workbook_tells_how_much_is_left():
    book = io.BytesIO()
    with xlsxwriter.Workbook(book, {"in_memory": True}) as written:
        sheet = written.add_worksheet()
        for at in range(13_000):
            sheet.write_row(at, 0, ["email"] if at == 0 else [f"p{at}@x.example"])
    run = begun(book.getvalue(), name="people.xlsx")
    seen = []
    working.work(run.pk, lambda: NOW, lambda each: seen.append((each.state, each.progress)))
    done_rows, whole = next(progress for state, progress in seen if state == "staging")
    assert (done_rows, 12_900 < whole < 13_100) == (5_000, True)


# --- beside people who work -----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_page_that_saves_the_same_person_at_the_same_moment_makes_no_second_one():
    an_address("ada@x.example")
    run = previewed("email,first_name\nada@x.example,Ada\n")
    runs.confirm(run, None, NOW)
    is_saved, may_end = threading.Event(), threading.Event()

    def save_on_a_page() -> None:
        with transaction.atomic():
            save_contact({"addresses": ["ada@x.example"], "title": "Countess"}, by=None, now=LATER)
            is_saved.set()
            may_end.wait(5)
        connection.close()

    page = threading.Thread(target=save_on_a_page)
    page.start()
    is_saved.wait(5)
    threading.Timer(0.5, may_end.set).start()
    working.work(run.pk, lambda: NOW)
    page.join()
    run.refresh_from_db()
    assert (Contact.objects.get().title, run.written) == ("Countess", {"update": 1})
