"""A whole domain may be written as other tools write it; a pattern that would protect nobody is refused with advice."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces import process
from bounces.models import InboundItem, Suppression
from bounces.verdict import check
from tests.bounces.provider_lists import record, upload
from tests.builders import a_suppression, a_user
from tests.tools import a_tool

pytestmark = pytest.mark.django_db
ADD = reverse("bounces:suppressions_add")


def signed_in(role: str = "admin") -> Client:
    client = Client()
    client.force_login(a_user(role))
    return client


def page(text: str) -> str:
    sent = {"targets": text, "note": "x", "confirmed": "yes"}
    return signed_in("manager").post(ADD, sent, follow=True).content.decode()


def file(text: str) -> str:
    body = SimpleUploadedFile("list.csv", f"email\n{text}\n".encode())
    client = signed_in("manager")
    shown = client.post(ADD, {"file": body, "note": "x"}).content.decode()
    client.post(ADD, {"targets": text, "note": "x", "confirmed": "yes"})
    return shown


def api(text: str) -> str:
    return a_tool().post("suppressions/", {"targets": [text], "note": "x"}).content.decode()


def admin(text: str) -> str:
    sent = {"what": text, "note": "x", "expires_at_0": "", "expires_at_1": ""}
    return signed_in().post(reverse("admin:bounces_suppression_add"), sent, follow=True).content.decode()


DOORS: dict[str, Callable[[str], str]] = {"page": page, "file": file, "API": api, "admin": admin}
DOMAINS = ["b.example", "@b.example", "*@b.example", " *@B.Example "]
PATTERNS = {
    "*.b.example": "write b.example",
    "*@*.b.example": "write b.example",
    "sales*@b.example": "b.example to suppress everyone there",
    "*": "Write the domain",
    "ada@*": "Write the domain",
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("text", DOMAINS)
def test_a_domain_however_written_protects_everyone_there(door: str, text: str) -> None:
    DOORS[door](text)

    assert [(one.scope, one.domain) for one in Suppression.objects.all()] == [("domain", "b.example")]
    assert check(["ada@b.example"], timezone.now())["ada@b.example"].answer == "no"


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("text", PATTERNS)
def test_another_pattern_is_refused_and_says_what_to_write(door: str, text: str) -> None:
    said = DOORS[door](text)

    assert not Suppression.objects.exists()
    assert PATTERNS[text] in said


@pytest.mark.parametrize("tells", ["suppressions", "unsubscribes"])
def test_a_pattern_in_a_list_of_a_provider_is_quarantined_with_the_same_advice(tells: str) -> None:
    client = signed_in("manager")
    upload(client, "email,created\n*@b.example,2026-04-01\n")

    record(client, tells)
    process.run_flow(timezone.now)

    (item,) = InboundItem.objects.filter(state="quarantined")
    assert (Suppression.objects.count(), "suppress the domain" in item.why) == (0, True)


def test_what_was_kept_as_an_address_before_is_its_domain_now() -> None:
    a_suppression("*@b.example", note="Never again.", source="page")
    migration = import_module("bounces.migrations.0141_patterns_of_suppressions")
    with connection.schema_editor() as editor:
        migration.suppress_domains(apps, editor)
        migration.suppress_domains(apps, editor)

    made = Suppression.objects.get(scope="domain")
    assert (made.domain, made.reason, made.note) == ("b.example", "manual", "Never again.")
