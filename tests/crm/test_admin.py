"""The admin: for admins alone, facts are read-only, decisions go through the domain's functions."""

from __future__ import annotations

from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib import admin
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces import models as bounces
from bounces.admin.running import explain_cron
from bounces.models import Address, CleaningRun, Policy, Schedule, Suppression
from contacts import models as contacts
from contacts.models import Contact
from crm import models as crm
from crm.models import ApiKey, User
from tests.builders import (
    PASSWORD,
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

pytestmark = pytest.mark.django_db

IN_NO_LIST = {"ImportRow"}  # a key of two columns, which Django's admin cannot show: rows are on their import's page
MODELS = [getattr(module, name) for module in (bounces, contacts) for name in module.__all__ if name not in IN_NO_LIST]
MODELS += [crm.User, crm.Team, crm.ApiKey, crm.WebhookEndpoint, crm.WebhookDelivery]
FACTS = [
    bounces.Attempt, bounces.Bounce, bounces.Evidence, bounces.EventKey, bounces.Complaint, bounces.StatusChange,
    bounces.Dirty, bounces.CleaningRow, bounces.CleaningRun, bounces.InboundItem, bounces.RawChunk, bounces.Lease,
    bounces.Incident, bounces.Repair, bounces.Domain, bounces.Guard,
    bounces.Outbox, bounces.Address, bounces.Ruling, bounces.DailyStat, contacts.Activity, contacts.ImportRun,
    contacts.ImportChunk,
]  # fmt: skip


@pytest.fixture
def boss() -> Any:
    return a_user("admin", name="Boss")


@pytest.fixture
def signed_in(client: Client, boss: Any) -> Client:
    client.force_login(boss)
    return client


def url(model: Any, page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


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
    contacts.SavedMapping.objects.create(name=f"Fair {run.pk}")
    an_api_key()
    bounces.Dirty.objects.create(address_id=bounce.address_id)
    bounces.Outbox.objects.create(topic="status_changed", payload={})
    bounces.EventKey.objects.create(source="api", key=str(bounce.pk), event="bounced")


# --- who and what -----------------------------------------------------------------------------------


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


def test_a_long_list_is_counted_to_a_bound(signed_in):
    Address.objects.bulk_create(Address(email=f"p{n}@x.example", domain="x.example") for n in range(10_020))
    page = signed_in.get(url(Address, "changelist"))
    assert "more than 10,000 addresses" in page.content.decode()


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


# --- decisions --------------------------------------------------------------------------------------


def act(client: Client, model: Any, action: str, pk: int, **fields: str) -> Any:
    path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{action}", args=[pk])
    return client.post(path, {"_form_submitted": "on", **fields})


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


# --- the policy and schedules -----------------------------------------------------------------------


def numbers(**changed: Any) -> dict[str, Any]:
    return {**Policy.active().numbers, "note": "Stricter.", **changed}


def test_changing_the_policy_makes_a_new_version(signed_in, boss):
    old = Policy.active()
    signed_in.post(url(Policy, "change", old.pk), numbers(risk_count=3))
    new = Policy.active()
    old.refresh_from_db()
    assert (new.version, new.risk_count, new.created_by) == (old.version + 1, 3, boss)
    assert (old.is_active, old.risk_count) == (False, 2)


def test_a_new_version_is_applied_by_a_run(signed_in, boss):
    page = signed_in.post(url(Policy, "change", Policy.active().pk), numbers(risk_count=3), follow=True)
    run = CleaningRun.objects.get()
    assert (run.started_by, run.dry_run, run.policy) == (boss, False, Policy.active())
    assert f"Cleaning run {run.pk} applies it" in page.content.decode()


def test_a_new_version_beside_a_run_says_that_it_is_not_applied_yet(signed_in):
    a_cleaning_run("applying")
    page = signed_in.post(url(Policy, "change", Policy.active().pk), numbers(risk_count=3), follow=True)
    assert "is still going on" in page.content.decode()
    assert Policy.active().risk_count == 3


def test_an_old_policy_cannot_be_changed(signed_in):
    old = Policy.active()
    signed_in.post(url(Policy, "change", old.pk), numbers(risk_count=3))
    assert signed_in.post(url(Policy, "change", old.pk), numbers(risk_count=9)).status_code == 403
    assert signed_in.get(url(Policy, "add")).status_code == 403


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hard_limit", 0), ("soft_row_days", 1), ("soft_row_span_days", 0), ("soft_window_count", 1),
        ("soft_window_days", 0), ("risk_count", 0), ("risk_window_days", 0), ("reply_grace_days", -1),
        ("hard_limit", "many"), ("risk_count", 31), ("risk_window_days", 99999),
    ],
)  # fmt: skip
def test_a_policy_of_nonsense_is_refused_at_its_field(signed_in, field, value):
    page = signed_in.post(url(Policy, "change", Policy.active().pk), numbers(**{field: value}))
    assert field in page.context["adminform"].form.errors
    assert Policy.objects.count() == 1


