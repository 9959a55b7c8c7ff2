"""The answer to "Can we email them?" is the badge wherever an address or a contact is listed, never the status.

The address here is valid, and its recipient reported our mail as spam: the status says Valid, the answer is No.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces.admin.verdicts import ShowsVerdict, VerdictFilter
from bounces.models import Address, ReviewItem
from bounces.values import Answer
from bounces.verdict import answered
from contacts import chips, filters
from contacts.exporting.people import columns
from contacts.models import Contact, ContactAddress
from contacts.segments import contacts_of
from crm.demo.people import SEGMENTS
from tests.builders import (
    NOW,
    a_bounce,
    a_campaign,
    a_contact,
    a_repair,
    a_ruling,
    a_segment,
    a_suppression,
    a_user,
    an_open_incident,
    an_unproved_report,
)
from tests.crm.admin_pages import url
from tests.tools import a_tool

pytestmark = pytest.mark.django_db

EMAIL = "ada@example.org"
# Templates about a change of status, where the status before and after is the point.
ABOUT_CHANGES = {
    "bounces/_run_chart.html",
    "bounces/_run_moves.html",
    "bounces/_run_rows.html",
    "bounces/cleaning_undo.html",
    "bounces/repair.html",
}
BADGE = re.compile(r'<span class="mark-badge[^>]*>(?:<svg.*?</svg>)?\s*([^<]+?)\s*</span>', re.DOTALL)


@pytest.fixture
def contact() -> Contact:
    found = a_contact(EMAIL, status="valid", company="Navy")
    a_suppression(EMAIL, "complaint")
    return found


def pages_of(contact: Contact) -> dict[str, str]:
    """Every page that lists this contact or its address."""
    address = contact.contact_addresses.get().address
    bounce = a_bounce(address, rule="default", diagnostic="")
    incident = an_open_incident()
    a_bounce(address, standing="held", incident_id=incident.pk)
    repair = a_repair()
    a_ruling(address, repair=repair)
    ReviewItem.objects.create(cause="asked", address=address, note="She called.", asked_by=a_user(), asked_at=NOW)
    an_unproved_report(address)
    return {
        "contacts": reverse("contacts:list"),
        "contact": contact.get_absolute_url(),
        "company": contact.company.get_absolute_url(),
        "campaign": a_campaign(members=(contact,)).get_absolute_url(),
        "address": reverse("bounces:address", args=[address.pk]),
        "bounce": reverse("bounces:bounce", args=[bounce.pk]),
        "incident": reverse("bounces:incident", args=[incident.pk]),
        "repair": reverse("bounces:repair_run", args=[repair.pk]),
        "unknown": reverse("bounces:review_group", args=["unknown"]),
        "unproved": reverse("bounces:review_group", args=["unproved"]) + "?key=bounced|no_token|upload",
    }


def test_every_page_shows_the_answer_as_the_badge(client: Client, contact: Contact):
    client.force_login(a_user("manager"))
    for name, path in pages_of(contact).items():
        badges = BADGE.findall(client.get(path).content.decode())
        assert "No" in badges, name
        assert "Valid" not in badges, name


def test_the_review_queue_shows_the_answer_as_the_badge(client: Client):
    address = a_contact(EMAIL, status="at_risk").contact_addresses.get().address
    a_suppression(EMAIL, "complaint")
    ReviewItem.objects.create(cause="asked", address=address, note="She called.", asked_by=a_user(), asked_at=NOW)
    client.force_login(a_user("manager"))
    for path in (reverse("bounces:review"), reverse("bounces:review_group", args=["asked"])):
        badges = BADGE.findall(client.get(path).content.decode())
        assert "No" in badges
        assert "At risk" not in badges


@pytest.mark.parametrize("model", [Address, Contact, ContactAddress], ids=lambda model: model.__name__)
def test_the_admin_shows_the_answer_in_lists_and_on_pages(signed_in_admin: Client, contact: Contact, model: type):
    for path in (url(model, "changelist"), url(model, "change", model.objects.get().pk)):
        page = signed_in_admin.get(path).content.decode()
        assert re.search(r">\s*No\s*<", page), path
        assert "Suppressed since" in page, path
    registered = admin.site._registry[model]
    assert isinstance(registered, ShowsVerdict)
    assert issubclass(registered.list_filter[0], VerdictFilter)  # type: ignore[arg-type]  # a class, as is tested


@pytest.mark.parametrize("model", [Address, Contact, ContactAddress], ids=lambda model: model.__name__)
@pytest.mark.parametrize(("answer", "number"), [("yes", 1), ("caution", 0), ("no", 1), ("nonsense", 2)])
def test_the_admin_filters_by_the_answer(signed_in_admin, contact, model, answer, number):
    a_contact("bob@example.org", status="valid")
    found = signed_in_admin.get(url(model, "changelist"), {"verdict": answer}).context["cl"].result_list
    assert len(found) == number


@pytest.fixture
def signed_in_admin(client: Client) -> Client:
    client.force_login(a_user("admin"))
    return client


def test_no_template_shows_a_status_as_the_badge_of_an_address():
    folder = Path(settings.BASE_DIR) / "templates"
    using = {
        str(path.relative_to(folder))
        for path in folder.rglob("*.html")
        if "components/status_badge.html" in path.read_text()
    }
    assert using == ABOUT_CHANGES


def test_filters_exports_and_the_api_name_the_answer_before_the_status(client: Client, contact: Contact):
    client.force_login(a_user("manager"))
    page = client.get(reverse("contacts:list")).content.decode()
    menus = re.findall(r'<select[^>]*name="(\w+)"', page)
    assert menus[0] == "verdict"
    assert 'value="">Can we email them?</option>' in page
    assert chips.LABELS["verdict"] == "Can we email them?"
    for words in (list(filters.WORDS), columns(), list(_address_in_the_api())):
        assert words.index("verdict") < words.index("status")


def _address_in_the_api() -> dict[str, str]:
    (found,) = a_tool("contacts:read").get("contacts/").json()["results"]
    (address,) = found["addresses"]
    return address


def test_the_demos_segment_of_people_we_can_email_holds_nobody_whose_answer_is_not_yes():
    name, words = SEGMENTS[1]
    assert "can email" in name
    a_contact("yes@example.org", status="valid", tags=("decision maker",))
    a_contact("info@example.org", status="valid", tags=("decision maker",))
    a_contact(EMAIL, status="valid", tags=("decision maker",))
    a_suppression(EMAIL, "unsubscribe")
    found = contacts_of(a_segment(name, **words))
    yes = ContactAddress.objects.filter(address__in=answered(Answer.YES, timezone.now()))
    assert [each.pk for each in found] == [each.contact_id for each in yes]
