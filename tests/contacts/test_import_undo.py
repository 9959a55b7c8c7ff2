"""Taking an import back: what was comes back, what something happened with since stays."""

from __future__ import annotations

import pytest

from bounces.models import Address
from bounces.rulings import NoReason
from contacts.importing import runs
from contacts.importing.undoing import preview_undo
from contacts.models import Activity, Company, Contact, CustomField, DuplicateKeys, DuplicatePair, ImportRow, Tag
from contacts.people import add_note
from tests.builders import NOW, a_bounce, a_contact, a_custom_field, a_pair, a_user
from tests.contacts.importing import LATER, done, state_hash, undone

pytestmark = pytest.mark.django_db


def test_undo_gives_back_what_was():
    manager = a_user("manager")
    a_custom_field("size", "number")
    a_contact("ada@x.example", first_name="Ada", title="Ms", external_id="m1", tags=("old",), custom={"size": 1})
    a_contact("bob@x.example", company="Acme")
    before = state_hash()
    run = done(
        "external_id,email,other_emails,first_name,title,company,tags,size,owner,country\n"
        f'm1,new@x.example,more@x.example,Augusta,Dr,Engines,"old, vip",2,{manager.email},GB\n'
        ",bob@x.example,,Bob,,Engines,,,,\n"
        ",eve@x.example,eve2@x.example,Eve,,Third,vip,9,,\n",
        LATER,
        by=manager,
    )
    assert run.written == {"new": 1, "update": 2}
    assert preview_undo(run).go == 1
    assert preview_undo(run).return_ == 2
    run = undone(run, manager, LATER)
    assert (run.undone, run.kept, state_hash()) == (3, 0, before)


def test_undo_leaves_what_something_happened_with_since():
    manager = a_user("manager")
    a_contact("ada@x.example", title="Ms")
    run = done("email,title\nada@x.example,Dr\nbob@x.example,Mr\neve@x.example,Ms\n", by=manager)
    ada, bob = (Contact.objects.get(document__contains=name) for name in ("ada@", "bob@"))
    Contact.objects.filter(pk=ada.pk).update(title="Prof", updated_at=LATER)
    add_note(bob, "Called.", by=manager, now=LATER)
    assert preview_undo(run).stay == 2
    run = undone(run, manager, LATER)
    kept = dict(ImportRow.objects.filter(run_id=run.pk).exclude(kept="").values_list("number", "kept"))
    assert (run.undone, run.kept, set(kept)) == (1, 2, {2, 3})
    assert {str(contact.title) for contact in Contact.objects.all()} == {"Prof", "Mr"}


def test_an_address_of_which_something_is_known_stays_after_undo():
    manager = a_user("manager")
    run = done("email\nada@x.example\nbob@x.example\n", by=manager)
    a_bounce("ada@x.example")
    undone(run, manager)
    assert list(Address.objects.values_list("email", flat=True)) == ["ada@x.example"]


def test_undo_takes_fields_and_names_that_nobody_else_uses():
    manager = a_user("manager")
    new = [{"key": "size", "label": "Size", "type": "number"}]
    run = done(
        "email,Size,company,tags\nada@x.example,12,Acme,vip\n",
        mapping={"Size": "custom.size"},
        new_fields=new,
        by=manager,
    )
    undone(run, manager)
    assert [model.objects.count() for model in (CustomField, Company, Tag, Activity)] == [0, 0, 0, 0]


def test_undo_needs_a_reason_and_something_to_undo():
    manager = a_user("manager")
    run = done("email\nada@x.example\n", by=manager)
    with pytest.raises(NoReason):
        runs.undo(run, manager, " ", NOW)
    undone(run, manager)
    with pytest.raises(runs.NotReady):
        runs.undo(run, manager, "again", NOW)


def test_contacts_and_companies_that_were_compared_for_duplicates_go_with_the_import():
    run = done("email,company\nada@x.example,Acme\neve@x.example,Acme Inc\n", LATER)
    ada, eve = Contact.objects.order_by("pk")
    first, second = Company.objects.order_by("pk")
    a_pair(ada, eve)
    DuplicatePair.objects.create(first_company=first, second_company=second, kind="company", score=70, found_at=NOW)
    DuplicateKeys.objects.create(contact=ada, keys=[1, 2])
    undone(run, a_user("manager"))
    assert (Contact.objects.count(), Company.objects.count(), DuplicatePair.objects.count()) == (0, 0, 0)
