"""People who must not be written to, as a file says: counted before, suppressed with the import, lifted by its undo."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from bounces.models import Address, Suppression
from bounces.values import Answer
from bounces.verdict import check
from contacts.importing import runs
from contacts.importing.options import Options
from contacts.models import Contact, ImportRun
from tests.builders import NOW, a_contact, a_suppression, a_user
from tests.contacts.importing import begun, done, previewed, undone
from tests.tools import a_tool, errors_of

pytestmark = pytest.mark.django_db

FILE = (
    "Email,First Name,Status,Email Opt Out,Hard bounce reason\n"
    "ann@x.example,Ann,Active,0,\n"
    "bob@x.example,Bob,Unsubscribed,0,\n"
    "cat@x.example,Cat,Active,1,\n"
    "dan@x.example,Dan,Active,0,Recipient unknown\n"
    "eve@x.example,Eve,Blocklisted,0,\n"
)
REASONS = {"bob": "unsubscribe", "cat": "unsubscribe", "dan": "bounce", "eve": "manual"}


def in_force() -> dict[str, str]:
    rows = Suppression.objects.filter(lifted_at=None).select_related("address")
    return {row.address.email.partition("@")[0]: row.reason for row in rows if row.address}


def test_they_are_counted_before_anything_is_written():
    run = previewed(FILE)
    assert run.opt_outs == {"unsubscribe": 2, "bounce": 1, "manual": 1}
    assert (Suppression.objects.count(), Contact.objects.count()) == (0, 0)


def test_they_are_suppressed_for_the_reason_that_the_file_gives_and_nobody_else():
    run = done(FILE)
    assert in_force() == REASONS
    assert run.suppressed == 4
    verdicts = check(["ann@x.example", "bob@x.example"], NOW)
    assert (verdicts["ann@x.example"].answer == Answer.NO, verdicts["bob@x.example"].answer) == (False, Answer.NO)


def test_a_suppression_names_its_import_and_column_and_no_cell():
    run = done(FILE)
    bob = Suppression.objects.get(address__email="bob@x.example")
    assert (bob.source, "“Status”" in bob.note, "Unsubscribed" in bob.note) == (f"import {run.pk}", True, False)


def test_a_date_in_the_file_is_the_suppressions_date():
    done("Email,UNSUB_TIME\nann@x.example,2023-05-05 11:11:11\n")
    assert Suppression.objects.get().created_at.isoformat() == "2023-05-05T11:11:11+00:00"


@pytest.mark.parametrize("column", ["Tags", "Labels", "Categories"])
def test_a_label_says_it_too_and_stays_a_tag(column: str):
    done(f"Email,{column}\nann@x.example,VIP;Unsubscribed\nbob@x.example,VIP\n")
    assert in_force() == {"ann": "unsubscribe"}
    assert {tag.name for tag in Contact.objects.get(first_name="", tags__name="Unsubscribed").tags.all()} == {
        "VIP",
        "Unsubscribed",
    }


def test_who_is_there_already_and_unchanged_is_suppressed_too():
    done("Email,First Name\nbob@x.example,Bob\n", change_others=True)
    run = done("Email,First Name,Status\nbob@x.example,Bob,Unsubscribed\n", change_others=True)
    assert (run.wrote, in_force()) == (0, {"bob": "unsubscribe"})


def test_so_is_who_is_in_conflict_or_somebody_elses():
    a_contact("bob@x.example", first_name="Bob", owner=a_user("sales"))
    run = done("Email,First Name,Status\nbob@x.example,Robert,Unsubscribed\n", by=a_user("sales"))
    assert (run.counts["not_yours"], in_force()) == (1, {"bob": "unsubscribe"})


def test_all_addresses_of_a_person_who_unsubscribed_are_suppressed_and_one_that_bounced():
    done("Email,Other emails,Status\nbob@x.example,bob2@x.example,Unsubscribed\n")
    done("Email,Other emails,Status\ndan@x.example,dan2@x.example,Bounced\n")
    assert in_force() == {"bob": "unsubscribe", "bob2": "unsubscribe", "dan": "bounce"}


def test_the_gravest_of_several_columns_holds():
    done("Email,Status,Marked as spam\nbob@x.example,Unsubscribed,yes\n")
    assert in_force() == {"bob": "complaint"}


def test_the_same_file_again_suppresses_nobody_anew():
    done(FILE)
    before = set(Suppression.objects.values_list("pk", "source", "created_at"))
    done(FILE, change_others=True)
    assert set(Suppression.objects.values_list("pk", "source", "created_at")) == before


def test_undo_lifts_what_it_suppressed_and_nothing_else():
    boss = a_user("admin")
    a_suppression("cat@x.example", reason="unsubscribe")
    run = undone(done(FILE, by=boss), boss)
    assert in_force() == {"cat": "unsubscribe"}
    lifted = Suppression.objects.filter(lifted_at__isnull=False)
    assert {(row.lifted_by, "was taken back" in row.lift_reason) for row in lifted} == {(boss, True)}
    assert run.state == "undone"


def test_an_import_that_only_suppresses_can_be_taken_back():
    boss = a_user("admin")
    done("Email,First Name\nbob@x.example,Bob\n", by=boss)
    run = done("Email,First Name,Status\nbob@x.example,Bob,Unsubscribed\n", by=boss)
    assert (run.wrote, run.can_undo) == (0, True)
    undone(run, boss)
    assert in_force() == {}


def test_to_import_them_as_ordinary_contacts_needs_a_reason():
    with pytest.raises(runs.NotReady, match="Say why"):
        begun(FILE, opt_outs="ordinary")
    done(FILE, opt_outs="ordinary", opt_out_reason="They asked to come back")
    assert (in_force(), Contact.objects.count()) == ({}, 5)


def test_an_unknown_word_suppresses_nobody_and_is_told():
    run = done("Email,Status\nann@x.example,Unsubscribed\nbob@x.example,Wibble\n")
    assert in_force() == {"ann": "unsubscribe"}
    assert any("“Wibble”" in notice for notice in run.notices)


def test_a_status_of_something_else_is_no_opt_out():
    run = done("Email,Status\nann@x.example,Customer\nbob@x.example,Lead\n")
    assert (run.mapping, in_force()) == ({"Email": "email"}, {})


def test_our_own_status_is_none_either():
    run = done("email,status\nann@x.example,invalid\nbob@x.example,valid\n")
    assert (run.mapping, in_force()) == ({"email": "email"}, {})
    assert set(Address.objects.values_list("status", flat=True)) == {"unverified"}


# --- the doors ------------------------------------------------------------------------------------


def test_the_page_asks_for_the_reason_and_shows_the_count():
    client, boss = Client(), a_user("admin")
    client.force_login(boss)
    run = runs.take_file([FILE.encode()], "people.csv", by=boss, via="page", now=NOW)
    url = reverse("contacts:import_columns", args=[run.pk])
    form = client.get(url).context["form"]
    chosen: dict[str, Any] = {
        bound.html_name: bound.value() for bound in form if bound.value() not in (None, False, "")
    }
    refused = client.post(url, {**chosen, "opt_outs": "ordinary"})
    assert (refused.status_code, "Say why" in refused.content.decode()) == (400, True)
    client.post(url, chosen)
    from contacts.importing import working

    working.work(run.pk, lambda: NOW)
    page = client.get(reverse("contacts:import_run", args=[run.pk])).content.decode()
    assert "Opt-outs in this file" in page
    assert "Bounced in another tool" in page


def test_the_api_counts_them_and_asks_for_the_reason():
    tool = a_tool()
    rows = {"rows": [{"email": "bob@x.example", "status": "Unsubscribed"}]}
    refused = tool.post("imports/", {**rows, "opt_outs": "ordinary"})
    assert "Say why" in errors_of(refused)["opt_out_reason"]
    assert tool.post("imports/", rows).status_code == 202


def test_the_command_takes_a_reason(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text(FILE)
    call_command("import_contacts", path, opt_outs_as_ordinary="They asked to come back")
    assert in_force() == {}
    assert ImportRun.objects.get().options["opt_out_reason"] == "They asked to come back"
    with pytest.raises(CommandError):
        call_command("import_contacts", tmp_path / "missing.csv")


def test_the_command_says_what_becomes_of_them(tmp_path, capsys):
    path = tmp_path / "people.csv"
    path.write_text(FILE)
    call_command("import_contacts", path, dry_run=True)
    assert "4 rows are opt-outs" in " ".join(capsys.readouterr().out.split())
    call_command("import_contacts", path)
    assert "4 addresses were suppressed for that." in " ".join(capsys.readouterr().out.split())


def test_the_admin_says_what_becomes_of_them(tmp_path):
    from tests.contacts.test_admin_files import upload

    client = Client()
    client.force_login(a_user("admin"))
    assert "Their addresses are suppressed with the import" in upload(client, FILE).content.decode()


def test_the_report_says_what_became_of_them():
    client, boss = Client(), a_user("admin")
    client.force_login(boss)
    run = done(FILE, by=boss)
    page = client.get(reverse("contacts:import_run", args=[run.pk])).content.decode()
    assert "4 addresses were suppressed for that." in page


def test_options_that_were_kept_before_are_still_read():
    assert Options(update="fill").opt_outs == "suppress"
