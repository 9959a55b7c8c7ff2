"""New rows are written in one statement; what somebody else brings meanwhile is found by the constraints."""

from __future__ import annotations

import pytest

from bounces.models import Address
from contacts.importing import runs, working
from contacts.models import Activity, Contact, ContactAddress, ImportRow, ImportRun
from tests.builders import NOW, a_contact, a_suppression, an_address
from tests.contacts.importing import LATER, done, previewed

pytestmark = pytest.mark.django_db

THREE = "email,first_name,external_id\nzoe@x.example,Zoe,1\nada@x.example,Ada,2\neve@x.example,Eve,3\n"


def applied(run: ImportRun) -> ImportRun:
    runs.confirm(run, None, LATER)
    working.work(run.pk, lambda: LATER)
    run.refresh_from_db()
    return run


def test_contacts_are_numbered_in_the_files_order() -> None:
    done(THREE)

    assert list(Contact.objects.order_by("id").values_list("first_name", flat=True)) == ["Zoe", "Ada", "Eve"]
    assert list(Activity.objects.order_by("id").values_list("text", flat=True)) == [
        "From people.csv, row 2.",
        "From people.csv, row 3.",
        "From people.csv, row 4.",
    ]


def test_an_external_id_that_somebody_took_since_the_preview_is_not_doubled() -> None:
    run = previewed(THREE)
    taken = a_contact("other@x.example", first_name="", external_id="2")

    applied(run)

    assert run.written == {"new": 2, "update": 1}
    assert list(Contact.objects.filter(external_id="2").values_list("pk", "first_name")) == [(taken.pk, "Ada")]


def test_an_address_that_came_since_the_preview_is_used_and_not_doubled() -> None:
    run = previewed(THREE)
    known = an_address("ada@x.example")

    applied(run)

    assert run.written == {"new": 3}
    assert ContactAddress.objects.get(address=known).contact.first_name == "Ada"
    assert Address.objects.count() == 3


def test_an_address_that_several_rows_bring_is_made_once() -> None:
    done(
        "email,other_emails\nzoe@x.example,all@x.example; ada@x.example\nada@x.example,all@x.example\n"
        "eve@x.example,zoe@x.example\n"
    )

    shared = ContactAddress.objects.order_by("contact_id", "id").values_list("address__email", "is_primary")
    assert Address.objects.count() == 4
    assert list(shared) == [
        ("zoe@x.example", True),
        ("all@x.example", False),
        ("ada@x.example", False),
        ("ada@x.example", True),
        ("all@x.example", False),
        ("eve@x.example", True),
        ("zoe@x.example", False),
    ]


def test_new_contacts_get_the_tags_and_companies_of_their_rows() -> None:
    done("email,company,tags\nzoe@x.example,Engines,a\nada@x.example,ENGINES,\n", tags=["fair"])

    zoe, ada = Contact.objects.order_by("id")
    assert zoe.company == ada.company
    assert sorted(tag.name for tag in zoe.tags.all()) == ["a", "fair"]
    assert [tag.name for tag in ada.tags.all()] == ["fair"]


def test_a_new_contact_at_a_suppressed_domain_is_told() -> None:
    a_suppression(domain="x.example")
    a_suppression(domain="gone.example", expires_at=NOW)

    run = done("email\nzoe@x.example\nada@gone.example\n")

    known = ImportRow.objects.filter(run_id=run.pk).order_by("number").values_list("email", "known")
    assert list(known) == [("zoe@x.example", "suppressed"), ("ada@gone.example", "")]
