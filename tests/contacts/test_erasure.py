"""Personal erasure: nothing names the person afterwards, and nobody writes there again."""

import pytest
from django.apps import apps
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces.addresses import keep_addresses
from bounces.models import Address, RawChunk, Suppression
from bounces.process import run_flow
from bounces.verdict import check
from contacts.erasure import NoReason, erase_contact, erase_email
from contacts.models import Contact, Task
from tests.bounces.arriving import a_bounce_mail
from tests.builders import (
    a_bounce,
    a_complaint,
    a_contact,
    a_note,
    a_status_change,
    a_suppression,
    a_user,
    an_address,
    an_attempt,
    an_evidence,
    an_inbound_item,
)

pytestmark = pytest.mark.django_db

EMAIL = "ada@b.example"


def places_that_name(text: str) -> list[str]:
    """Every column of every table of ours, texts and raw bytes alike, in which the text stands."""
    found = []
    models = [
        model for label in ("bounces", "contacts", "crm", "admin") for model in apps.get_app_config(label).get_models()
    ]
    for model in models:
        for field in model._meta.local_concrete_fields:
            column, table = field.column, model._meta.db_table
            quoted = connection.ops.quote_name(str(column))
            shown = f"encode({quoted}, 'escape')" if field.get_internal_type() == "BinaryField" else f"{quoted}::text"
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT count(*) FROM {table} WHERE {shown} ILIKE %s", [f"%{text}%"])
                found += [f"{table}.{column}"] * cursor.fetchone()[0]
    return found


def a_life(contact: Contact) -> None:
    """All that can be known of someone."""
    address = contact.contact_addresses.get(is_primary=True).address
    item = an_inbound_item(
        f"To: {EMAIL.upper()}\r\n\r\nno such user".encode(), name=f"{EMAIL}.eml", why=f"1 bounce: {EMAIL}"
    )
    bounce = a_bounce(address, diagnostic=f"550 5.1.1 <{EMAIL}> unknown")
    an_evidence(bounce, inbound_item_id=item.pk, diagnostic=f"<{EMAIL}>")
    a_bounce("other@b.example", diagnostic="550 relay for ada=b.example@bounces.example refused")
    a_complaint(address)
    an_attempt(address)
    a_status_change(address)
    a_note(contact, f"Wrote from {EMAIL}.")
    a_note(a_contact("colleague@b.example"), f"Says that {EMAIL} has left.")
    Task.objects.create(contact=contact, text=f"Find a new address for {EMAIL}.")
    LogEntry.objects.create(
        user=a_user("admin"),
        content_type=ContentType.objects.get_for_model(Address),
        object_repr=EMAIL,
        action_flag=ADDITION,
    )


def test_nothing_names_an_erased_person_and_a_new_import_finds_the_address_suppressed():
    contact = a_contact(EMAIL)
    a_life(contact)
    assert len(places_that_name(EMAIL)) > 8
    erase_contact(contact, a_user("admin"), f"She asked to be forgotten ({EMAIL}).", timezone.now())
    assert places_that_name(EMAIL) == []
    assert places_that_name("ada=b.example") == []
    keep_addresses([EMAIL])
    assert check([EMAIL], timezone.now())[EMAIL].answer == "no"


def test_what_the_flow_recorded_is_forgotten_too():
    an_inbound_item(a_bounce_mail(EMAIL))
    run_flow(timezone.now)
    assert "bounces_inbounditem.why" in places_that_name(EMAIL)
    erase_email(EMAIL, None, "Asked.", timezone.now())
    assert places_that_name(EMAIL) == []


def test_others_keep_what_is_theirs():
    a_contact(EMAIL)
    longer = a_contact("grace.ada@b.example")
    bounce = a_bounce("grace.ada@b.example", diagnostic="<grace.ada@b.example> unknown")
    item = an_inbound_item(b"To: grace.ada@b.example\r\n\r\n")
    erase_email(EMAIL, None, "Asked.", timezone.now())
    bounce.refresh_from_db()
    assert bounce.diagnostic == "<grace.ada@b.example> unknown"
    assert longer.contact_addresses.get().address.email == "grace.ada@b.example"
    assert RawChunk.objects.filter(item_id=item.pk).exists()


