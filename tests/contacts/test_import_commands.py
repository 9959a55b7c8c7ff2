"""What the commands of imports do beside importing: columns to keep, failed rows as a file, the list's health, undo."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from contacts.importing import undoing
from contacts.models import Contact, ImportRun, SavedMapping
from contacts.people import change_contact
from tests.builders import a_contact, a_note, a_user
from tests.contacts.importing import done, state_hash
from tests.contacts.test_import_bought import a_bad_list

pytestmark = pytest.mark.django_db


def said(command: str, *words: Any, **options: Any) -> str:
    out = StringIO()
    call_command(command, *words, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text("Reached at,Called\nada@x.example,Ada\nnot one,=Bob\n")
    return path


def test_failed_rows_are_written_to_a_file_that_is_mended_and_imported(people: Path, tmp_path: Path):
    failed = tmp_path / "failed.csv"
    with pytest.raises(CommandError, match="1 row could not"):
        said("import_contacts", people, map=["Reached at=email", "Called=first_name"], failed=failed)
    (row,) = csv.DictReader(failed.read_text("utf-8-sig").splitlines())
    assert (row["Reached at"], row["Called"], "is not an e-mail address" in row["error"]) == ("not one", "'=Bob", True)
    failed.write_text(failed.read_text().replace("not one", "bob@x.example"))
    said("import_contacts", failed)
    assert set(Contact.objects.values_list("first_name", flat=True)) == {"Ada", "=Bob"}


def test_a_place_for_failed_rows_that_is_none_is_refused_before_anything_happens(people: Path, tmp_path: Path):
    for failed, more, sentence in (
        (people, {}, "the file itself"),
        (tmp_path, {}, "no place for a file"),
        (tmp_path / "none" / "failed.csv", {}, "no place for a file"),
        (tmp_path / "failed.csv", {"dry_run": True}, "a dry run imports nothing"),
    ):
        with pytest.raises(CommandError, match=sentence):
            said("import_contacts", people, map=["Reached at=email"], failed=failed, **more)
    assert not ImportRun.objects.exists()


def test_what_columns_mean_is_kept_by_a_name(people: Path):
    with pytest.raises(CommandError, match="could not be imported"):
        said("import_contacts", people, map=["Reached at=email"], save_as="The fair")
    assert SavedMapping.objects.get().mapping == {"reached at": "email", "called": ""}
    with pytest.raises(CommandError, match="could not be imported"):
        said("import_contacts", people, saved="the fair")
    assert Contact.objects.get().first_name == ""  # that column was left out


def test_a_dry_run_and_a_quarantined_list_tell_the_lists_health(tmp_path: Path):
    path = tmp_path / "bought.csv"
    path.write_text(a_bad_list())
    looked = said("import_contacts", path, dry_run=True)
    assert ("50.0%  Disposable" in looked, "It would be quarantined: " in looked) == (True, True)
    with pytest.raises(CommandError, match="quarantined"):
        said("import_contacts", path)
    assert "This is import" in said("import_contacts", path, release="Our guests.", by=a_user("manager").email)


def test_a_choice_that_does_not_exist_is_refused_with_those_that_do(people: Path):
    with pytest.raises(CommandError, match=r"choose from '?skip'?, '?fill'?, '?overwrite'?"):
        call_command("import_contacts", str(people), "--update", "all")


def test_a_held_import_says_that_it_has_to_be_cancelled_before_it_is_taken_back():
    run = done("email\na@x.example\n")
    ImportRun.objects.filter(pk=run.pk).update(state=ImportRun.State.HELD)
    for words in ({"dry_run": True}, {"reason": "Tried.", "by": a_user("manager").email}):
        with pytest.raises(CommandError, match="Cancel it first"):
            said("undo_import", run.pk, **words)


def test_an_import_is_taken_back_after_a_look_at_what_would_stay():
    manager = a_user("manager")
    a_contact("z@x.example", title="Ms")
    before = state_hash()
    run = done("email,title\na@x.example,Dr\nz@x.example,Dr\n", by=manager)
    looked = said("undo_import", run.pk, dry_run=True)
    assert ("1  would go" in looked, "1  would be as they were" in looked, "0  would stay" in looked) == (True,) * 3
    assert "2  as they were before" in said("undo_import", run.pk, reason="The wrong list.", by=manager.email)
    assert state_hash() == before
    with pytest.raises(CommandError, match="has ended"):
        said("undo_import", run.pk, reason="Again.", by=manager.email)


def test_what_would_stay_is_told_row_by_row(monkeypatch: pytest.MonkeyPatch):
    manager = a_user("manager")
    run = done("email,title\na@x.example,[red]\nb@x.example,Dr\nc@x.example,Dr\n", by=manager)
    a_note(Contact.objects.get(contact_addresses__address__email="a@x.example"))
    changed = Contact.objects.get(contact_addresses__address__email="c@x.example")
    change_contact(changed, {"title": "Prof"}, by=manager, now=timezone.now())
    looked = said("undo_import", run.pk, dry_run=True)
    assert "Something happened with it since." in looked
    assert "It was changed since." in looked
    assert "b@x.example" not in looked
    monkeypatch.setattr(undoing, "LOOKED_AT", 2)
    assert "Only the first are shown" in said("undo_import", run.pk, dry_run=True)
    assert "2  stay" in said("undo_import", run.pk, reason="Tried.", by=manager.email)


def test_an_undo_needs_a_number_a_reason_and_somebody_who_may_import():
    run = done("email\na@x.example\n")
    manager = a_user("manager").email
    for words, sentence in (
        ({"reason": "Tried."}, "--by"),
        ({"reason": "Tried.", "by": a_user("sales").email}, "--by"),
        ({"by": manager}, "--reason"),
    ):
        with pytest.raises(CommandError, match=sentence):
            said("undo_import", run.pk, **words)
    with pytest.raises(CommandError, match="There is no import 9999"):
        said("undo_import", 9999, reason="Tried.", by=manager)
    assert Contact.objects.count() == 1
