"""Outcomes of rows that did nothing: kept in packs, and read like all others."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.urls import reverse

from contacts.erasure import erase_contact
from contacts.importing import applying, runs, working
from contacts.importing.outcomes import failed_rows
from contacts.models import Contact, ImportOutcome, ImportPack, ImportRow, ImportRun
from tests.builders import NOW, a_user
from tests.contacts.importing import done, previewed, undone
from tests.tools import a_tool

pytestmark = pytest.mark.django_db


def a_list(rows: int) -> str:
    """Each address twice, at the end of the list again."""
    once = "".join(f"p{n}@x.example,N{n}\n" for n in range(rows))
    return "email,first_name\nnot one,Bad\n" + once + once


def test_rows_that_did_nothing_are_outcomes_like_all_others():
    boss = a_user("manager")
    run = done(a_list(100), by=boss)
    rows = ImportOutcome.objects.filter(run_id=run.pk).order_by("number")
    assert [(row.number, row.verdict, row.email) for row in rows[98:104]] == [
        (100, "new", "p97@x.example"),
        (101, "new", "p98@x.example"),
        (102, "new", "p99@x.example"),
        (103, "duplicate", "p0@x.example"),
        (104, "duplicate", "p1@x.example"),
        (105, "duplicate", "p2@x.example"),
    ]
    assert not ImportRow.objects.filter(verdict__in=ImportPack.VERDICTS).exists()
    assert rows.count() == 201


def test_the_page_and_the_api_leaf_through_them(client: Any):
    boss = a_user("manager")
    run = done(a_list(120), by=boss)
    client.force_login(boss)
    url, query, seen = reverse("contacts:import_run", args=[run.pk]), "?", []
    while query:
        page = client.get(f"{url}{query}").context["page"]
        seen += [row.number for row in page.items]
        query = f"?after={page.next_cursor}" if page.next_cursor else ""
    assert seen == list(range(2, 243))
    before = client.get(f"{url}?rows=duplicate&before={page.previous_cursor}").context["page"]
    assert {row.verdict for row in before.items} == {"duplicate"}
    told = a_tool(user=boss).get(f"imports/{run.pk}/rows/", verdict="duplicate", limit=200).json()["results"]
    assert [row["number"] for row in told] == list(range(123, 243))


def test_rows_that_are_left_as_they_are_come_in_packs_too():
    done(a_list(10))
    run = done("email,first_name\np1@x.example,Other\np2@x.example,Other\n", update="skip")
    assert ImportPack.objects.get(run_id=run.pk).numbers == [2, 3]
    assert set(ImportOutcome.objects.filter(run_id=run.pk).values_list("verdict", flat=True)) == {"skipped"}


def test_the_same_list_again_writes_little_to_the_log():
    """A row each would take 275 bytes."""
    boss = a_user("manager")
    done(a_list(2000), by=boss)
    run = done(a_list(2000), by=boss)
    assert (run.counts["duplicate"], ImportRow.objects.filter(run_id=run.pk).count()) == (2000, 0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(pg_column_size(p.*)) FROM contacts_importpack p WHERE run_id = %s", [run.pk])
        assert cursor.fetchone()[0] < 2000 * 40


def test_outcomes_that_are_written_anew_amid_the_batches_are_the_same():
    run = done(a_list(50))
    before = list(ImportOutcome.objects.filter(run_id=run.pk).order_by("number").values())
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE judged (number int, verdict text, contact_id bigint, problem jsonb)")
        cursor.execute("CREATE TEMP TABLE staged (number int, email text, problems jsonb, cells jsonb)")
        of_run = "FROM contacts_importoutcome WHERE run_id = %s"
        cursor.execute(f"INSERT INTO judged SELECT number, verdict, contact_id {of_run}", [run.pk])
        cursor.execute(f"INSERT INTO staged SELECT number, email, problems, cells {of_run}", [run.pk])
        text = applying.PACKED_OUTCOMES.format(judged="judged", stage="staged")
        cursor.execute(text, {"run": run.pk, "after": 70, "packed": ["duplicate", "invalid"]})
    assert list(ImportOutcome.objects.filter(run_id=run.pk).order_by("number").values()) == before


def test_an_erased_person_is_in_no_pack():
    boss = a_user("admin")
    done(a_list(10))
    run = done(a_list(10))  # each is about a known contact now
    ada = Contact.objects.get(first_name="N3")
    erase_contact(ada, boss, "They asked.", NOW)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM contacts_importpack p WHERE p::text ILIKE %s", ["%p3@x.example%"])
        assert cursor.fetchone()[0] == 0
    assert ImportOutcome.objects.filter(run_id=run.pk, verdict="duplicate").exclude(email="").count() == 9


def test_rows_that_failed_come_in_packs_and_are_told_with_their_cells():
    bad = "".join(f"not one {n},Bad,Acme\n" for n in range(600))
    run = previewed(f"email,first_name,company\n{bad}a@x.example,,\n", by=a_user("manager"))
    runs.confirm(run, run.started_by, NOW, "They all opted in.")
    working.work(run.pk, lambda: NOW)
    assert [len(pack.numbers) for pack in ImportPack.objects.filter(run_id=run.pk).order_by("pk")] == [500, 100]
    rows = ImportOutcome.objects.filter(run_id=run.pk, verdict="invalid").order_by("number")
    row = rows[599]
    assert (row.number, row.cells) == (601, {"email": "not one 599", "first_name": "Bad", "company": "Acme"})
    assert row.shown_problems[0][:2] == ["email", "not one 599"]
    assert len(list(failed_rows(run))) == 600


def test_a_verdict_of_very_many_rows_is_kept_row_by_row(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ImportPack, "MOST", 50)
    run = done(a_list(51))
    assert ImportRow.objects.filter(run_id=run.pk, verdict="duplicate").count() == 51
    assert [pack.verdict for pack in ImportPack.objects.filter(run_id=run.pk)] == ["invalid"]


def test_an_erased_persons_failed_row_is_emptied_and_no_other():
    boss = a_user("admin")
    done("email,first_name\nada@x.example,Ada\n")
    run = done("email,first_name,phone\nada@x.example and more,Augusta,1\nnot one,Bob,2\n", by=boss)
    erase_contact(Contact.objects.get(), boss, "They asked.", NOW)
    first, second = ImportOutcome.objects.filter(run_id=run.pk).order_by("number")
    assert (first.cells, first.problems, first.email) == (None, None, "")
    assert second.cells == {"email": "not one", "first_name": "Bob", "phone": "2"}


def test_undo_leaves_the_packs_of_its_report():
    boss = a_user("manager")
    run = undone(done(a_list(10), by=boss), boss)
    assert (run.kept, Contact.objects.count(), ImportRun.objects.count()) == (0, 0, 1)
    assert ImportOutcome.objects.filter(run_id=run.pk, verdict="duplicate").count() == 10
