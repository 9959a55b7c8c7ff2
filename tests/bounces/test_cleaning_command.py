"""`manage.py clean`: scopes, what is done to a run, and what it refuses in plain words."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from bounces import cleaning
from bounces.models import Address, CleaningRun, Policy
from bounces.policy_versions import make_version
from contacts.models import ImportRow
from tests.builders import NOW, a_bounce, a_contact, a_user, an_import_run

pytestmark = pytest.mark.django_db


def clean(*arguments: str) -> str:
    said = io.StringIO()
    call_command("clean", *arguments, stdout=said)
    return said.getvalue()


def test_one_domain_is_cleaned() -> None:
    a_bounce("ada@example.org")
    a_bounce("bob@example.com")

    clean("--domain", "@Example.ORG")

    assert list(Address.objects.filter(status="invalid").values_list("email", flat=True)) == ["ada@example.org"]
    assert CleaningRun.objects.get().scope_label == "Domain example.org"


@pytest.mark.parametrize(("domain", "said"), [("nobody.example", "has no address"), ("no domain", "is no domain")])
def test_a_domain_of_nobody_is_said_plainly(domain: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        clean("--domain", domain)
    assert not CleaningRun.objects.exists()


def test_the_contacts_of_an_import_are_cleaned() -> None:
    imported = an_import_run(written={"update": 1})
    contact = a_contact("ada@example.org")
    ImportRow.objects.create(run_id=imported.pk, number=2, verdict="update", contact_id=contact.pk)
    a_bounce("ada@example.org")
    a_bounce("bob@example.com")

    clean("--import", str(imported.pk))

    assert CleaningRun.objects.get().scope_label == f"Import {imported.pk}: people.csv"
    assert list(Address.objects.filter(status="invalid").values_list("email", flat=True)) == ["ada@example.org"]


def test_an_import_that_is_not_there_is_said_plainly() -> None:
    with pytest.raises(CommandError, match="There is no import 7 that wrote contacts"):
        clean("--import", "7")


def test_the_command_goes_on_with_the_run_that_another_policy_makes() -> None:
    a_bounce("ada@example.org")
    run = cleaning.start_run(via="page", now=NOW)
    CleaningRun.objects.filter(pk=run.pk).update(state="paused", returns_to="evaluating")
    make_version({**Policy.active().numbers, "hard_limit": 9}, by=a_user("admin"), note="looser")

    said = clean("--resume", str(run.pk))

    assert f"Run {run.pk + 1}: done" in said


def test_a_run_is_taken_back_in_somebodys_name() -> None:
    a_bounce("ada@example.org")
    manager = a_user("manager")
    clean()
    run = CleaningRun.objects.get()

    said = clean("--undo", str(run.pk), "--reason", "wrong list", "--by", manager.email)

    run.refresh_from_db()
    assert (run.undone_by, run.undo_reason, Address.objects.get().status) == (manager, "wrong list", "unverified")
    assert "1 taken back, 0 kept" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--reason", "wrong"], "--by EMAIL"),
        (["--reason", "wrong", "--by", "sales@rebound.example"], "--by EMAIL"),
        (["--by", "manager@rebound.example"], "--reason TEXT"),
        (["--reason", "wrong", "--by", "manager@rebound.example"], "applied nothing"),
    ],
)
def test_an_undo_names_what_is_missing(options: list[str], said: str) -> None:
    a_user("sales", email="sales@rebound.example")
    a_user("manager", email="manager@rebound.example")
    clean()

    with pytest.raises(CommandError, match=said):
        clean("--undo", str(CleaningRun.objects.get().pk), *options)


def test_a_run_is_paused_and_resumed() -> None:
    a_bounce("ada@example.org")
    run = cleaning.start_run(via="page", now=NOW)

    assert "--resume" in clean("--pause", str(run.pk))
    clean("--resume", str(run.pk))

    run.refresh_from_db()
    assert (run.state, run.applied) == ("done", 1)


@pytest.mark.parametrize("deed", ["--pause", "--resume", "--undo"])
def test_a_run_that_is_not_there_is_said_plainly(deed: str) -> None:
    with pytest.raises(CommandError, match="no cleaning run 987654"):
        clean(deed, "987654")


def test_what_a_dry_run_has_found_is_applied_in_somebodys_name() -> None:
    a_bounce("ada@example.org")
    manager = a_user("manager")
    clean("--dry-run")
    run = CleaningRun.objects.get()
    assert Address.objects.get().status == "unverified"

    clean("--apply", str(run.pk), "--by", manager.email)

    run.refresh_from_db()
    assert (run.state, run.started_by, Address.objects.get().status) == ("done", manager, "invalid")


def test_a_run_is_cancelled() -> None:
    run = cleaning.start_run(via="page", now=NOW)

    assert "0 changes were applied" in clean("--cancel", str(run.pk))

    run.refresh_from_db()
    assert (run.state, run.error) == ("cancelled", "Cancelled by the command.")
    with pytest.raises(CommandError, match="nothing to cancel"):
        clean("--cancel", str(run.pk))


def test_a_run_that_exists_has_its_own_addresses() -> None:
    run = cleaning.start_run(via="page", now=NOW)

    with pytest.raises(CommandError, match="leave --domain out"):
        clean("--cancel", str(run.pk), "--domain", "example.org")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--domain", ""], "is no domain"),
        (["--segment", ""], "no segment “”"),
        (["--import", "0"], "no import 0"),
        (["--undo", "0", "--reason", "wrong", "--by", "manager@rebound.example"], "no cleaning run 0"),
        (["--apply", "0"], "no cleaning run 0"),
        (["--resume", "0"], "no cleaning run 0"),
        (["--cancel", "0"], "no cleaning run 0"),
        (["--cancel", "0", "--dry-run"], "leave --dry-run out"),
        (["--by", ""], "is no active user"),
        (["--by", "nobody@rebound.example"], "is no active user"),
        (["--reason", "a typo"], "an undo’s"),
    ],
)
def test_an_option_that_names_nothing_never_cleans_all(options: list[str], said: str) -> None:
    a_user("manager", email="manager@rebound.example")
    a_bounce("ada@example.org")

    with pytest.raises(CommandError, match=said):
        clean(*options)

    assert Address.objects.get().status == "unverified"


def test_a_run_is_started_in_somebodys_name() -> None:
    a_bounce("ada@example.org")
    manager = a_user("manager")

    clean("--by", manager.email)

    assert CleaningRun.objects.get().started_by == manager
