"""Status changes become lines in the timelines of the contacts that are reached there."""

import pytest

from contacts.announcements import write_activities
from contacts.models import Activity
from tests.builders import a_contact, a_status_change, a_user

pytestmark = pytest.mark.django_db


def test_every_contact_of_the_address_gets_one_line():
    ada, bob = a_contact("info@example.org"), a_contact("info@example.org")
    a_contact("other@example.org")
    change = a_status_change("info@example.org", actor=a_user("manager"))
    write_activities({"change_ids": [change.pk]})
    lines = Activity.objects.order_by("contact_id")
    assert [(line.contact, line.kind, line.at, line.by) for line in lines] == [
        (ada, "status_changed", change.at, change.actor),
        (bob, "status_changed", change.at, change.actor),
    ]


def test_it_may_run_twice_and_with_ids_that_are_gone():
    a_contact("ada@example.org")
    payload = {"change_ids": [a_status_change("ada@example.org").pk, 999_999]}
    write_activities(payload)
    write_activities(payload)
    assert Activity.objects.count() == 1


def test_a_batch_is_one_statement(django_assert_num_queries):
    changes = [a_status_change(a_contact().contact_addresses.get().address) for _ in range(3)]
    with django_assert_num_queries(1):
        write_activities({"change_ids": [change.pk for change in changes]})
    assert Activity.objects.count() == 3