def test_an_address_that_others_share_stays_theirs_when_one_of_them_is_erased():
    contact = a_contact(EMAIL, others=("info@b.example",))
    a_contact("info@b.example")
    erased = erase_contact(contact, a_user("admin"), "Asked.", timezone.now())
    assert (erased.addresses, erased.shared) == ([EMAIL], ["info@b.example"])
    assert Address.objects.filter(email="info@b.example").exists()


def test_an_address_of_several_contacts_goes_alone_and_they_stay():
    contacts = [a_contact("info@b.example", last_name=name) for name in ("One", "Two")]
    erase_email("info@b.example", None, "Asked.", timezone.now())
    assert Contact.objects.filter(pk__in=[contact.pk for contact in contacts]).count() == 2
    assert places_that_name("info@b.example") == []


def test_the_wish_of_the_recipient_stays_with_its_reason():
    a_suppression(EMAIL, "complaint")
    erase_email(EMAIL, None, "Asked.", timezone.now())
    assert Suppression.objects.get().reason == "complaint"
    keep_addresses([EMAIL])
    assert check([EMAIL], timezone.now())[EMAIL].reason == "complaint"


def test_what_cleaning_suppressed_is_suppressed_for_good_when_it_is_erased():
    a_suppression(EMAIL, "cleaning")
    erase_email(EMAIL, None, "Asked.", timezone.now())
    assert check([EMAIL], timezone.now())[EMAIL].reason == "manual"


def test_erasing_twice_changes_nothing_the_second_time():
    a_contact(EMAIL)
    for _ in range(2):
        erase_email(EMAIL, None, "Asked.", timezone.now())
    assert Suppression.objects.count() == 1
    assert not Address.objects.exists()


def test_erasing_needs_a_reason_and_without_one_nothing_goes():
    contact = a_contact(EMAIL)
    with pytest.raises(NoReason):
        erase_contact(contact, None, " ", timezone.now())
    assert Contact.objects.exists()


def test_a_deleted_contact_keeps_its_address_and_suppression():
    contact = a_contact(EMAIL)
    a_suppression(EMAIL, "unsubscribe")
    manager = Client()
    manager.force_login(a_user("manager"))
    manager.post(reverse("contacts:delete", args=[contact.pk]))
    assert an_address(EMAIL).suppressions.exists()
    assert check([EMAIL], timezone.now())[EMAIL].reason == "unsubscribe"


def test_admins_erase_on_the_contacts_page_and_nobody_else_does():
    contact = a_contact(EMAIL)
    url = reverse("contacts:erase", args=[contact.pk])
    for role in ("sales", "manager"):
        other = Client()
        other.force_login(a_user(role))
        assert other.post(url, {"reason": "I want to."}).status_code == 403
        assert url not in other.get(contact.get_absolute_url()).content.decode()
    admin = Client()
    admin.force_login(a_user("admin"))
    assert url in admin.get(contact.get_absolute_url()).content.decode()
    assert "This cannot be undone" in admin.get(url).content.decode()
    assert "Say why" in admin.post(url, {"reason": " "}).content.decode()
    admin.post(url, {"reason": "She asked."})
    assert places_that_name(EMAIL) == []


def test_the_command_says_what_it_erased(capsys):
    a_contact(EMAIL)
    call_command("erase", "Ada@B.example", "--reason", "Asked.", "--yes")
    assert "Erased: ada@b.example. Contacts: 1." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["no address", "--reason", "x"], "Nothing was erased"),
        ([EMAIL, "--reason", " "], "Say why"),
        ([EMAIL, "--reason", "x", "--by", "nobody@b.example"], "There is no user"),
    ],
)
def test_the_command_says_what_is_wrong(given, says):
    with pytest.raises(CommandError, match=says):
        call_command("erase", *given, "--yes")
