"""What happened by itself is taken back when the address gets its status back; what only a person may, is told."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bounces import cleaning, rulings
from bounces.models import Address, CleaningRun, Outbox, Policy, Suppression
from bounces.policy import judge_now
from bounces.policy_versions import make_version
from contacts.actions import act_on_changes, delete_contacts
from contacts.giving_back import give_back
from contacts.models import Contact, Deed, StatusAction, Tag, Task
from tests.builders import a_bounce, a_campaign, a_contact, a_tag, a_user

pytestmark = pytest.mark.django_db


def told(times: int = 2) -> None:
    """Everything that was announced, in its order, as the outbox tells it: at least once."""
    for one in Outbox.objects.filter(topic="status_changed").order_by("pk"):
        for _ in range(times):
            give_back(one.payload)
            act_on_changes(one.payload)


def a_dead_contact(*does: str, **fields: Any) -> Contact:
    for name in does:
        tag = a_tag("dead") if name == "tag" else None
        StatusAction.objects.create(does=name, tag=tag, days=30 if name == "delete" else None)
    contact = a_contact("ada@b.example", **fields)
    a_campaign("Running", state="running", members=(contact,))
    a_bounce(contact.contact_addresses.get().address, occurred_at=timezone.now() - timedelta(hours=1))
    cleaning.work(cleaning.start_run(via="page", now=timezone.now()).pk, timezone.now)
    told()
    return contact


def undone() -> Any:
    by = a_user("manager")
    run = CleaningRun.objects.latest("pk")
    cleaning.undo_run(run, by, "the policy was wrong", timezone.now())
    cleaning.work(run.pk, timezone.now)
    told()
    return by


def delivered_again() -> None:
    address = Address.objects.get()
    address.bounces.all().delete()
    Address.objects.filter(pk=address.pk).update(last_delivered_at=timezone.now())
    judge_now([address.pk], timezone.now())
    told()


def history_of(contact: Contact) -> list[str]:
    return list(contact.activities.filter(kind="edited").order_by("pk").values_list("text", flat=True))


def test_an_undo_takes_the_tag_the_task_and_the_suppression_back_and_returns_to_the_campaign() -> None:
    contact = a_dead_contact("tag", "task", "suppress", "leave_campaigns")
    assert (contact.tags.count(), contact.campaigns.count(), Suppression.objects.count()) == (1, 0, 1)

    by = undone()

    suppression = Suppression.objects.get()
    assert (contact.tags.count(), contact.campaigns.count()) == (0, 1)
    assert Task.objects.get().done_at
    assert (suppression.lifted_by, suppression.lift_reason) == (by, "the policy was wrong")
    assert history_of(contact)[-4:] == [
        "Tag “dead” removed: ada@b.example is not invalid any more.",
        "Task closed: ada@b.example is not invalid any more.",
        "Back in campaign “Running”: ada@b.example is not invalid any more.",
        "No longer suppressed: ada@b.example got its status back.",
    ]


def test_a_restore_does_so_too() -> None:
    contact = a_dead_contact("suppress", "leave_campaigns")

    rulings.restore(Address.objects.get(), a_user("manager"), "she called", timezone.now())
    told()

    assert Suppression.objects.get().lift_reason == "she called"
    assert contact.campaigns.exists()


def test_where_facts_alone_gave_the_status_back_only_a_person_lifts_and_the_history_says_so() -> None:
    contact = a_dead_contact("tag", "suppress", "leave_campaigns")

    delivered_again()

    assert not contact.tags.exists()
    assert Suppression.objects.get().lifted_at is None
    assert not contact.campaigns.exists()
    assert history_of(contact)[-2:] == [
        "Stays out of campaign “Running” until somebody adds it, though ada@b.example is not invalid any more.",
        "ada@b.example works again, and is still suppressed until a person lifts that.",
    ]


def test_who_may_not_lift_suppressions_lifts_none_by_a_restore() -> None:
    a_dead_contact("suppress")

    rulings.restore(Address.objects.get(), a_user("sales"), "she called", timezone.now())
    told()

    assert Suppression.objects.get().lifted_at is None


@pytest.mark.parametrize("reason", ["complaint", "unsubscribe", "bounce", "manual"])
def test_no_other_suppression_is_lifted(reason: str) -> None:
    contact = a_dead_contact("suppress")
    address = contact.contact_addresses.get().address
    suppression = Suppression.objects.get()
    Suppression.objects.create(
        reason=reason, address=address, address_key=bytes(suppression.address_key or b""), source="test"
    )

    undone()

    assert Suppression.objects.get(reason=reason).lifted_at is None
    assert Suppression.objects.get(reason="cleaning").lifted_at


def test_a_tag_and_a_membership_that_a_person_gave_are_left_alone() -> None:
    contact = a_contact("ada@b.example")
    contact.tags.add(a_tag("dead"))
    StatusAction.objects.create(does="tag", tag=Tag.objects.get())
    a_bounce(contact.contact_addresses.get().address, occurred_at=timezone.now() - timedelta(hours=1))
    cleaning.work(cleaning.start_run(via="page", now=timezone.now()).pk, timezone.now)
    told()

    undone()

    assert contact.tags.exists()


def test_a_contact_that_was_deleted_by_itself_is_there_again_with_its_external_id() -> None:
    contact = a_dead_contact("delete", external_id="crm-1")
    for planned in Outbox.objects.filter(topic="contacts_to_delete"):
        delete_contacts(planned.payload)
    assert Contact.objects.get(pk=contact.pk).deleted_at

    undone()

    contact.refresh_from_db()
    assert (contact.deleted_at, contact.external_id) == (None, "crm-1")


def test_what_becomes_invalid_once_more_is_acted_upon_once_more() -> None:
    contact = a_dead_contact("tag", "leave_campaigns")
    undone()

    address = contact.contact_addresses.get().address
    a_bounce(address, occurred_at=timezone.now())
    judge_now([address.pk], timezone.now())
    told()

    assert contact.tags.exists()
    assert not contact.campaigns.exists()
    assert Deed.objects.filter(ended_at=None).count() == 2


def test_a_suppression_that_was_left_for_a_person_is_lifted_by_the_undo_of_the_next_mark() -> None:
    a_dead_contact("suppress")
    make_version({**Policy.active().numbers, "hard_limit": 9}, by=a_user("admin"), note="looser")
    cleaning.work(cleaning.start_run(via="policy", now=timezone.now()).pk, timezone.now)
    told()
    assert Suppression.objects.get().lifted_at is None
    make_version({**Policy.active().numbers, "hard_limit": 1}, by=a_user("admin"), note="as before")
    cleaning.work(cleaning.start_run(via="policy", now=timezone.now()).pk, timezone.now)
    told()

    by = undone()

    assert Suppression.objects.get().lifted_by == by


def test_where_nothing_happened_by_itself_no_change_is_looked_up(django_assert_num_queries: Any) -> None:
    a_dead_contact()
    with django_assert_num_queries(1):
        give_back({"change_ids": [1, 2, 3]})
