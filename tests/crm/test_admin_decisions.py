"""Decisions in the admin: with a reason, in a dialog that does nothing by itself."""

from __future__ import annotations

import pytest
from django.urls import reverse

from bounces.models import Address, Suppression
from tests.builders import a_bounce, a_suppression, an_address
from tests.crm.admin_pages import act, url

pytestmark = pytest.mark.django_db


def test_a_dialog_does_nothing_on_get_and_asks_for_a_reason(signed_in):
    address = an_address("ada@b.example")
    signed_in.get(reverse("admin:bounces_address_restore", args=[address.pk]))
    act(signed_in, Address, "restore", address.pk, reason="  ")
    address.refresh_from_db()
    assert address.restored_at is None


def test_an_address_is_restored_with_a_reason(signed_in, boss):
    a_bounce("ada@b.example")
    address = an_address("ada@b.example", status="invalid", status_rule="hard_bounce")
    act(signed_in, Address, "restore", address.pk, reason="She called.")
    address.refresh_from_db()
    ruling = address.rulings.get()
    assert (address.status != "invalid", ruling.by, ruling.reason) == (True, boss, "She called.")


@pytest.mark.parametrize(
    ("what", "scope", "kept"),
    [("ADA@Example.org", "address", "ada@example.org"), ("Bücher.example", "domain", "xn--bcher-kva.example")],
)
def test_a_suppression_is_added_for_an_address_or_a_domain(signed_in, boss, what, scope, kept):
    signed_in.post(
        url(Suppression, "add"), {"what": what, "note": "They asked.", "expires_at_0": "", "expires_at_1": ""}
    )
    made = Suppression.objects.get()
    assert (made.scope, made.created_by, made.note, made.reason) == (scope, boss, "They asked.", "manual")
    assert kept in (made.domain, str(made.address))


def test_a_suppression_of_nonsense_is_refused_at_its_field(signed_in):
    page = signed_in.post(url(Suppression, "add"), {"what": "a b", "note": "Why."})
    assert "neither an address nor a domain" in page.content.decode()
    assert not Suppression.objects.exists()


def test_a_suppression_is_lifted_with_a_reason_and_never_deleted(signed_in, boss):
    suppression = a_suppression("ada@b.example")
    assert signed_in.post(url(Suppression, "delete", suppression.pk), {"post": "yes"}).status_code == 403
    act(signed_in, Suppression, "lift", suppression.pk)
    suppression.refresh_from_db()
    assert suppression.lifted_at is None
    act(signed_in, Suppression, "lift", suppression.pk, reason="She asked us to.")
    suppression.refresh_from_db()
    assert (suppression.lifted_by, suppression.lift_reason) == (boss, "She asked us to.")
