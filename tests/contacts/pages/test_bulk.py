"""Bulk actions: on the ticked or on all that a filter finds, and never on what belongs to others."""

import pytest
from django.urls import reverse

from bounces.models import CleaningRun
from contacts.models import Contact, Segment, Tag
from contacts.segments import contacts_of
from tests.builders import a_campaign, a_contact, a_tag, a_user
from tests.contacts.pages.seen import said, text_of

pytestmark = pytest.mark.django_db


def do(client, action, contacts=(), **typed):
    data = {"action": action, "pk": [contact.pk for contact in contacts], **typed}
    return client.post(reverse("contacts:bulk"), data)


def test_a_tag_is_added_to_the_ticked_and_told_in_their_timelines(client, sales):
    ticked, other = a_contact(tags=("old",)), a_contact()
    response = do(client, "add_tag", [ticked], tag_name="VIP")
    assert [tag.name for tag in ticked.tags.all()] == ["VIP", "old"]
    assert not other.tags.exists()
    assert ticked.activities.get().text == "Tag “VIP” added."
    assert said(response) == ["“VIP” added to 1 contact."]


def test_doing_it_again_changes_nothing(client, sales):
    contact = a_contact(tags=("vip",))
    assert said(do(client, "add_tag", [contact], tag_name="VIP")) == ["“vip” added to 0 contacts."]
    assert not contact.activities.exists()


def test_a_tag_is_removed_and_an_unknown_one_is_not_made(client, sales):
    contact = a_contact(tags=("vip",))
    do(client, "remove_tag", [contact], tag_name="VIP")
    do(client, "remove_tag", [contact], tag_name="unheard of")
    assert not contact.tags.exists()
    assert Tag.objects.count() == 1


def test_the_whole_filter_is_changed_and_what_belongs_to_others_stays(client, sales):
    own = [a_contact(owner=sales, country="DE") for _ in range(3)]
    bobs, elsewhere = a_contact(owner=a_user(), country="DE"), a_contact(country="US")
    response = do(client, "add_tag", own[:1], tag_name="vip", whole="on", country="DE")
    assert set(a_tag("vip").contacts.all()) == set(own)
    assert said(response) == ["“vip” added to 3 contacts. 1 belongs to others and stayed as they were."]
    assert response.url == "/contacts/?country=DE"
    assert bobs.updated_at == Contact.objects.get(pk=bobs.pk).updated_at
    assert not elsewhere.tags.exists()


@pytest.mark.parametrize("filtered", [{"segment": "x1"}, {"status": "broken"}])
def test_a_filter_that_cannot_be_read_changes_nobody(client, sales, filtered):
    contact = a_contact()
    (sentence,) = said(do(client, "add_tag", tag_name="vip", whole="1", **filtered))
    assert sentence.startswith("Nothing was done")
    assert not contact.tags.exists()


@pytest.mark.parametrize("stored", [{"status": ["gone"]}, {"stauts": ["valid"]}, {"tag": {"a": 1}}, ["valid"]])
def test_a_segment_that_cannot_be_read_is_about_nobody_and_says_why(client, manager, stored):
    contact = a_contact()
    segment = Segment.objects.create(name="Old", filter=stored)
    campaign = a_campaign()
    said_why = "Segment “Old” cannot be read"
    assert not contacts_of(segment).exists()
    assert said_why in text_of(client.get(reverse("contacts:segments")))
    assert said_why in text_of(client.get(reverse("contacts:list"), {"segment": segment.pk}))
    assert said_why in said(do(client, "add_tag", tag_name="vip", whole="1", segment=segment.pk))[0]
    assert said_why in said(client.get(reverse("contacts:export_new"), {"segment": segment.pk}))[0]
    assert said_why in said(client.get(reverse("contacts:segment_edit", args=[segment.pk])))[0]
    assert (
        said_why in said(client.post(reverse("contacts:campaign_add", args=[campaign.pk]), {"segment": segment.pk}))[0]
    )
    cleaning = client.post(reverse("contacts:cleaning_start"), {"segment": segment.pk, "mode": "preview"})
    assert said_why in text_of(cleaning)
    assert client.get("/api/v1/contacts/", {"segment": segment.pk}).status_code == 400
    assert not contact.tags.exists()


def test_managers_change_everyones(client, manager):
    contact = a_contact(owner=a_user())
    do(client, "set_owner", [contact], new_owner=manager.pk)
    assert Contact.objects.get(pk=contact.pk).owner == manager
    do(client, "set_owner", [contact], new_owner="none")
    assert Contact.objects.get(pk=contact.pk).owner is None


def test_hidden_contacts_cannot_be_reached_by_their_number(client, settings, sales):
    settings.SALES_SEE = "team"
    hidden, campaign = a_contact(owner=a_user()), a_campaign(owner=sales)
    do(client, "add_tag", [hidden], tag_name="x")
    do(client, "add_to_campaign", [hidden], to_campaign=campaign.pk)
    assert not hidden.tags.exists()
    assert not campaign.members.exists()


def test_contacts_are_added_to_own_campaigns_only(client, sales):
    contact, own, bobs = a_contact(owner=a_user()), a_campaign(owner=sales), a_campaign(owner=a_user())
    assert do(client, "add_to_campaign", [contact], to_campaign=own.pk).status_code == 302
    assert list(own.contacts.all()) == [contact]
    assert do(client, "add_to_campaign", [contact], to_campaign=bobs.pk).status_code == 403
    assert not bobs.members.exists()


@pytest.mark.parametrize(
    ("action", "typed", "sentence"),
    [
        ("add_tag", {}, "Write the tag’s name first."),
        ("add_tag", {"tag_name": "a,b"}, "cannot be a tag"),
        ("set_owner", {"new_owner": "999999"}, "Choose an owner first."),
        ("add_to_campaign", {"to_campaign": "x"}, "Choose a campaign first."),
        ("explode", {}, "Choose what to do"),
    ],
)
def test_what_is_missing_is_said(client, sales, action, typed, sentence):
    assert sentence in said(do(client, action, [a_contact()], **typed))[0]


def test_ticking_nobody_is_said(client, sales):
    assert said(do(client, "add_tag", tag_name="x")) == ["Tick some contacts first."]


def test_managers_clean_the_ticked_and_sales_do_not(client, sales):
    contact = a_contact("ada@example.org", others=("ada@home.example",))
    a_contact()
    assert do(client, "clean", [contact]).status_code == 403
    client.force_login(a_user("manager"))
    response = do(client, "clean", [contact])
    run = CleaningRun.objects.get()
    assert (run.scope, run.dry_run, run.total) == ("chosen", True, 2)
    assert response.url == reverse("bounces:cleaning_run", args=[run.pk])
