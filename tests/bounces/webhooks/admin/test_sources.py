"""Sources in the admin: who may make one, what it leads on to, and what its page says."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces import process
from bounces.intake.kinds import KINDS, WEBHOOKS
from bounces.models import IntakeSource
from tests.bounces.webhooks.admin.pages import SITE, change, press
from tests.bounces.webhooks.posting import a_post, a_provider_source
from tests.builders import a_user

pytestmark = pytest.mark.django_db

ADD = "admin:bounces_intakesource_add"


# --- who may


def test_an_admin_sees_sources_and_a_manager_does_not(client: Client) -> None:
    source = a_provider_source("mailgun")
    pages = [reverse(ADD), reverse("admin:bounces_intakesource_changelist"), change(source)]

    client.force_login(a_user("admin"))
    assert [client.get(page).status_code for page in pages] == [200, 200, 200]
    client.force_login(a_user("manager"))
    assert {client.get(page).status_code for page in pages} <= {302, 403}


@pytest.mark.parametrize("action", ["test", "renew"])
def test_a_manager_presses_no_button_of_it(client: Client, action: str) -> None:
    source = a_provider_source("mailgun")
    client.force_login(a_user("manager"))

    said = press(client, action, source)

    assert (said, IntakeSource.objects.get().token) == ("", source.token)


def test_an_admin_gives_it_a_new_address_and_the_old_one_is_nobodys(boss: Client) -> None:
    source = a_provider_source("mailgun")
    post = a_post(source, SITE)

    assert "new address" in press(boss, "renew", source)

    assert post.send(Client()) == 404


def test_a_button_does_nothing_by_a_link(boss: Client) -> None:
    source = a_provider_source("mailgun")

    boss.get(reverse("admin:bounces_intakesource_renew", args=[source.pk]))

    assert IntakeSource.objects.get().token == source.token


# --- making one


@pytest.mark.parametrize("kind", KINDS)
def test_making_one_leads_on_to_what_its_kind_needs(boss: Client, kind: str) -> None:
    made = boss.post(reverse(ADD), {"name": "main", "kind": kind, "trust": "", "is_enabled": "on"})
    source = IntakeSource.objects.get()

    assert made.headers["Location"] == change(source)
    assert (source.trust, source.created_by is not None) == (KINDS[kind].trust, True)


def test_a_kind_that_there_is_not_is_refused(boss: Client) -> None:
    page = boss.post(reverse(ADD), {"name": "main", "kind": "pigeons", "is_enabled": "on"})

    assert (page.status_code, IntakeSource.objects.count()) == (200, 0)
    assert b"pigeons" in page.content


@pytest.mark.parametrize("name", ["Postmark main", "post/mark", "é", "-main", "main\nmain"])
def test_a_name_that_is_none_is_refused_in_words(boss: Client, name: str) -> None:
    page = boss.post(reverse(ADD), {"name": name, "kind": "postmark", "is_enabled": "on"}).content.decode()

    assert ("like postmark-main" in page, "Constraint" in page) == (True, False)


def test_what_was_never_seen_is_said(boss: Client) -> None:
    page = boss.get(change(a_provider_source("mailgun"))).content.decode()

    assert "never" in page


def test_an_admins_word_on_trust_counts(boss: Client) -> None:
    boss.post(reverse(ADD), {"name": "main", "kind": "mailgun", "trust": "match", "is_enabled": "on"})

    assert IntakeSource.objects.get().trust == "match"


# --- its page


@pytest.mark.parametrize("kind", WEBHOOKS, ids=lambda kind: kind.slug)
def test_its_page_shows_its_address_and_how_it_is_connected(boss: Client, kind: Any) -> None:
    source = a_provider_source(kind.slug)

    page = boss.get(change(source)).content.decode()

    assert f"{SITE}/in/{source.token}/" in page
    assert [f"{n}. " in page for n in range(1, 6)] == [True] * len(kind.steps)


def test_its_page_says_why_something_was_refused(boss: Client) -> None:
    source = a_provider_source("mailgun")
    a_post(source, SITE, signer="somebody else's").send(Client())

    assert b"The signature is not right" in boss.get(change(source)).content


def test_its_page_says_that_an_error_is_over(boss: Client) -> None:
    source = a_provider_source("mailgun")
    a_post(source, SITE, signer="somebody else's").send(Client())
    a_post(source, SITE).send(Client())
    process.run_flow(timezone.now)

    assert "Over: something was taken since." in boss.get(change(source)).content.decode()


def test_its_page_says_how_much_waits_for_somebody(boss: Client) -> None:
    source = a_provider_source("mailgun")
    IntakeSource.objects.update(trust="match")
    a_post(source, SITE).send(Client())
    process.run_flow(timezone.now)

    assert "1 unverified: the Inbox says why" in boss.get(change(source)).content.decode()
