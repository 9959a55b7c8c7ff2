"""Lists that look bought: quarantined, let in by a manager with a reason, batch by batch."""

from __future__ import annotations

import pytest

from bounces.models import Address
from bounces.rulings import NoReason
from contacts.importing import health, runs, working
from contacts.models import Contact, ImportRun
from tests.builders import NOW, a_bounce, a_user, an_address, an_attempt
from tests.contacts.importing import LATER, previewed

pytestmark = pytest.mark.django_db


def a_bad_list() -> str:
    return "email\n" + "".join(f"p{n}@mailinator.com\n" if n % 2 else f"p{n}@x.example\n" for n in range(120))


def test_a_list_that_looks_bought_is_quarantined():
    run = previewed(a_bad_list())
    assert "disposable" in run.quarantine
    assert run.health["disposable"] == 0.5


def test_an_ordinary_list_is_not():
    assert previewed("email\n" + "".join(f"p{n}@x.example\n" for n in range(120))).quarantine == ""


def a_list_of(rows: int, disposable: int) -> str:
    lines = [f"p{n}@{'mailinator.com' if n < disposable else 'x.example'}\n" for n in range(rows)]
    return "email\n" + "".join(lines)


@pytest.mark.parametrize(("rows", "disposable"), [(80, 60), (20, 20), (20, 3), (99, 10), (100, 5), (120, 6)])
def test_lists_from_twenty_rows_on_are_quarantined_for_too_many_disposable_addresses(rows, disposable):
    assert "disposable" in previewed(a_list_of(rows, disposable)).quarantine


@pytest.mark.parametrize(("rows", "disposable"), [(19, 19), (20, 0), (20, 2), (40, 3), (99, 5), (100, 4)])
def test_small_lists_are_not_accused_of_what_may_be_chance(rows, disposable):
    assert previewed(a_list_of(rows, disposable)).quarantine == ""


@pytest.mark.parametrize(
    ("sign", "row"),
    [
        ("are no addresses", "not one,A{n}"),
        ("disposable", "p{n}@mailinator.com,A{n}"),
        ("are shared mailboxes", "info@x{n}.example,A{n}"),
        ("known to bounce", "gone{n}@x.example,A{n}"),
        ("repeat a name", "p{n}@x.example,Max"),
    ],
)
def test_every_sign_judges_a_list_of_eighty_rows(sign, row):
    for number in range(60):
        an_address(f"gone{number}@x.example", status="invalid")
    good = "".join(f"good{n}@x.example,B{n}\n" for n in range(20))
    body = "email,first name\n" + good + "".join(f"{row.format(n=n)}\n" for n in range(60))
    assert sign in previewed(body).quarantine


def test_rows_without_an_address_do_not_make_a_list_long_enough_to_judge():
    body = "external id,email\n" + "".join(
        f"a{n},p{n}@{'mailinator.com' if n < 15 else 'x.example'}\n" for n in range(19)
    )
    assert previewed(body + "".join(f"b{n},\n" for n in range(60))).quarantine == ""


@pytest.mark.parametrize(
    ("share", "rows", "lower"), [(0.5, 20, 0.299), (0.1, 50, 0.0435), (0.0, 30, 0.0), (1.0, 20, 0.839)]
)
def test_the_lower_end_of_the_interval_is_wilsons(share, rows, lower):
    assert health.at_least(share, rows) == pytest.approx(lower, abs=0.001)


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


@pytest.mark.parametrize("codes", [{"smtp_code": 450, "enhanced_code": "4.7.1"}, {"smtp_code": 451}])
def test_greylisting_holds_no_batch_back(settings, codes):
    run = released(settings, 20)
    for address in Address.objects.all():
        an_attempt(address, sent_at=LATER)
        a_bounce(address, occurred_at=LATER, **{"enhanced_code": "", **codes})
    runs.let_next_batch(run, a_user("manager"))