@pytest.mark.parametrize("field", ["hard_limit", "soft_row_span_days", "risk_count", "risk_window_days"])
def test_the_database_refuses_it_too(field):
    with pytest.raises(IntegrityError):
        Policy.objects.create(version=2, **{field: 0})


def test_a_schedule_says_in_words_when_it_runs(signed_in):
    schedule = Schedule.objects.get(task="clean_all")
    data = {"name": "Nightly cleaning", "task": "clean_all", "cron": "30 4 * * *", "is_enabled": "on"}
    signed_in.post(url(Schedule, "change", schedule.pk), data)
    schedule.refresh_from_db()
    assert (schedule.cron, schedule.next_run_at.hour, schedule.next_run_at.minute) == ("30 4 * * *", 4, 30)
    assert "Every day at 04:30 UTC." in signed_in.get(url(Schedule, "change", schedule.pk)).content.decode()


@pytest.mark.parametrize("cron", ["", "nonsense", "* * * *", "61 * * * *", "0 0 0 0 0 0 0"])
def test_a_schedule_of_nonsense_is_refused(signed_in, cron):
    data = {"name": "Nightly cleaning", "task": "clean_all", "cron": cron, "is_enabled": "on"}
    page = signed_in.post(url(Schedule, "change", Schedule.objects.get(task="clean_all").pk), data)
    assert "cron" in page.context["adminform"].form.errors


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 2 * * *", "Every day at 02:00 UTC."),
        ("5 14 * * 1", "Every Monday at 14:05 UTC."),
        ("0 0 1 * *", "Every month on day 1 at 00:00 UTC."),
        ("7 * * * *", "Every hour at minute 7."),
        ("*/5 * * * *", "Every 5 minutes."),
    ],
)
def test_cron_is_told_in_words(cron, words):
    assert explain_cron(cron) == words


@pytest.mark.parametrize("cron", ["0 2 * * mon-fri", "*/5 8-18 * * 1,3", "0 0 29 2 *", "0 0 * * 7"])
def test_any_other_cron_is_told_by_its_next_times(cron):
    assert explain_cron(cron)


# --- people and access ------------------------------------------------------------------------------


def test_a_user_is_made_with_a_password_and_can_sign_in(signed_in, client):
    data = {"email": "New@Rebound.example", "name": "New", "role": "sales", "team": ""}
    data |= {"password1": PASSWORD, "password2": PASSWORD}
    signed_in.post(url(User, "add"), data)
    made = User.objects.get(email="new@rebound.example")
    assert made.check_password(PASSWORD)


def test_a_password_is_set_anew(signed_in):
    user = a_user("sales")
    data = {"password1": "another battery staple", "password2": "another battery staple"}
    signed_in.post(reverse("admin:auth_user_password_change", args=[user.pk]), data)
    user.refresh_from_db()
    assert user.check_password("another battery staple")


def changed_user(user: User, **changed: Any) -> dict[str, Any]:
    return {"email": user.email, "name": user.name, "role": user.role, "team": "", "is_active": "on", **changed}


def test_role_and_activity_are_changed(signed_in):
    user = a_user("sales")
    data = changed_user(user, role="manager")
    del data["is_active"]
    signed_in.post(url(User, "change", user.pk), data)
    user.refresh_from_db()
    assert (user.role, user.is_active) == ("manager", False)


def test_admins_do_not_lock_themselves_out(signed_in, boss):
    signed_in.post(url(User, "change", boss.pk), changed_user(boss, role="sales"))
    data = changed_user(boss)
    del data["is_active"]
    signed_in.post(url(User, "change", boss.pk), data)
    boss.refresh_from_db()
    assert (boss.role, boss.is_active) == ("admin", True)


