"""The what-if's pages: numbers beside those in force, the report, and an admin who puts them in force."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces.cleaning import work
from bounces.models import CleaningRun, Policy
from tests.builders import a_bounce, a_contact, a_segment, a_user

pytestmark = pytest.mark.django_db

PAGE = "/cleaning/what-if/"


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(a_user(role))
    return client


@pytest.fixture
def manager() -> Client:
    return signed_in("manager")


def numbers(**changed: Any) -> dict[str, Any]:
    return {**Policy.active().numbers, **changed}


def tried(client: Client, **changed: Any) -> CleaningRun:
    """The what-if of these numbers, worked to its end."""
    client.post(PAGE, numbers(**changed))
    run = CleaningRun.objects.get(what_if=True)
    work(run.pk, timezone.now)
    run.refresh_from_db()
    return run


def url_of(run: CleaningRun, name: str = "cleaning_run") -> str:
    return reverse(f"bounces:{name}", args=[run.pk])


def test_every_number_is_explained_with_its_value_in_force(manager):
    page = " ".join(manager.get(PAGE).content.decode().split())
    for name, value in Policy.active().numbers.items():
        assert f'name="{name}" value="{value}"' in page
        assert Policy._meta.get_field(name).help_text in page
    assert page.count("now 30") == 2


def test_trying_leads_to_the_run_and_saves_nothing(manager):
    response = manager.post(PAGE, numbers(hard_limit=2))
    run = CleaningRun.objects.get()
    assert response["Location"] == url_of(run)
    assert (run.what_if, run.policy.hard_limit, run.policy.version) == (True, 2, None)
    assert Policy.active().hard_limit == 1


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("hard_limit", 0, "A number from 1 to 3,650 is needed."),
        ("risk_window_days", 0, "A number from 1 to 3,650 is needed."),
        ("soft_window_days", -3, "A number from 1 to 3,650 is needed."),
        ("soft_row_days", 1, "A number from 2 to 3,650 is needed."),
        ("reply_grace_days", 99999, "A number from 0 to 3,650 is needed."),
        ("risk_count", 31, "31 bounce days do not fit into 30 days: the rule would never apply."),
        ("hard_limit", "many", "A whole number from 1 to 3,650 is needed."),
        ("hard_limit", "1.5", "A whole number from 1 to 3,650 is needed."),
        ("hard_limit", "", "A number is needed."),
    ],
)
def test_nonsense_is_refused_at_its_field_with_a_reason(manager, field, value, sentence):
    form = manager.post(PAGE, numbers(**{field: value})).context["form"]
    assert form.errors == {field: [sentence]}
    assert not CleaningRun.objects.exists()


def test_the_numbers_in_force_are_nothing_to_try(manager):
    assert "change at least one" in manager.post(PAGE, numbers()).content.decode()


def test_a_scope_without_addresses_is_refused(manager):
    page = manager.post(PAGE, numbers(hard_limit=2, domain="nobody.example")).content.decode()
    assert "Domain nobody.example has no address: there is nothing to judge." in page


def test_a_segment_or_a_domain_narrows_it(manager):
    a_contact("ada@b.example", country="DE")
    a_contact("bob@c.example")
    segment = a_segment("Germans", country=["DE"])
    manager.post(PAGE, numbers(hard_limit=2, segment=segment.pk))
    assert CleaningRun.objects.get().total == 1


def test_the_report_says_what_would_move_and_that_nothing_did(manager):
    a_bounce("ada@b.example", kind="soft", reason="mailboxfull", occurred_at=timezone.now() - timedelta(days=1))
    page = manager.get(url_of(tried(manager, risk_count=1))).content.decode()
    for words in ("Nothing is changed", "1 → <strong>1</strong>".replace("1 →", "2 →"), "ada@b.example", "At risk"):
        assert words in page
    assert "Apply these changes" not in page


def test_all_of_it_is_exported(manager):
    a_bounce("ada@b.example")
    run = tried(manager, risk_count=1)
    response = manager.get(url_of(run, "cleaning_csv"))
    assert f'filename="what-if-{run.pk}.csv"' in response["Content-Disposition"]
    _, row = csv.reader(io.StringIO(response.getvalue().decode("utf-8-sig")))
    assert row[:3] == ["ada@b.example", "Unverified", "Invalid"]


def test_its_numbers_stand_in_the_form_again(manager):
    run = tried(manager, risk_count=3)
    page = manager.get(PAGE, {"from": run.pk})
    assert page.context["form"]["risk_count"].value() == 3
    assert "Tried lately" in page.content.decode()
    assert manager.get(PAGE, {"from": "nonsense"}).status_code == 200


def test_an_admin_puts_it_in_force_and_its_run_starts():
    admin = signed_in("admin")
    run = tried(admin, hard_limit=2)
    assert "Put these numbers in force" in admin.get(url_of(run)).content.decode()
    assert "policy version 2" in admin.get(url_of(run, "put_in_force")).content.decode()
    response = admin.post(url_of(run, "put_in_force"), {"note": "One failure is not enough for us"})
    applying = CleaningRun.objects.get(what_if=False)
    assert response["Location"] == url_of(applying)
    assert (Policy.active().version, Policy.active().hard_limit) == (2, 2)


def test_it_is_put_in_force_with_a_note_alone():
    admin = signed_in("admin")
    run = tried(admin, hard_limit=2)
    assert "Say why" in admin.post(url_of(run, "put_in_force"), {"note": " "}).content.decode()
    assert Policy.active().version == 1


def test_what_cannot_be_put_in_force_says_why():
    admin = signed_in("admin")
    run = tried(admin, hard_limit=2)
    admin.post(url_of(run, "put_in_force"), {"note": "Once"})
    page = admin.post(url_of(run, "put_in_force"), {"note": "Twice"}, follow=True).content.decode()
    assert "These numbers are in force already" in page
    meant = CleaningRun.objects.get(what_if=False)
    assert admin.get(url_of(meant, "put_in_force")).status_code == 404


def test_a_manager_tries_and_does_not_put_in_force(manager):
    run = tried(manager, hard_limit=2)
    assert "Put these numbers in force" not in manager.get(url_of(run)).content.decode()
    assert manager.post(url_of(run, "put_in_force"), {"note": "Mine"}).status_code == 403
    assert Policy.active().version == 1


def test_sales_may_not_try():
    sales = signed_in("sales")
    assert sales.get(PAGE).status_code == 403
    assert sales.post(PAGE, numbers(hard_limit=2)).status_code == 403
    assert PAGE not in sales.get("/cleaning/").content.decode()


def test_the_policys_panel_and_the_admin_lead_there(manager):
    assert PAGE in manager.get("/cleaning/").content.decode()
    admin = signed_in("admin")
    policy = Policy.active()
    assert PAGE in admin.get(reverse("admin:bounces_policy_change", args=[policy.pk])).content.decode()


def test_drafts_are_no_versions_in_the_admin():
    admin = signed_in("admin")
    tried(admin, hard_limit=2)
    assert "Policy None" not in admin.get(reverse("admin:bounces_policy_changelist")).content.decode()
