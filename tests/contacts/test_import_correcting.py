"""Wrong cells of a preview: which there are, and that a person can write them anew in place."""

from __future__ import annotations

import pytest
from django.utils import timezone

from contacts.importing import correcting, corrections, runs, staging, working
from contacts.importing.correcting import Correction, NotCorrectable, correct
from contacts.importing.outcomes import failed_rows, preview_rows
from contacts.importing.runs import NotReady
from contacts.importing.wrong_cells import CLEANED, FAILED, LEFT_EMPTY, MISTYPED, wrong_cells
from contacts.models import Contact, ContactAddress, ImportCorrection, ImportRun
from tests.builders import NOW, a_user, an_address
from tests.contacts.importing import done, previewed, undone

pytestmark = pytest.mark.django_db

MESSY = (
    "E-mail,First name,Country\n"
    "ada@,Ada,Germany\n"
    "bob@b.example,Bob,Atlantis\n"
    "cy@c.example,Cy,Atlantis\n"
    "not one,Dan,Germany\n"
    "eve@gmial.com,Eve,France\n"
)


@pytest.fixture
def manager():
    return a_user("manager")


def clock():
    return NOW


def shown(run: ImportRun, *kinds: str) -> list[tuple[str, str, int, int]]:
    return [(cell.column, cell.value, cell.row, cell.cells) for cell in wrong_cells(run, kinds, 25).shown]


def confirmed(run: ImportRun) -> ImportRun:
    runs.confirm(run, run.started_by, NOW)
    working.work(run.pk, clock)
    run.refresh_from_db()
    return run


def test_each_wrong_text_is_shown_once_with_how_many_cells_hold_it(manager):
    run = previewed(MESSY, by=manager)
    assert shown(run, *FAILED) == [("E-mail", "ada@", 2, 1), ("E-mail", "not one", 5, 1)]
    assert shown(run, *LEFT_EMPTY) == [("Country", "Atlantis", 3, 2)]
    assert shown(run, MISTYPED) == [("", "gmial.com", 6, 1)]


def test_cleaned_cells_are_shown_apart(manager):
    run = previewed('email,first_name\nada@b.example,"=""Ada"""\nBob <bob@b.example>,NULL\n', by=manager)
    assert {value for _, value, *_ in shown(run, *CLEANED)} >= {"Bob <bob@b.example>", "NULL"}
    assert shown(run, *FAILED, *LEFT_EMPTY) == []


def test_missing_addresses_are_shown_row_by_row(manager):
    run = previewed("email,first_name\n,Ada\n,Bob\ncy@c.example,Cy\n", by=manager)
    assert shown(run, *FAILED) == [("email", "", 2, 1), ("email", "", 3, 1)]


def test_a_row_is_corrected_and_counted_anew(manager):
    run = previewed(MESSY, by=manager)
    assert run.counts["invalid"] == 2
    correct(run, manager, [Correction("E-mail", "ada@", "ada@b.example", row=2)], clock)
    assert (run.state, run.counts["invalid"], run.counts["new"]) == ("ready", 1, 4)
    assert [row.email for row in preview_rows(run, ["new"], 1, NOW)] == ["ada@b.example"]


def test_all_equal_cells_are_corrected_at_once(manager):
    run = previewed(MESSY, by=manager)
    correct(run, manager, [Correction("Country", "Atlantis", "Austria")], clock)
    confirmed(run)
    assert list(Contact.objects.order_by("pk").values_list("country", flat=True)) == ["AT", "AT", "FR"]


def test_one_row_of_several_equal_cells_is_corrected_alone(manager):
    run = previewed(MESSY, by=manager)
    correct(run, manager, [Correction("Country", "Atlantis", "Austria", row=3)], clock)
    assert shown(run, *LEFT_EMPTY) == [("Country", "Atlantis", 4, 1)]


def test_a_mistyped_domain_is_corrected_wherever_it_stands(manager):
    run = previewed("email,other_emails\na@gmial.com,b@gmial.com\nC <c@GMIAL.com>,c@gmial.com.br\n", by=manager)
    correct(run, manager, [Correction("", "gmial.com", "gmail.com", is_domain=True)], clock)
    confirmed(run)
    found = set(ContactAddress.objects.values_list("address__email", flat=True))
    assert found == {"a@gmail.com", "b@gmail.com", "c@gmail.com", "c@gmial.com.br"}


def test_a_mistyped_domain_is_told_and_never_applied_by_itself(manager):
    run = done(MESSY, by=manager)
    assert any("1 address looks mistyped, such as those at gmial.com" in notice for notice in run.notices)
    assert Contact.objects.filter(contact_addresses__address__email="eve@gmial.com").exists()


def test_a_domain_that_mail_was_delivered_to_is_no_slip(manager):
    an_address("real@gmial.com", status="valid", last_delivered_at=NOW)
    assert shown(previewed(MESSY, by=manager), MISTYPED) == []


def test_a_correction_can_be_corrected(manager):
    run = previewed(MESSY, by=manager)
    correct(run, manager, [Correction("Country", "Atlantis", "Utopia")], clock)
    correct(run, manager, [Correction("Country", "Utopia", "Austria")], clock)
    assert shown(run, *LEFT_EMPTY) == []
    correct(run, manager, [Correction("E-mail", "ada@", "nonsense", row=2)], clock)
    correct(run, manager, [Correction("E-mail", "nonsense", "ada@b.example")], clock)
    assert shown(run, *FAILED) == [("E-mail", "not one", 5, 1)]


