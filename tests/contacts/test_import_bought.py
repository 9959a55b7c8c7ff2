"""Lists that look bought: quarantined, let in by a manager with a reason, batch by batch."""

from __future__ import annotations

import pytest

from bounces.models import Address
from bounces.rulings import NoReason
from contacts.importing import runs, working
from contacts.models import Contact, ImportRun
from tests.builders import NOW, a_bounce, a_user, an_attempt
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
