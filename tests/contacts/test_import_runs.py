"""An import as a run: what each row becomes, what it may do, and what its preview tells."""

from __future__ import annotations

import io

import pytest
import xlsxwriter  # type: ignore[import-untyped]  # has no types
from django.db import connection

from bounces.models import Address
from bounces.values import Answer
from bounces.verdict import answered, check
from contacts.importing import runs, working
from contacts.importing.judging import known_sql
from contacts.importing.outcomes import early_rows, failed_headers, failed_rows, known_groups, preview_rows
from contacts.importing.reading import UnreadableFile
from contacts.importing.staging import judged_of, stage_of
from contacts.models import Contact, CustomField, ImportChunk, ImportOutcome
from tests.builders import NOW, a_contact, a_ruling, a_suppression, a_user, an_address
from tests.contacts.importing import LATER, begun, done, previewed, state_hash

pytestmark = pytest.mark.django_db


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
    rows = dict(ImportOutcome.objects.filter(run_id=run.pk).values_list("number", "verdict"))
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
    (row,) = ImportOutcome.objects.filter(run_id=run.pk)
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


# --- what else a preview tells --------------------------------------------------------------------


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


def test_a_workbook_tells_how_much_is_left(monkeypatch):
    monkeypatch.setattr("contacts.importing.staging.CHUNK", 5_000)
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
