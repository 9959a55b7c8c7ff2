"""The admin's lists and rows: every model is there, is searched and looked at, and no fact can be written."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces import models as bounces
from bounces.models import Address
from contacts import models as contacts
from crm import models as crm
from tests.builders import (
    a_bounce,
    a_campaign,
    a_cleaning_row,
    a_cleaning_run,
    a_company,
    a_complaint,
    a_contact,
    a_custom_field,
    a_daily_stat,
    a_note,
    a_ruling,
    a_segment,
    a_status_change,
    a_suppression,
    a_user,
    an_address,
    an_api_key,
    an_attempt,
    an_evidence,
    an_import_run,
    an_inbound_item,
)
from tests.crm.admin_pages import url

pytestmark = pytest.mark.django_db

# Keys of two columns, which Django's admin cannot show, and packs of such rows: all are on their import's page.
# Hashes by which contacts are compared, which tell a reader nothing.
IN_NO_LIST = {"ImportRow", "ImportOutcome", "ImportPack", "DuplicateKeys"}
MODELS = [getattr(module, name) for module in (bounces, contacts) for name in module.__all__ if name not in IN_NO_LIST]
MODELS += [crm.User, crm.Team, crm.ApiKey, crm.WebhookEndpoint, crm.WebhookDelivery]
FACTS = [
    bounces.Attempt, bounces.Bounce, bounces.Evidence, bounces.EventKey, bounces.Complaint, bounces.StatusChange,
    bounces.Dirty, bounces.CleaningRow, bounces.CleaningRun, bounces.InboundItem, bounces.RawChunk, bounces.Lease,
    bounces.Incident, bounces.GoodFailure, bounces.GoodMail, bounces.Repair, bounces.Domain, bounces.Guard,
    bounces.Outbox, bounces.Address, bounces.Ruling, bounces.DailyStat, contacts.Activity, contacts.ImportRun,
    contacts.ImportChunk, contacts.ImportCorrection,
]  # fmt: skip


def some_of_everything() -> None:
    bounce = an_evidence().bounce
    a_status_change(bounce.address)
    an_attempt()
    a_complaint()
    a_suppression()
    a_ruling()
    a_cleaning_row(a_cleaning_run())
    an_inbound_item()
    a_daily_stat(day=timezone.localdate() - timezone.timedelta(days=bounces.DailyStat.objects.count()))
    contact = a_contact(company=a_company(), tags=("vip",))
    a_note(contact)
    a_campaign(members=(contact,))
    a_segment()
    a_custom_field()
    run = an_import_run()
    contacts.ImportChunk.objects.create(run_id=run.pk, position=0, body=b"")
    contacts.ImportCorrection.objects.create(run_id=run.pk, scope="equal", column="Country", was="Utopia", value="DE")
    contacts.SavedMapping.objects.create(name=f"Fair {run.pk}")
    an_api_key()
    bounces.Dirty.objects.create(address_id=bounce.address_id)
    bounces.Outbox.objects.create(topic="status_changed", payload={})
    bounces.EventKey.objects.create(source="api", key=str(bounce.pk), event="bounced")


@pytest.mark.parametrize("path", ["admin:index", "admin:contacts_contact_changelist", "django_rq:home"])
@pytest.mark.parametrize(("role", "opens"), [("sales", False), ("manager", False), ("admin", True)])
def test_only_admins_get_in(client: Client, redis, path: str, role: str, opens: bool):
    client.force_login(a_user(role))
    assert (client.get(reverse(path)).status_code == 200) is opens


def test_every_model_is_there():
    assert not [model for model in MODELS if not admin.site.is_registered(model)]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_list_asks_no_more_for_more_rows(signed_in, model, django_assert_max_num_queries):
    some_of_everything()
    signed_in.get(url(model, "changelist"))
    with django_assert_max_num_queries(30) as few:
        assert signed_in.get(url(model, "changelist")).status_code == 200
    for _ in range(3):
        some_of_everything()
    with django_assert_max_num_queries(len(few)):
        signed_in.get(url(model, "changelist"))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_row_can_be_looked_at(signed_in, model):
    some_of_everything()
    row = model._default_manager.first()
    if row is not None:
        assert signed_in.get(url(model, "change", row.pk)).status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_list_can_be_searched(signed_in, model):
    some_of_everything()
    for text in ("ada", "ada@example.org", "%_", "\x00", "'; --"):
        assert signed_in.get(url(model, "changelist"), {"q": text}).status_code == 200, text


@pytest.mark.parametrize("model", FACTS, ids=lambda model: model.__name__)
def test_facts_cannot_be_written(signed_in, model):
    some_of_everything()
    row = model._default_manager.first()
    assert signed_in.get(url(model, "add")).status_code == 403
    if row is not None:
        assert signed_in.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
        assert signed_in.post(url(model, "change", row.pk), {}).status_code == 403


def test_a_long_list_is_counted_to_a_bound(signed_in, monkeypatch):
    monkeypatch.setattr("bounces.admin.bases.COUNT_CAP", 1_000)
    Address.objects.bulk_create(Address(email=f"p{n}@x.example", domain="x.example") for n in range(1_020))
    page = signed_in.get(url(Address, "changelist"))
    assert "more than 1,000 addresses" in page.content.decode()


def test_addresses_are_found_by_their_beginning_or_domain(signed_in):
    an_address("ada@b.example")
    an_address("bob@c.example")
    found = signed_in.get(url(Address, "changelist"), {"q": "ADA@"}).context["cl"].result_list
    assert [each.email for each in found] == ["ada@b.example"]
    found = signed_in.get(url(Address, "changelist"), {"q": "c.ex"}).context["cl"].result_list
    assert [each.email for each in found] == ["bob@c.example"]


def test_a_bounce_says_its_sentence_and_its_evidence(signed_in):
    bounce = an_evidence(a_bounce("ada@b.example"), source="webhook of a provider").bounce
    page = signed_in.get(url(bounces.Bounce, "change", bounce.pk)).content.decode()
    assert "the mailbox does not exist" in page
    assert "webhook of a provider" in page
