"""What the database refuses, whoever writes: each line is a row that must not be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from bounces.models import Address, Bounce, EventKey, InboundItem, Policy, Suppression
from contacts.models import Campaign, Company, Contact, ContactAddress, ContactExternalId, Merge, MergeRun, Tag
from tests.builders import (
    NOW,
    a_bounce,
    a_campaign,
    a_contact,
    a_digest,
    a_pair,
    a_ruling,
    a_suppression,
    a_user,
    an_address,
    an_inbound_item,
)

pytestmark = pytest.mark.django_db

REFUSED: dict[str, Callable[[], Any]] = {
    "address_email_unique": lambda: [Address.objects.create(email="a@b.example", domain="b.example") for _ in "12"],
    "address_email_normal": lambda: Address.objects.create(email="A@b.example", domain="b.example"),
    "address_status_known": lambda: an_address(status="dead"),
    "address_verification_whole": lambda: an_address(verified_at=NOW),
    "bounce_kind_known": lambda: a_bounce(kind="fatal"),
    "bounce_fault_known": lambda: a_bounce(fault="moon"),
    "bounce_standing_known": lambda: a_bounce(standing="maybe"),
    "bounce_smtp_code_range": lambda: a_bounce(smtp_code=999),
    "bounce_diagnostic_bounded": lambda: a_bounce(diagnostic="x" * 2001),
    "bounce_failure_key_unique": lambda: [a_bounce(failure_key=b"k" * 32) for _ in "12"],
    "eventkey_unique": lambda: [EventKey.objects.create(source="a", key="k", event="sent") for _ in "12"],
    "inbound_once": lambda: [InboundItem.objects.create(source="a", digest=b"d" * 32, received_at=NOW) for _ in "12"],
    "inbound_state_known": lambda: an_inbound_item(state="lost", why="Lost."),
    "inbound_says_why": lambda: an_inbound_item(state="ignored", why=""),
    "policy_numbers_have_an_end": lambda: Policy.objects.create(hard_limit=3651),
    "policy_one_active": lambda: Policy.objects.create(version=99, is_active=True),
    "policy_version_unique": lambda: [Policy.objects.create(version=99) for _ in "12"],
    "ruling_reason_given": lambda: a_ruling(reason=""),
    "ruling_waive_names_its_rule": lambda: a_ruling(kind="waive", rule=""),
    "ruling_uphold_names_what_stands": lambda: a_ruling(kind="uphold", status="valid", rule="alive"),
    "ruling_lifted_by_a_person": lambda: a_ruling(kind="hold", lifted_at=NOW),
    "suppression_lifted_by_a_person_with_a_reason": lambda: a_suppression(lifted_at=NOW),
    "suppression_asked_for_has_no_end": lambda: a_suppression(reason="complaint", expires_at=NOW),
    "suppression_address_or_domain": lambda: Suppression.objects.create(
        scope="domain", domain="", reason="manual", source="a"
    ),
    "suppression_address_once": lambda: [
        Suppression.objects.create(address_key=b"k" * 32, reason="manual", source="a") for _ in "12"
    ],
    "user_email_unique": lambda: [a_user(email="same@rebound.example") for _ in "12"],
    "user_role_known": lambda: a_user(role="king"),
    "company_name_unique": lambda: [Company.objects.create(name=name) for name in ("Acme", "ACME")],
    "company_name_given": lambda: Company.objects.create(name=""),
    "tag_name_unique": lambda: [Tag.objects.create(name=name) for name in ("Fair", "FAIR")],
    "contactaddress_one_primary": lambda: _two_primaries(),
    "contact_external_id_unique": lambda: [a_contact(external_id="7") for _ in "12"],
    "contactexternalid_unique": lambda: [
        ContactExternalId.objects.create(contact=a_contact(), tool="hubspot", external_id="7") for _ in "12"
    ],
    "contactexternalid_given": lambda: ContactExternalId.objects.create(contact=a_contact(), tool="", external_id="7"),
    "contact_country_code": lambda: a_contact(country="de"),
    "duplicatepair_of_two": lambda: a_pair(a_contact(), a_contact(), second_contact=None),
    "duplicatepair_contacts_once": lambda: [a_pair(*_two_contacts()) for _ in "12"],
    "merge_of_two": lambda: Merge.objects.create(subject="contact", kept_id=1, other_id=1, at=NOW),
    "merge_keeps_rows_only_while_it_can_be_undone": lambda: Merge.objects.create(
        subject="contact", kept_id=1, other_id=2, at=NOW, state="expired", changes={"contacts_contact": {}}
    ),
    "mergerun_one_at_a_time": lambda: [MergeRun.objects.create(reason="Sure.", last_pair_id=0) for _ in "12"],
    "campaign_key_unique": lambda: [a_campaign(key="k") for _ in "12"],
    "campaign_ends_after_it_starts": lambda: Campaign.objects.create(
        name="x", key="x", starts_on="2026-02-01", ends_on="2026-01-01"
    ),
}


def _two_contacts() -> list[Contact]:
    return list(Contact.objects.order_by("pk")[:2]) or [a_contact(), a_contact()]


def _two_primaries() -> None:
    contact = a_contact(email="one@example.org")
    ContactAddress.objects.create(contact=contact, address=an_address("two@example.org"), is_primary=True)


@pytest.mark.parametrize("constraint", REFUSED)
def test_the_database_refuses(constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        REFUSED[constraint]()


def test_a_bounce_needs_no_attempt() -> None:
    assert Bounce.objects.get(pk=a_bounce(failure_key=a_digest()).pk).attempt_id is None
