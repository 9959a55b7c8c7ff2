"""Other addresses of rows that name no address of their own: none is lost, at no door."""

from __future__ import annotations

from pathlib import Path

import pytest

from contacts.models import Contact, ImportOutcome, ImportRow
from contacts.people import addresses_of
from tests.builders import a_contact, a_user
from tests.contacts.doors import DOORS, Brought
from tests.contacts.importing import done, previewed, state_hash, undone

pytestmark = pytest.mark.django_db


def emails_of(contact: Contact) -> list[str]:
    """The primary one first."""
    return [f"{each.address.email}{'*' if each.is_primary else ''}" for each in addresses_of(contact)]


@pytest.mark.parametrize("door", DOORS)
def test_the_first_other_address_becomes_the_address(door: str, tmp_path: Path):
    body = (
        b"email,other_emails,first_name,external_id\n"
        b",ada@x.example;ada2@x.example,Ada,\n"
        b",eve@x.example,Eve,e1\n"
        b"bob@x.example,bob@x.example;bob2@x.example,Bob,\n"
    )
    DOORS[door](a_user("admin"), Brought("people.csv", body, given={"path": tmp_path / "people.csv"}))
    found = {contact.first_name: emails_of(contact) for contact in Contact.objects.all()}
    assert found == {
        "Ada": ["ada@x.example*", "ada2@x.example"],
        "Eve": ["eve@x.example*"],
        "Bob": ["bob@x.example*", "bob2@x.example"],
    }


@pytest.mark.parametrize("update", ["overwrite", "fill"])
def test_a_known_contact_keeps_its_primary_address_and_gets_the_others(update: str):
    ada = a_contact("ada@x.example", external_id="a1")
    run = done("email,other_emails,external_id\n,home@x.example;old@x.example,a1\n", change_others=True, update=update)
    assert emails_of(ada) == ["ada@x.example*", "home@x.example", "old@x.example"]
    assert run.written == {"update": 1}


@pytest.mark.parametrize("update", ["overwrite", "fill"])
def test_a_known_contact_without_an_address_gets_the_first_as_its_primary_one(update: str):
    ada = a_contact(None, external_id="a1")
    done("email,other_emails,external_id\n,home@x.example;old@x.example,a1\n", change_others=True, update=update)
    assert emails_of(ada) == ["home@x.example*", "old@x.example"]


def test_a_row_is_about_the_contact_that_has_its_first_other_address():
    ada = a_contact("ada@x.example", first_name="Augusta")
    done("email,other_emails,first_name\n,ada@x.example;ada2@x.example,Ada\n", change_others=True)
    ada.refresh_from_db()
    assert (ada.first_name, emails_of(ada)) == ("Ada", ["ada@x.example*", "ada2@x.example"])


def test_two_rows_with_one_first_other_address_are_not_two_contacts():
    run = previewed("email,other_emails,first_name\n,ada@x.example,Ada\n,ada@x.example,Eve\nada@x.example,,Ada\n")
    assert run.counts == {"new": 1, "conflict": 1, "duplicate": 1, "unchanged": 0}


def test_addresses_that_do_not_fit_a_contact_are_told():
    many = ";".join(f"a{number}@x.example" for number in range(25))
    run = done(f"email,other_emails\nada@x.example,{many}\n")
    assert len(emails_of(Contact.objects.get())) == 20
    assert any("At most 20 addresses fit" in notice and "a24@x.example" in notice for notice in run.notices)


def test_tags_that_do_not_fit_a_contact_are_told():
    run = done(f"email,tags\nada@x.example,{'|'.join(f't{number}' for number in range(60))}\n".replace("|", ";"))
    assert Contact.objects.get().tags.count() == 50
    assert any("At most 50 tags fit" in notice and "t59" in notice for notice in run.notices)


def test_the_same_file_again_changes_nothing():
    text = "email,other_emails,external_id\n,ada@x.example;ada2@x.example,a1\n,eve@x.example,\n"
    done(text)
    assert previewed(text).writes == 0


def test_undo_returns_the_addresses_of_a_known_contact():
    a_contact("ada@x.example", external_id="a1")
    a_contact(None, external_id="b1")
    before, boss = state_hash(), a_user("admin")
    text = "email,other_emails,external_id\n,home@x.example,a1\n,bob@x.example,b1\n,new@x.example,c1\n"
    run = undone(done(text, by=boss, change_others=True), boss)
    assert (run.kept, state_hash()) == (0, before)


OTHERS = ("", "one@x.example", "one@x.example;two@x.example", "own@x.example;one@x.example")


@pytest.mark.parametrize("external_id", ["", "known", "other"])
@pytest.mark.parametrize("others", OTHERS)
@pytest.mark.parametrize("email", ["", "own@x.example", "known@x.example", "not one"])
def test_no_address_that_a_row_names_is_lost(email: str, others: str, external_id: str):
    """Each is kept; or it is no address, and that is said; or the row fails, and says why."""
    a_contact("known@x.example", external_id="known")
    run = done(f"email,other_emails,external_id,title\n{email},{others},{external_id},Dr\n", change_others=True)
    said = {each for each in (email, *others.split(";")) if each}
    kept = set(Contact.objects.values_list("contact_addresses__address__email", flat=True))
    failed = ImportOutcome.objects.filter(run_id=run.pk, verdict__in=ImportRow.FAILED).exists()
    told = {"not one"} if any("“not one” is not" in notice for notice in run.notices) else set()
    assert said - told <= kept or failed