def test_corrections_outlive_a_stage_that_is_lost(manager):
    run = previewed(MESSY, by=manager)
    correct(run, manager, [Correction("E-mail", "ada@", "ada@b.example", row=2)], clock)
    before = run.counts
    runs.confirm(run, manager, NOW)
    staging.drop_stage(run)
    working.work(run.pk, clock)
    run.refresh_from_db()
    assert (run.state, run.counts, run.written["new"]) == ("done", before, 4)


def test_failed_rows_come_back_corrected(manager):
    run = previewed(MESSY, by=manager)
    correct(run, manager, [Correction("E-mail", "ada@", "still nothing", row=2)], clock)
    confirmed(run)
    assert [row[0] for row in failed_rows(run)] == ["still nothing", "not one"]


def test_undo_takes_corrected_contacts_back(manager):
    run = previewed(MESSY, by=manager)
    correct(run, manager, [Correction("E-mail", "ada@", "ada@b.example", row=2)], clock)
    undone(confirmed(run), manager)
    assert not Contact.objects.exists()


def test_notices_tell_of_the_corrected_file(manager):
    run = previewed(MESSY, by=manager)
    assert any("Atlantis" in notice for notice in run.notices)
    correct(run, manager, [Correction("Country", "Atlantis", "Austria")], clock)
    assert not any("Atlantis" in notice for notice in run.notices)
    correct(run, manager, [Correction("", "gmial.com", "gmail.com", is_domain=True)], clock)
    assert not any("mistyped" in notice for notice in run.notices)


def test_a_conflict_is_resolved_in_place(manager):
    run = previewed("email,first_name\nada@b.example,Ada\nada@b.example,Bob\n", by=manager)
    assert shown(run, "conflict") == [("email", "ada@b.example", 3, 1)]
    correct(run, manager, [Correction("email", "ada@b.example", "bob@b.example", row=3)], clock)
    assert run.counts["new"] == 2


def test_only_whoever_brought_the_file_corrects_it(manager):
    run = previewed(MESSY, by=manager)
    with pytest.raises(NotReady, match="Only"):
        correct(run, a_user("manager"), [Correction("Country", "Atlantis", "Austria")], clock)
    runs.confirm(run, manager, NOW)
    with pytest.raises(NotReady, match="in a preview"):
        correct(run, manager, [Correction("Country", "Atlantis", "Austria")], clock)


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (Correction("Country", "Germany", "France"), "No wrong cell"),
        (Correction("E-mail", "", "a@b.example"), "No wrong cell"),
        (Correction("Land", "Atlantis", "France"), "no column"),
        (Correction("E-mail", "bob@b.example", "x@b.example", row=3), "Nothing is wrong"),
        (Correction("", "b.example", "c.example", is_domain=True), "looks mistyped"),
        (Correction("", "gmial.com", "gmail .com>", is_domain=True), "not a domain"),
        (Correction("Country", "Atlantis", "A\x00"), "cannot be kept"),
    ],
)
def test_what_cannot_be_corrected_says_why_and_keeps_nothing(manager, wanted: Correction, says: str):
    run = previewed(MESSY, by=manager)
    with pytest.raises(NotCorrectable, match=says):
        correct(run, manager, [Correction("Country", "Atlantis", "Austria"), wanted], clock)
    run.refresh_from_db()
    assert (run.state, ImportCorrection.objects.count()) == ("ready", 0)


def test_a_long_file_is_judged_again_by_the_job(manager, monkeypatch: pytest.MonkeyPatch):
    run = previewed(MESSY, by=manager)
    monkeypatch.setattr(correcting, "AT_ONCE", 3)
    correct(run, manager, [Correction("Country", "Atlantis", "Austria")], clock)
    assert run.state == "staging"
    working.work(run.pk, clock)
    run.refresh_from_db()
    assert run.state == "ready"


def test_an_import_that_waited_for_nobody_waits_once_it_is_corrected(manager, settings):
    settings.IMPORT_LIMITS = {"invalid": 0.01}
    body = "email\n" + "".join(f"p{n}@b.example\n" for n in range(200)) + "ada@\n" * 8
    run = previewed(body, by=manager, at_once=True)
    assert run.quarantine
    correct(run, manager, [Correction("email", "ada@", "ada@b.example")], clock)
    assert (run.state, run.quarantine, Contact.objects.count()) == ("ready", "", 0)


def test_corrections_go_with_the_file(manager):
    for end in (lambda run: confirmed(run), lambda run: runs.cancel(run, manager, timezone.now())):
        run = previewed(MESSY, by=manager)
        correct(run, manager, [Correction("Country", "Atlantis", "Austria")], clock)
        assert ImportCorrection.objects.count() == 1
        end(run)
        assert not ImportCorrection.objects.exists()


def test_corrections_go_when_the_file_is_read_otherwise(manager):
    run = previewed(MESSY, by=manager)
    correct(run, manager, [Correction("Country", "Atlantis", "Austria")], clock)
    runs.read_otherwise(run, runs.FOUND_OUT)
    assert not ImportCorrection.objects.exists()


def test_too_many_corrections_are_refused(manager, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(correcting, "MOST", 1)
    run = previewed(MESSY, by=manager)
    with pytest.raises(NotCorrectable, match="1 corrections"):
        correct(
            run, manager, [Correction("E-mail", "ada@", "x", row=2), Correction("E-mail", "not one", "y", row=5)], clock
        )


def test_lines_without_a_correction_stay_as_they_are(manager):
    run = previewed(MESSY, by=manager)
    assert corrections.corrections_of(run, run.headers) is None
