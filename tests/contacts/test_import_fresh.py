"""New rows are written in one statement; what somebody else brings meanwhile is found by the constraints."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from bounces.models import Address
from contacts.erasure import erase_email
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


MIXED = (
    "email,first_name,company,external_id,phone,tags\nzoe@x.example,Zoe,Engines,1,+49 30 901820,a; B\n"
    "ADA@x.example,Ada,ENGINES,,030 901820,\n,Nobody,,3,,b\nzoe@x.example,Zoe,Engines,1,+49 30 901820,a; B\n"
    "known@x.example,Kay,Looms,4,,\nbare@x.example,Bea,,,,\nat@closed.example,Cleo,looms,,,\n"
)
WHAT_IS_THERE = (
    """
    SELECT c.first_name, k.name, c.phone, c.source, c.external_id, c.document, a.email, r.is_primary, v.kind, v.text,
           (SELECT array_agg(g.name ORDER BY g.name) FROM contacts_contact_tags t JOIN contacts_tag g ON g.id = t.tag_id
            WHERE t.contact_id = c.id)
    FROM contacts_contact c LEFT JOIN contacts_company k ON k.id = c.company_id
    LEFT JOIN contacts_contactaddress r ON r.contact_id = c.id LEFT JOIN bounces_address a ON a.id = r.address_id
    LEFT JOIN contacts_activity v ON v.contact_id = c.id ORDER BY 1, 10
    """,
    "SELECT number, verdict, email, known, contact_id IS NOT NULL, changes FROM contacts_importrow ORDER BY number",
    "SELECT email, domain, status FROM bounces_address ORDER BY email",
)


def test_one_statement_writes_what_is_written_where_each_row_is_looked_for() -> None:
    """Where somebody was erased, whose suppression waits, all rows are looked for."""
    found = []
    for is_somebody_erased in (False, True):
        with transaction.atomic():
            a_contact("known@x.example", first_name="", last_name="Known")
            an_address("bare@x.example")
            a_suppression(domain="closed.example")
            if is_somebody_erased:
                erase_email("gone@y.example", None, "asked for it", NOW)
            run = done(MIXED, tags=["fair"])
            with connection.cursor() as cursor:
                found.append([run.written, *(cursor.execute(text).fetchall() for text in WHAT_IS_THERE)])
            transaction.set_rollback(True)
    assert found[0][0] == {"new": 5, "update": 1}
    assert found[0] == found[1]
