"""A merge can be undone for 30 days: the same rows as before, apart from what was edited since."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.erasure import erase_contact, erase_email
from contacts.merging import CannotUndo, company_differences, differences, merge, merge_companies, undo_merge
from contacts.merging.companies import refuse_companies
from contacts.merging.recording import tables_of
from contacts.merging.undoing import KEPT_FOR, expire
from contacts.models import (
    Activity,
    Company,
    Contact,
    ContactAddress,
    ContactExternalId,
    Deed,
    DuplicatePair,
    Merge,
    Segment,
    Task,
)
from contacts.people import NotAllowed, add_note, change_contact
from tests.builders import (
    NOW,
    a_campaign,
    a_company,
    a_contact,
    a_custom_field,
    a_note,
    a_segment,
    a_status_change,
    a_tag,
    a_user,
    an_address,
)
from tests.contacts.test_erasure import places_that_name

pytestmark = pytest.mark.django_db

# What a merge may touch. Beside it only the record of the merge itself, and the queue.
TABLES = sorted({"contacts_contact", "contacts_company", "contacts_segment", *(t.name for t in tables_of(Contact))})


@pytest.fixture
def manager() -> Any:
    return a_user("manager")


def state_of_all() -> str:
    digest = hashlib.sha256()
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} AS t ORDER BY id")
            digest.update(repr([table, cursor.fetchall()]).encode())
    return digest.hexdigest()


def rich(email: str, **fields: Any) -> Contact:
    """A contact with a row in every table that a merge moves."""
    contact = a_contact(email, tags=("both", f"only {email}"), others=("desk@b.example",), **fields)
    shared = an_address("desk@b.example")
    a_campaign(members=(contact,))
    a_note(contact, f"Called {email}.")
    change = a_status_change("desk@b.example")
    Activity.objects.create(contact=contact, kind="status_changed", status_change_id=change.pk)
    Task.objects.create(contact=contact, text="Call again.", status_change_id=change.pk)
    for status_change in (change.pk, 777):
        Deed.objects.create(
            status="invalid", does="tag", status_change_id=status_change, address=shared, contact=contact,
            tag=a_tag("both"),
        )  # fmt: skip
    return contact


def a_rich_pair() -> tuple[Contact, Contact]:
    kept = rich("ada@b.example", title="CTO", custom={"size": "10", "own": "a"}, external_id="k-1", company="Acme")
    other = rich("ada@new.example", title="CEO", custom={"size": "20", "more": "b"}, external_id="x-1", phone="+1 555")
    a_campaign("Both", members=(kept, other))
    return kept, other


@pytest.mark.parametrize("take", ["nothing", "everything"])
def test_merge_and_undo_give_the_same_rows(manager: Any, take: str) -> None:
    kept, other = a_rich_pair()
    before = state_of_all()
    chosen = [one.name for one in differences(kept, other)] if take == "everything" else []
    done = merge(kept, other, chosen, by=manager, now=timezone.now())
    assert state_of_all() != before
    undone = undo_merge(done, by=manager, now=timezone.now())
    assert state_of_all() == before
    assert (undone.stayed, undone.changes, undone.state) == ([], {}, "undone")


FIELDS = ("first_name", "last_name", "title", "phone", "source")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_two_contacts_have_undo_gives_the_same_rows(manager: Any, data: st.DataObject) -> None:
    emails = ["a@b.example", "b@b.example", "c@b.example"]
    pair = []
    for _ in range(2):
        reached = data.draw(st.lists(st.sampled_from(emails), max_size=3, unique=True))
        fields = {field: data.draw(st.sampled_from(["", "x", "y"])) for field in FIELDS}
        custom = data.draw(st.dictionaries(st.sampled_from("pqr"), st.sampled_from([1, "x", None, True]), max_size=3))
        tags = tuple(data.draw(st.lists(st.sampled_from(["s", "t", "u"]), max_size=3, unique=True)))
        first = reached[0] if reached else None
        contact = a_contact(first, others=tuple(reached[1:]), tags=tags, custom=custom, **fields)
        for number in data.draw(st.lists(st.integers(1, 3), max_size=3, unique=True)):
            Task.objects.create(contact=contact, text="Call.", status_change_id=number)
        pair.append(contact)
    names = [one.name for one in differences(*pair)]
    chosen = data.draw(st.lists(st.sampled_from(names), unique=True)) if names else []
    before = state_of_all()
    done = merge(pair[0], pair[1], chosen, by=manager, now=timezone.now())
    undo_merge(done, by=manager, now=timezone.now())
    assert state_of_all() == before


def test_later_edits_stay_with_the_kept_contact_and_are_reported(manager: Any) -> None:
    a_custom_field("more")
    kept, other = a_rich_pair()
    done = merge(kept, other, ["title"], by=manager, now=timezone.now())
    kept.refresh_from_db()
    edits = {"title": "Chair", "custom": {"more": "c"}, "tags": ["both", "new"]}
    change_contact(kept, edits, by=manager, now=timezone.now())
    add_note(kept, "Called again.", by=manager, now=timezone.now())
    undone = undo_merge(done, by=manager, now=timezone.now())
    kept.refresh_from_db()
    other.refresh_from_db()
    assert (kept.title, kept.phone, kept.custom) == ("Chair", "", {"size": "10", "own": "a", "more": "c"})
    assert (other.title, other.phone, other.external_id) == ("CEO", "+1 555", "x-1")
    assert {tag.name for tag in kept.tags.all()} == {"both", "new"}
    assert kept.activities.filter(text="Called again.").exists()
    assert undone.stayed == [
        "Title was edited after the merge and keeps its new value.",
        "More was edited after the merge and keeps its new value.",
        "Tags (1) were not restored because they changed after the merge.",
    ]
    assert kept.activities.filter(text__startswith="Merge undone. Title was edited after").exists()


def test_each_of_the_two_has_one_primary_address_after_an_undo(manager: Any) -> None:
    kept, other = a_contact("ada@b.example"), a_contact("ada@new.example")
    done = merge(kept, other, [], by=manager, now=timezone.now())
    change_contact(kept, {"addresses": ["ada@new.example", "ada@b.example"]}, by=manager, now=timezone.now())
    undo_merge(done, by=manager, now=timezone.now())
    primary = ContactAddress.objects.filter(is_primary=True).order_by("contact")
    assert [(one.contact_id, str(one.address)) for one in primary.select_related("address")] == [
        (kept.pk, "ada@b.example"),
        (other.pk, "ada@new.example"),
    ]


def test_merges_into_the_same_contact_are_undone_newest_first(manager: Any) -> None:
    kept, *others = (a_contact(f"ada@{name}.example", phone=name) for name in "abc")
    before = state_of_all()
    first, second = (merge(kept, other, ["phone"], by=manager, now=timezone.now()) for other in others)
    with pytest.raises(CannotUndo, match=f"Merge {second.pk} changed the same contact later"):
        undo_merge(first, by=manager, now=timezone.now())
    for done in (second, first):
        undo_merge(done, by=manager, now=timezone.now())
    assert state_of_all() == before


def test_a_merge_is_undone_once_and_within_thirty_days(manager: Any) -> None:
    pairs = [(a_contact(), a_contact()) for _ in range(2)]
    early, late = (merge(one, two, [], by=manager, now=timezone.now()) for one, two in pairs)
    undo_merge(early, by=manager, now=timezone.now())
    with pytest.raises(CannotUndo, match="already been undone"):
        undo_merge(early, by=manager, now=timezone.now())
    with pytest.raises(CannotUndo, match="30 days"):
        undo_merge(late, by=manager, now=timezone.now() + KEPT_FOR + timedelta(minutes=1))


def test_nightly_pruning_empties_the_records_of_old_merges(manager: Any) -> None:
    done = merge(a_contact(), a_contact(), [], by=manager, now=NOW)
    assert (expire(NOW + timedelta(days=29)), expire(NOW + KEPT_FOR), expire(NOW + KEPT_FOR)) == (0, 1, 0)
    done.refresh_from_db()
    assert (done.state, done.changes) == ("expired", {})


def test_undoing_needs_the_right_to_change_the_kept_contact(manager: Any) -> None:
    done = merge(a_contact(owner=manager), a_contact(), [], by=manager, now=timezone.now())
    with pytest.raises(NotAllowed):
        undo_merge(done, by=a_user("sales"), now=timezone.now())


def test_erasing_a_contact_erases_merged_contacts_and_the_record(manager: Any) -> None:
    kept = a_contact("ada@b.example")
    other = a_contact("ada.quux@new.example", last_name="Quuxbury", phone="+1 555 0199", custom={"k": "Quuxbury"})
    third = a_contact("q@c.example", last_name="Quuxbury")
    merge(other, third, [], by=manager, now=timezone.now())
    merge(kept, other, [], by=manager, now=timezone.now())
    kept.refresh_from_db()
    assert "contacts_merge.changes" in places_that_name("0199")
    erase_contact(kept, a_user("admin"), "Asked.", timezone.now())
    assert (places_that_name("Quuxbury"), places_that_name("0199"), places_that_name("ada.quux")) == ([], [], [])
    assert not Contact.objects.filter(pk__in=[kept.pk, other.pk, third.pk]).exists()
    assert not Merge.objects.exists()


def test_erasing_the_address_of_a_merged_contact_deletes_the_record(manager: Any) -> None:
    kept, other = a_contact("ada@b.example"), a_contact("ada.quux@new.example")
    done = merge(kept, other, [], by=manager, now=timezone.now())
    erase_email("ada.quux@new.example", None, "Asked.", timezone.now())
    assert places_that_name("ada.quux") == []
    assert not Merge.objects.filter(pk=done.pk).exists()


def test_a_shared_address_that_was_erased_does_not_come_back_with_the_undo(manager: Any) -> None:
    kept = a_contact("ada@b.example", others=("desk@b.example",))
    other = a_contact("ada@new.example", others=("desk@b.example",))
    a_contact("desk@b.example")
    done = merge(kept, other, [], by=manager, now=timezone.now())
    erase_email("desk@b.example", None, "Asked.", timezone.now())
    undone = undo_merge(done, by=manager, now=timezone.now())
    assert undone.stayed == ["Contact addresses (1) were not restored because what they refer to was deleted."]
    assert places_that_name("desk@b.example") == []
    assert other.contact_addresses.count() == 1


def test_a_pair_whose_merge_was_undone_is_not_suggested_again(manager: Any) -> None:
    kept, other, third = (a_contact() for _ in range(3))
    DuplicatePair.objects.create(
        first_contact=other, second_contact=third, kind="name", score=70, state="dismissed", found_at=NOW
    )
    done = merge(kept, other, [], by=manager, now=timezone.now())
    carried = DuplicatePair.objects.get(first_contact=kept, second_contact=third)
    assert carried.state == "dismissed"
    undo_merge(done, by=manager, now=timezone.now())
    pairs = DuplicatePair.objects.values_list("first_contact", "second_contact", "state")
    assert set(pairs) == {(kept.pk, other.pk, "dismissed"), (other.pk, third.pk, "dismissed")}


# --- companies --------------------------------------------------------------------------------------


def two_companies() -> tuple[Company, Company]:
    kept = a_company("Acme", domain="acme.example", country="DE")
    other = a_company("Acme Inc.", domain="acme-inc.example", notes="Pays late.")
    for number in range(3):
        a_contact(company=other, deleted_at=NOW if number == 2 else None)
    a_contact(company=kept)
    segment = a_segment("Theirs")
    Segment.objects.filter(pk=segment.pk).update(filter={"company": [kept.pk, other.pk]})
    return kept, other


@pytest.mark.parametrize("take", ["nothing", "everything"])
def test_merging_companies_and_undoing_it_give_the_same_rows(manager: Any, take: str) -> None:
    kept, other = two_companies()
    before = state_of_all()
    asked = [one.name for one in company_differences(kept, other)]
    chosen = asked if take == "everything" else []
    done = merge_companies(kept, other, chosen, by=manager, now=timezone.now())
    assert Company.objects.count() == 1
    undone = undo_merge(done, by=manager, now=timezone.now())
    assert (state_of_all() == before, undone.stayed) == (True, [])


def test_contacts_and_segments_of_both_companies_move_to_the_kept_one(manager: Any) -> None:
    kept, other = two_companies()
    merge_companies(kept, other, ["name"], by=manager, now=timezone.now())
    kept.refresh_from_db()
    assert (kept.name, kept.domain, kept.notes) == ("Acme Inc.", "acme.example", "Pays late.")
    assert Contact.objects.filter(company=kept).count() == 4
    assert Segment.objects.get().filter == {"company": [kept.pk]}
    assert all("acme inc." in contact.document for contact in Contact.objects.all())


def test_contacts_that_changed_company_after_the_merge_keep_it(manager: Any) -> None:
    kept, other = two_companies()
    left = Contact.objects.filter(company=other).order_by("pk")[0]
    done = merge_companies(kept, other, [], by=manager, now=timezone.now())
    change_contact(left, {"company": "Elsewhere"}, by=manager, now=timezone.now())
    undone = undo_merge(done, by=manager, now=timezone.now())
    left.refresh_from_db()
    assert str(left.company) == "Elsewhere"
    assert undone.stayed == ["Contacts (1) were not restored because they changed after the merge."]


def test_only_managers_merge_companies(manager: Any) -> None:
    kept, other = two_companies()
    with pytest.raises(NotAllowed, match="Only managers"):
        merge_companies(kept, other, [], by=a_user("sales"), now=timezone.now())


def test_companies_with_contacts_of_others_are_not_merged_by_users_who_may_not_change_these(manager: Any) -> None:
    kept, other = two_companies()
    Contact.objects.filter(company=other).update(owner=manager)
    seller = a_user("sales")

    class Merger:
        pk, team_id = seller.pk, seller.team_id

        def has_perm(self, name: str) -> bool:
            return name != "contacts.change_everyones_contact"

    with pytest.raises(NotAllowed, match="owned by others"):
        refuse_companies(kept, other, Merger())
    Contact.objects.filter(company=other).update(owner=seller)
    refuse_companies(kept, other, Merger())


def test_ids_in_named_tools_move_and_are_restored(manager: Any) -> None:
    kept, other = a_contact(), a_contact()
    ContactExternalId.objects.create(contact=other, tool="hubspot", external_id="7")
    before = state_of_all()
    done = merge(kept, other, [], by=manager, now=timezone.now())
    assert kept.external_ids.get().external_id == "7"
    undo_merge(done, by=manager, now=timezone.now())
    assert state_of_all() == before
