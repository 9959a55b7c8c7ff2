"""The demo: everything in it went through the flow, it accounts for everything, and it never mixes with your rows."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import Model
from django.test import Client, TransactionTestCase
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from bounces import inbox, process
from bounces.classification import classify
from bounces.intake.events import keep_events
from bounces.models import Address, Bounce, CleaningRun, DailyStat, Dirty, InboundItem, Incident, Outbox, StatusChange
from bounces.parsing import read
from bounces.values import Event, MailKind, Status
from contacts.models import Activity, Campaign, Company, Contact
from crm.demo import letters
from crm.demo.cast import found_firms, meet_people
from crm.demo.load import Size, Watch, load
from crm.demo.replies import REPLIES, Reply
from crm.models import DemoLoad, User
from tests.bounces.flowing import event
from tests.builders import a_contact, a_user

MONDAY = datetime(2026, 11, 2, 20, 0, tzinfo=UTC)
SMALL = Size(contacts=60, days=30)


@pytest.fixture(scope="class")
def small_demo(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Loaded once for the tests that only look at it, and rolled back after them."""
    with django_db_blocker.unblock(), transaction.atomic():
        load(SMALL, 7, MONDAY)
        yield
        transaction.set_rollback(True)


def counts() -> dict[str, int]:
    models = (Contact, Address, Bounce, StatusChange, InboundItem, Activity, User, Campaign)
    return {model.__name__: model.objects.count() for model in models}


# --- what a small one brings ------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.usefixtures("small_demo")
class TestSmallDemo:
    def test_it_brings_contacts_with_every_status(self) -> None:
        statuses = set(Address.objects.values_list("status", flat=True))
        assert Contact.objects.count() == 60
        assert statuses == {str(status) for status in Status}

    def test_every_status_is_what_the_newest_change_says_and_why(self) -> None:
        for address in Address.objects.exclude(status="unverified", status_rule=""):
            newest = address.status_changes.order_by("-at", "-pk").first()
            assert newest is not None
            assert (newest.to_status, newest.rule) == (address.status, address.status_rule)

    def test_nothing_that_arrived_is_left_over(self) -> None:
        assert inbox.counts()["pending"] == 0
        assert not Dirty.objects.exists()
        assert not Outbox.objects.filter(done_at__isnull=True).exists()

    def test_changes_are_spread_over_the_days(self) -> None:
        days = {at.date() for at in StatusChange.objects.values_list("at", flat=True)}
        assert len(days) >= 8
        assert max(days) <= MONDAY.date()

    def test_nothing_happens_after_the_moment_it_is_told_for(self) -> None:
        assert not Bounce.objects.filter(occurred_at__gt=MONDAY).exists()
        assert not InboundItem.objects.filter(received_at__gt=MONDAY).exists()
        assert not Activity.objects.filter(at__gt=MONDAY).exists()

    def test_timelines_tell_of_the_changes(self) -> None:
        changes = StatusChange.objects.filter(address__contact_addresses__isnull=False)
        told = Activity.objects.filter(kind="status_changed").values_list("status_change_id", flat=True)
        assert set(told) == set(changes.values_list("pk", flat=True))

    def test_something_is_quarantined_and_something_ignored(self) -> None:
        assert inbox.counts()["quarantined"] == 1
        assert InboundItem.objects.filter(state="ignored", name="badge-scan.jpg").exists()

    def test_cleaning_has_run_as_a_preview_and_for_good(self) -> None:
        states = list(CleaningRun.objects.order_by("pk").values_list("state", "dry_run"))
        assert states[0] == ("ready", True)
        assert ("done", False) in states

    def test_the_rates_have_a_denominator(self) -> None:
        assert DailyStat.objects.filter(dimension="all", attempted__gt=0).count() >= 8
        assert DailyStat.objects.filter(dimension="campaign", attempted__gt=0).exists()

    def test_nobody_has_a_password(self) -> None:
        assert not any(user.has_usable_password() for user in User.objects.all())
        assert not User.objects.filter(role="admin").exists()

    def test_all_addresses_are_below_example(self) -> None:
        assert not Address.objects.exclude(domain__endswith=".example").exists()

    def test_loading_again_is_refused_and_changes_nothing(self) -> None:
        before = counts()
        with pytest.raises(CommandError, match="in this database already"):
            call_command("load_demo", "--force", stdout=StringIO())
        assert counts() == before