def test_users_are_never_deleted(signed_in):
    assert signed_in.post(url(User, "delete", a_user("sales").pk), {"post": "yes"}).status_code == 403


def test_a_key_is_shown_once_and_revoked(signed_in):
    data = {"name": "Zapier", "user": a_user("manager").pk, "scopes": ["check"]}
    page = signed_in.post(url(ApiKey, "add"), data)
    key = ApiKey.objects.get()
    secret = page.context["secret"]
    assert ApiKey.digest_of(secret) == bytes(key.digest)
    assert secret in page.content.decode()
    assert secret not in signed_in.get(url(ApiKey, "change", key.pk)).content.decode()
    act(signed_in, ApiKey, "revoke", key.pk)
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_someone_locked_out_is_let_in_again(signed_in):
    attempt = AccessAttempt.objects.create(username="sam@rebound.example", failures_since_start=9)
    page = signed_in.get(url(AccessAttempt, "changelist")).content.decode()
    assert "locked out" in page
    act(signed_in, AccessAttempt, "unlock", attempt.pk)
    assert not AccessAttempt.objects.exists()


# --- contacts ---------------------------------------------------------------------------------------


def contact_data(**changed: Any) -> dict[str, Any]:
    return {
        "first_name": "Ada", "last_name": "Lovelace", "title": "", "owner": "", "phone": "", "country": "",
        "source": "", "external_id": "", "custom": "{}", "company": "", "emails": "ADA@example.org",
        "contact_addresses-TOTAL_FORMS": "0", "contact_addresses-INITIAL_FORMS": "0", **changed,
    }  # fmt: skip


def test_a_contact_is_made_and_can_be_searched_for(signed_in):
    company = a_company("Engines Ltd")
    signed_in.post(url(Contact, "add"), contact_data(company=company.pk))
    found = signed_in.get(url(Contact, "changelist"), {"q": "engines ada@"}).context["cl"].result_list
    assert [each.name for each in found] == ["Ada Lovelace"]


def test_a_contacts_addresses_are_changed_and_their_status_shown(signed_in):
    contact = a_contact("old@example.org", status="invalid", custom={})
    signed_in.post(url(Contact, "change", contact.pk), contact_data(emails="new@example.org\nold@example.org"))
    assert contact.contact_addresses.get(is_primary=True).address.email == "new@example.org"
    page = signed_in.get(url(Contact, "change", contact.pk)).content.decode()
    assert "bg-red-100" in page
    assert "(&#x27;" not in page
    assert contact.activities.filter(kind="edited").exists()


@pytest.mark.parametrize(
    ("field", "value"), [("emails", "not one"), ("country", "Atlantis"), ("custom", '{"nokey": 1}'), ("custom", "{")]
)
def test_a_contact_of_nonsense_is_refused_at_its_field(signed_in, field, value):
    page = signed_in.post(url(Contact, "add"), contact_data(**{field: value}))
    assert field in page.context["adminform"].form.errors
    assert not Contact.objects.exists()


def test_deleting_a_contact_hides_it(signed_in):
    contact = a_contact()
    assert signed_in.post(url(Contact, "delete", contact.pk), {"post": "yes"}).status_code == 403
    signed_in.post(url(Contact, "changelist"), {"action": "delete_contacts", "_selected_action": [contact.pk]})
    contact.refresh_from_db()
    assert contact.deleted_at is not None


def test_renaming_a_company_is_found_by_its_new_name(signed_in):
    contact = a_contact(company="Old Ltd")
    data = {"name": "New Ltd", "domain": "", "country": "", "owner": "", "notes": ""}
    signed_in.post(url(contacts.Company, "change", contact.company.pk), data)
    contact.refresh_from_db()
    assert "new ltd" in contact.document


def test_contacts_are_exported_defused(signed_in):
    a_contact("ada@example.org", first_name="=1+1")
    data = {"format": "0", "resource": "0", "contactexport_email": "on", "contactexport_first_name": "on"}
    page = signed_in.post(reverse("admin:contacts_contact_export"), data)
    assert page.content.decode().splitlines() == ["email,first_name", "ada@example.org,'=1+1"]
