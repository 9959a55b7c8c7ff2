"""Cleaning runs on pages: the list, progress, the report, apply and cancel, the rows as CSV."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces.cleaning import apply_run, start_run, work
from bounces.models import Address, CleaningRun, Schedule
from bounces.spreadsheet import safe_cell
from tests.builders import a_bounce, a_cleaning_row, a_cleaning_run, a_user, an_address

pytestmark = pytest.mark.django_db

CLEANING = "/cleaning/"
NOW = datetime(2026, 11, 2, 10, tzinfo=UTC)


@pytest.fixture
def manager() -> Client:
    client = Client()
    client.force_login(a_user("manager"))
    return client


def url_of(run: CleaningRun, name: str = "cleaning_run") -> str:
    return reverse(f"bounces:{name}", args=[run.pk])


def a_preview() -> CleaningRun:
    """A real dry run that finds one address to make invalid."""
    a_bounce("ada@b.example")
    an_address("bob@b.example")
    run = start_run(via="page", now=NOW, dry_run=True)
    work(run.pk, lambda: NOW)
    run.refresh_from_db()
    return run


def test_without_runs_the_page_says_how_to_begin(manager):
    assert "No runs yet" in manager.get(CLEANING).content.decode()


def test_the_policy_in_force_is_told_in_words(manager):
    page = " ".join(manager.get(CLEANING).content.decode().split())
    assert "after 1 hard bounce that is the recipient’s fault" in page
    assert "3 days with soft bounces over 14 days or more" in page


def test_the_next_run_by_the_clock_is_shown(manager):
    Schedule.objects.filter(task="clean_all").update(next_run_at=NOW)
    assert "2 November 2026, 10:00 UTC" in manager.get(CLEANING).content.decode()


def test_without_a_schedule_the_page_says_so(manager):
    Schedule.objects.all().delete()
    assert "None is scheduled" in manager.get(CLEANING).content.decode()


def test_the_list_takes_the_same_number_of_queries_however_many_runs(manager, django_assert_max_num_queries):
    for _ in range(10):
        a_cleaning_run(started_by=a_user("manager"))
    with django_assert_max_num_queries(5):
        manager.get(CLEANING)


def test_a_running_run_is_asked_for_each_second(manager):
    run = a_cleaning_run("evaluating", total=200, evaluated=100)
    page = manager.get(url_of(run)).content.decode()
    assert 'hx-trigger="every 1s"' in page
    assert "100 of 200 addresses evaluated" in page


def test_the_part_that_polls_loads_the_page_anew_at_the_end(manager):
    run = a_cleaning_run("done")
    response = manager.get(url_of(run, "cleaning_progress"))
    assert response["HX-Refresh"] == "true"
    assert "hx-trigger" not in response.content.decode()


def test_a_preview_shows_what_would_move_and_why(manager):
    page = manager.get(url_of(a_preview())).content.decode()
    for words in ("Nothing is changed yet", "ada@b.example", "the mailbox does not exist", "Apply these changes"):
        assert words in page
    assert Address.objects.get(email="ada@b.example").status == "unverified"


def test_a_preview_is_applied_by_a_manager(manager):
    run = a_preview()
    manager.post(url_of(run, "cleaning_apply"))
    work(run.pk, lambda: NOW)
    assert Address.objects.get(email="ada@b.example").status == "invalid"
    assert "Applied" in manager.get(url_of(run)).content.decode()


def test_only_a_preview_is_applied(manager):
    page = manager.post(url_of(a_cleaning_run("done"), "cleaning_apply"), follow=True).content.decode()
    assert "Only a preview can be applied" in page


def test_a_preview_waits_while_another_run_goes_on(manager):
    run = a_preview()
    other = a_cleaning_run("evaluating")
    page = manager.post(url_of(run, "cleaning_apply"), follow=True).content.decode()
    assert f"Cleaning run {other.pk} is still going on" in page


def test_a_running_run_is_cancelled(manager):
    run = a_cleaning_run("evaluating")
    manager.post(url_of(run, "cleaning_cancel"))
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert "Cancelled by" in manager.get(url_of(run)).content.decode()


def test_what_has_ended_cannot_be_cancelled(manager):
    page = manager.post(url_of(a_cleaning_run("done"), "cleaning_cancel"), follow=True).content.decode()
    assert "There is nothing to cancel" in page


def test_a_run_is_paused_and_resumed(manager):
    run = a_cleaning_run("evaluating", total=200, evaluated=50)
    manager.post(url_of(run, "cleaning_pause"))
    page = manager.get(url_of(run)).content.decode()
    assert "Paused until somebody resumes it" in page
    assert "50 of 200 addresses evaluated" in page
    manager.post(url_of(run, "cleaning_resume"))
    run.refresh_from_db()
    assert run.state == "evaluating"


def test_what_has_ended_is_neither_paused_nor_resumed(manager):
    run = a_cleaning_run("done")
    assert "nothing to pause" in manager.post(url_of(run, "cleaning_pause"), follow=True).content.decode()
    assert "Only a paused run" in manager.post(url_of(run, "cleaning_resume"), follow=True).content.decode()


def test_the_progress_says_how_quickly_it_goes(manager):
    begun = timezone.now() - timedelta(seconds=10)
    run = a_cleaning_run("evaluating", total=100_000, evaluated=20_000, pace_at=begun)
    assert "a second · 40 s left" in manager.get(url_of(run, "cleaning_progress")).content.decode()


def applied() -> CleaningRun:
    run = a_preview()
    apply_run(run, a_user("manager"))
    work(run.pk, lambda: NOW)
    return run


def test_a_whole_run_is_taken_back_with_a_reason(manager):
    run = applied()
    assert "1 address to undo" in manager.get(url_of(run, "cleaning_undo")).content.decode()
    manager.post(url_of(run, "cleaning_undo"), {"reason": "Their server was broken"})
    work(run.pk, lambda: NOW)
    assert Address.objects.get(email="ada@b.example").status == "unverified"
    page = manager.get(url_of(run)).content.decode()
    assert "1 of 1 changes undone" in page
    assert "Their server was broken" in page


def test_an_undo_without_a_reason_is_refused(manager):
    run = applied()
    assert "Say why" in manager.post(url_of(run, "cleaning_undo"), {"reason": " "}).content.decode()
    run.refresh_from_db()
    assert run.state == "done"


def test_ticked_rows_are_taken_back(manager):
    run = applied()
    chosen = {"pk": [run.rows.get().pk, "nonsense", "9" * 30], "reason": "She wrote to me"}
    page = manager.post(url_of(run, "cleaning_undo_rows"), chosen, follow=True).content.decode()
    assert "1 address taken back" in page
    assert "Taken back" in page


def test_ticked_rows_need_a_reason(manager):
    run = applied()
    page = manager.post(url_of(run, "cleaning_undo_rows"), {"pk": run.rows.get().pk}, follow=True).content.decode()
    assert "Say why" in page


def test_sales_see_no_undo(manager):
    run = applied()
    sales = Client()
    sales.force_login(a_user("sales"))
    page = sales.get(url_of(run)).content.decode()
    assert "Undo this run" not in page
    assert 'name="pk"' not in page


def test_the_report_counts_statuses_before_and_after(manager):
    shares = {share.status: (share.before, share.after) for share in manager.get(url_of(applied())).context["shares"]}
    assert shares == {"unverified": (2, 1), "invalid": (0, 1), "valid": (0, 0), "at_risk": (0, 0)}


def test_a_run_over_nobody_says_so(manager):
    assert "No address in this scope" in manager.get(url_of(a_cleaning_run(scope="chosen"))).content.decode()


def test_a_failed_run_says_why(manager):
    assert (
        "The disk is full" in manager.get(url_of(a_cleaning_run("failed", error="The disk is full"))).content.decode()
    )


def test_the_report_counts_by_change_and_rule(manager):
    run = a_cleaning_run(changes=3)
    a_cleaning_row(run)
    a_cleaning_row(run)
    a_cleaning_row(run, to_status="valid", rule="alive", from_status="invalid")
    moves = manager.get(url_of(run)).context["moves"]
    assert [(move.before, move.after, move.rule, move.number) for move in moves] == [
        ("unverified", "invalid", "hard_bounce", 2),
        ("invalid", "valid", "alive", 1),
    ]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"move": "invalid-valid"}, {"back@b.example"}),
        ({"rule": "hard_bounce"}, {"gone@b.example", "late@b.example"}),
        ({"outcome": "left_out"}, {"late@b.example"}),
        ({"move": "nonsense"}, {"gone@b.example", "back@b.example", "late@b.example"}),
    ],
)
def test_the_rows_are_filtered_by_change_rule_and_outcome(manager, query, shown):
    run = a_cleaning_run(left_out=1)
    a_cleaning_row(run, "gone@b.example")
    a_cleaning_row(run, "back@b.example", "valid", rule="alive", from_status="invalid")
    a_cleaning_row(run, "late@b.example", outcome="left_out")
    page = manager.get(url_of(run), query).context["page"]
    assert {row.address.email for row in page.items} == shown


def test_those_left_out_are_explained(manager):
    run = a_cleaning_run(left_out=1)
    a_cleaning_row(run, outcome="left_out")
    assert (
        "had news after the run had judged them" in manager.get(url_of(run), {"outcome": "left_out"}).content.decode()
    )


def test_a_run_that_found_nothing_says_so(manager):
    assert "Nothing to change" in manager.get(url_of(a_cleaning_run(evaluated=3))).content.decode()


def test_a_report_takes_the_same_number_of_queries_however_long(manager, django_assert_max_num_queries):
    run = a_cleaning_run()
    for _ in range(20):
        a_cleaning_row(run)
    with django_assert_max_num_queries(5):
        manager.get(url_of(run))


def test_the_rows_are_exported_as_the_page_filters_them(manager):
    run = a_cleaning_run()
    a_cleaning_row(run, "gone@b.example", evidence={"reason": "userunknown"})
    a_cleaning_row(run, "back@b.example", "valid", rule="alive")
    text = manager.get(url_of(run, "cleaning_csv"), {"rule": "hard_bounce"}).getvalue().decode("utf-8-sig")
    head, row = csv.reader(io.StringIO(text))
    assert head == ["Address", "From", "To", "Why", "Rule", "Outcome"]
    assert row[:3] == ["gone@b.example", "Unverified", "Invalid"]
    assert "the mailbox does not exist" in row[3]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "＝1"])
def test_a_cell_that_a_spreadsheet_would_run_is_quoted(cell):
    assert safe_cell(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["ada@b.example", "1-1", "'quoted'", ""])
def test_any_other_cell_stays_as_it_is(cell):
    assert safe_cell(cell) == cell


@pytest.mark.parametrize("start", ["=", "+", "-"])
def test_an_exported_cell_is_never_a_formula(manager, start):
    run = a_cleaning_run()
    a_cleaning_row(run, f"{start}1+1@b.example")
    text = manager.get(url_of(run, "cleaning_csv")).getvalue().decode()
    assert f"'{start}1+1@b.example" in text