# --- the command ------------------------------------------------------------------------------------


def test_it_does_not_load_beside_contacts_of_yours(db: None) -> None:
    a_contact("ada@example.org")
    before = counts()
    with pytest.raises(CommandError, match="There are contacts in this database"):
        call_command("load_demo", stdout=StringIO())
    assert counts() == before


def test_if_empty_leaves_a_database_with_contacts_alone(db: None) -> None:
    a_contact("ada@example.org")
    out = StringIO()
    call_command("load_demo", "--if-empty", stdout=out)
    assert Contact.objects.count() == 1
    assert "not loaded" in out.getvalue()


def test_the_command_says_what_it_loaded(db: None) -> None:
    out = StringIO()
    call_command("load_demo", "--contacts", "60", "--days", "30", stdout=out)
    assert "60 contacts in 6 companies" in out.getvalue()


@pytest.mark.parametrize("option", [("--contacts", "7"), ("--contacts", "100000"), ("--days", "3")])
def test_a_size_that_makes_no_story_is_refused_by_name(db: None, option: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match=option[0]):
        call_command("load_demo", *option, stdout=StringIO())


class Stopped(Exception):
    pass


def stop_at(number: int) -> Watch:
    def watch(phase: str, done: int, total: int) -> None:
        if done == number:
            raise Stopped

    return watch


def rows(model: type[Model], *columns: str) -> list[str]:
    return sorted(map(repr, model.objects.values_list(*columns)))


def what_was_told() -> dict[str, list[str]]:
    """Everything that the story decides, without ids and the moments of the real clock."""
    return {
        "addresses": rows(Address, "email", "status", "status_rule", "reevaluate_at"),
        "changes": rows(StatusChange, "address__email", "at", "rule"),
        "bounces": rows(Bounce, "address__email", "occurred_at", "kind", "reason", "standing"),
        "items": rows(InboundItem, "received_at", "form", "state", "name"),
        "days": rows(DailyStat, "dimension", "key", "day", "attempted", "bounced", "delivered"),
        "contacts": rows(Contact, "first_name", "last_name", "title", "created_at"),
        "companies": rows(Company, "name", "owner__email"),
        "notes": rows(Activity, "kind", "text", "at"),
        "members": rows(Campaign, "key", "members__contact__contact_addresses__address__email"),
        "runs": rows(CleaningRun, "state", "applied", "total"),
        "incidents": rows(Incident, "provider", "state", "look_at", "ended_at"),
    }


@pytest.mark.django_db(transaction=True)
def test_a_load_that_is_stopped_again_and_again_ends_as_one_that_is_not() -> None:
    load(SMALL, 7, MONDAY)
    undisturbed = what_was_told()
    TransactionTestCase._fixture_teardown()  # as after a test: the database as migrated
    for number in (0, 1, 6, 17, 30):
        with pytest.raises(Stopped):
            load(SMALL, 7, MONDAY, stop_at(number))
    assert load_row().days_done == 30
    load(SMALL, 7, MONDAY)
    assert load_row().finished_at is not None
    assert what_was_told() == undisturbed


