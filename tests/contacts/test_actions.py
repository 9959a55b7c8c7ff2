"""What happens by itself when an address becomes at risk or invalid, driven by the outbox."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from bounces import suppressions
from bounces.models import Outbox, Suppression
from bounces.policy import judge_now
from contacts.actions import act_on_changes, delete_contacts
from contacts.models import Contact, StatusAction, Task
from tests.builders import a_bounce, a_campaign, a_contact, a_status_change, a_tag, a_user

pytestmark = pytest.mark.django_db


def an_action(does: str, status: str = "invalid", **fields) -> StatusAction:
    return StatusAction.objects.create(does=does, status=status, **fields)


def a_dead_contact(**fields) -> tuple[Contact, dict]:
    """A contact whose address the policy has made invalid, and the announcement of that."""
    contact = a_contact("ada@b.example", **fields)
    address = contact.contact_addresses.get(is_primary=True).address
    a_bounce(address)
    judge_now([address.pk], timezone.now())
    return contact, Outbox.objects.filter(topic="status_changed").latest("pk").payload


def told_twice(payload) -> None:
    act_on_changes(payload)
    act_on_changes(payload)


def test_without_actions_nothing_happens():
    contact, payload = a_dead_contact()
    told_twice(payload)
    assert not Task.objects.exists()
    assert not Suppression.objects.exists()
    assert not contact.activities.exists()


def test_the_owner_gets_one_task_to_find_a_new_address():
    an_action("task")
    owner = a_user()
    _, payload = a_dead_contact(owner=owner, first_name="Ada", last_name="Lovelace")
    told_twice(payload)
    task = Task.objects.get()
    assert (task.text, task.owner) == ("Find a new address for Ada Lovelace: ada@b.example is invalid.", owner)


def test_the_contact_is_tagged_once():
    an_action("tag", tag=a_tag("dead"))
    contact, payload = a_dead_contact()
    told_twice(payload)
    assert [tag.name for tag in contact.tags.all()] == ["dead"]
    assert [one.text for one in contact.activities.all()] == ["Tag “dead” added: the address is invalid."]


def test_the_contact_leaves_running_campaigns_and_no_others():
    an_action("leave_campaigns")
    contact, payload = a_dead_contact()
    a_campaign("Running", state="running", members=(contact,))
    a_campaign("Finished", state="finished", members=(contact,))
    told_twice(payload)
    assert [campaign.name for campaign in contact.campaigns.all()] == ["Finished"]
    assert "Taken out of campaign “Running”: ada@b.example is invalid." in contact.activities.get().text


def test_the_address_is_suppressed_until_a_person_lifts_it_and_not_again_by_the_same_news():
    an_action("suppress")
    _, payload = a_dead_contact()
    told_twice(payload)
    suppression = Suppression.objects.get()
    assert (suppression.reason, suppression.state_at(timezone.now())) == ("cleaning", "in_force")
    suppressions.lift(suppression, a_user("manager"), "It works.", timezone.now())
    act_on_changes(payload)
    assert Suppression.objects.count() == 1


@pytest.mark.parametrize("does", ["task", "suppress", "leave_campaigns"])
def test_an_address_that_is_well_again_by_then_is_left_alone(does):
    an_action(does)
    contact, payload = a_dead_contact()
    a_campaign(state="running", members=(contact,))
    address = contact.contact_addresses.get().address
    address.status = "valid"
    address.save()
    told_twice(payload)
    assert not Task.objects.exists()
    assert not Suppression.objects.exists()
    assert contact.campaigns.exists()


def test_an_action_is_for_its_status_alone():
    an_action("task", status="at_risk")
    _, payload = a_dead_contact()
    act_on_changes(payload)
    assert not Task.objects.exists()


def test_a_second_address_that_fails_takes_nobody_out_of_a_campaign():
    an_action("leave_campaigns")
    contact = a_contact("ada@b.example", others=("old@b.example",))
    a_campaign(state="running", members=(contact,))
    change = a_status_change("old@b.example")
    change.address.status = "invalid"
    change.address.save()
    act_on_changes({"change_ids": [change.pk]})
    assert contact.campaigns.exists()


def test_a_contact_is_deleted_after_its_days_and_its_address_stays():
    an_action("delete", days=30)
    contact, payload = a_dead_contact(external_id="crm-1")
    act_on_changes(payload)
    planned = Outbox.objects.get(topic="contacts_to_delete")
    assert planned.due_at > timezone.now() + timedelta(days=29)
    delete_contacts(planned.payload)
    delete_contacts(planned.payload)
    contact.refresh_from_db()
    assert contact.deleted_at
    assert contact.external_id is None  # free for whoever is imported with it
    assert contact.contact_addresses.get().address.status == "invalid"
    assert contact.activities.get().text == "Deleted: no address of it works."


@pytest.mark.parametrize("saved_by", ["another address", "the action taken out of use"])
def test_a_contact_is_not_deleted_if_there_is_a_reason_not_to(saved_by):
    action = an_action("delete", days=30)
    contact, payload = a_dead_contact(others=("new@b.example",) if saved_by == "another address" else ())
    act_on_changes(payload)
    if saved_by != "another address":
        StatusAction.objects.filter(pk=action.pk).update(is_enabled=False)
    delete_contacts(Outbox.objects.get(topic="contacts_to_delete").payload)
    contact.refresh_from_db()
    assert contact.deleted_at is None


@pytest.mark.parametrize(
    "fields",
    [
        {"does": "tag"},
        {"does": "delete"},
        {"does": "task", "days": 3},
        {"does": "delete", "days": 9, "status": "at_risk"},
    ],
)
def test_an_action_that_makes_no_sense_is_refused_by_the_database(fields):
    with pytest.raises(IntegrityError), transaction.atomic():
        an_action(**fields)