@pytest.mark.django_db(transaction=True)
def test_what_really_arrives_while_it_loads_is_judged_at_once_and_by_the_real_clock() -> None:
    arrived = []

    def knock(phase: str, done: int, total: int) -> None:
        if done == 14:
            smtp = {"code": 550, "enhanced": "5.1.1", "text": "550 5.1.1 User unknown"}
            bounced = event(recipient="ada@real.example.org", occurred_at=timezone.now().isoformat(), smtp=smtp)
            keep_events([bounced], "api:mine", a_user("manager"), timezone.now())
        if done == 15:
            arrived.append(Address.objects.get(email="ada@real.example.org"))

    load(SMALL, 7, MONDAY, knock)
    (address,) = arrived
    assert address.status == "invalid"
    assert address.status_changed_at > timezone.now() - timedelta(minutes=5)


@pytest.mark.django_db(transaction=True)
def test_the_real_flow_leaves_the_middle_of_the_story_alone() -> None:
    """An incident's next look, and what is judged again by the clock, wait for the story's own days."""
    with pytest.raises(Stopped):
        load(SMALL, 7, MONDAY, stop_at(20))
    assert not process.has_work(timezone.now())


@pytest.mark.django_db(transaction=True)
def test_the_command_goes_on_with_what_was_stopped_though_there_are_contacts() -> None:
    with pytest.raises(Stopped):
        load(SMALL, 7, MONDAY, stop_at(12))
    out = StringIO()
    call_command("load_demo", "--if-empty", stdout=out)
    assert "The demo is loaded" in out.getvalue()
    assert "day 30 of 30" in out.getvalue()
    assert Contact.objects.count() == 60


def test_the_dashboard_says_how_far_it_is(db: None, client: Client) -> None:
    client.force_login(a_user("admin"))
    row = DemoLoad.objects.create(contacts=9, days=120, seed=7, told_at=MONDAY, days_done=43, changed_at=timezone.now())
    page = client.get("/").content.decode()
    assert "Loading the demo" in page
    assert "day 43 of 120" in page
    assert "day 43 of 120" in client.get("/demo/progress/").content.decode()
    DemoLoad.objects.update(changed_at=timezone.now() - timedelta(minutes=5))
    assert "It goes on with the next start" in client.get("/").content.decode()
    row.finished_at = timezone.now()
    row.save()
    assert client.get("/demo/progress/").headers["HX-Refresh"] == "true"
    assert "demo-progress" not in client.get("/").content.decode()


def load_row() -> DemoLoad:
    return DemoLoad.objects.get()


# --- its parts --------------------------------------------------------------------------------------


ANSWERS = [reply for several in REPLIES.values() for reply in several]


@pytest.mark.parametrize("reply", ANSWERS, ids=lambda reply: f"{reply.code} {reply.status} {reply.text[:30]}")
@pytest.mark.parametrize("dialect", [dialect for dialect, _ in letters.DIALECTS], ids=lambda dialect: dialect.__name__)
def test_each_answer_is_read_as_it_is_meant_in_each_dialect(dialect: object, reply: Reply) -> None:
    sent = letters.Sent("ada@firm.example", "we@fernhill.example", "Hello", "tour.7.000001@fernhill.example", MONDAY)
    said = reply.said_to(sent.recipient)
    mail = dialect(letters.Failure(sent, reply.code, reply.status, said, MONDAY))
    (report,) = read(mail).reports
    assert (report.event, report.recipient) == (Event.BOUNCED, sent.recipient)
    assert classify(report).reason == reply.reason


def test_a_complaint_names_its_recipient_and_an_automatic_reply_is_one() -> None:
    sent = letters.Sent("ada@firm.example", "we@fernhill.example", "Hello", "tour.7.000001@fernhill.example", MONDAY)
    complaint = read(letters.complaint_mail(sent, MONDAY))
    assert complaint.kind == MailKind.FEEDBACK
    assert complaint.reports[0].recipient == sent.recipient
    assert read(letters.auto_reply(sent, "Ada", MONDAY)).kind == MailKind.VACATION


def test_the_same_seed_invents_the_same_people() -> None:
    first, second = (meet_people(80, found_firms(10, random.Random(3)), random.Random(4)) for _ in range(2))
    assert first == second
    assert len({person.email for person in first}) == 80
