"""Sources are remembered by each process, and what an admin changes holds from the next request on."""

from __future__ import annotations

import psycopg
import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.urls import reverse

from bounces.models import InboundItem, IntakeSource
from crm.views.short_way import BELOW
from tests.bounces.webhooks.posting import a_post, a_provider_source

pytestmark = pytest.mark.django_db
SITE = "http://rebound.example"


@pytest.fixture(autouse=True)
def _where_it_runs(settings: LazySettings) -> None:
    settings.SITE_URL = SITE
    settings.ALLOWED_HOSTS = ["*"]


@pytest.fixture
def source(client: Client) -> IntakeSource:
    """One that is remembered."""
    made = a_provider_source("mailtrap")
    assert a_post(made, SITE, to="first@b.example").send(client) == 200
    return made


def give(source: IntakeSource, *secrets: str) -> None:
    source.secrets = {"signing_secret": list(secrets)}
    source.save()


def test_a_secret_that_was_taken_away_is_not_believed_any_more(client: Client, source: IntakeSource) -> None:
    post = a_post(source, SITE)
    give(source, "another")

    assert (post.send(client), InboundItem.objects.count()) == (403, 1)


def test_a_new_secret_is_believed_at_once(client: Client, source: IntakeSource) -> None:
    give(source, "another")

    assert a_post(source, SITE, signer="another").send(client) == 200


def test_a_source_that_is_switched_off_is_not_there_any_more(client: Client, source: IntakeSource) -> None:
    IntakeSource.objects.update(is_enabled=False)

    assert (a_post(source, SITE).send(client), client.get(a_post(source, SITE).path).status_code) == (404, 404)


def test_one_that_is_gone_is_not_there_any_more(client: Client, source: IntakeSource) -> None:
    post = a_post(source, SITE)
    source.delete()

    assert (post.send(client), InboundItem.objects.count()) == (404, 1)


def test_its_old_address_is_nobodys(client: Client, source: IntakeSource) -> None:
    today = IntakeSource.objects.get()
    today.renew_token()

    assert (a_post(source, SITE).send(client), a_post(today, SITE).send(client)) == (404, 200)


def test_a_refusal_by_what_is_remembered_is_counted_once(client: Client, source: IntakeSource) -> None:
    a_post(source, SITE, signer="somebody else").send(client)

    source.refresh_from_db()
    assert source.seen.refused == 1


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_server_has_closed_is_replaced(client: Client, source: IntakeSource) -> None:
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])

    assert (a_post(source, SITE).send(client), InboundItem.objects.count()) == (200, 2)


@pytest.mark.django_db(transaction=True)
def test_what_is_answered_is_committed(client: Client, source: IntakeSource) -> None:
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
        kept = other.execute("SELECT count(*) FROM bounces_rawchunk").fetchone()

    assert kept == (1,)


def test_the_short_way_is_the_webhooks_address() -> None:
    assert reverse("bounces:webhook", args=["a-token"]) == f"{BELOW}a-token/"


def test_the_short_way_has_no_session_and_says_how_long_its_answer_is(client: Client, source: IntakeSource) -> None:
    answer = client.post(f"{BELOW}{source.token}/", b"{}", content_type="application/json")

    assert (answer.status_code, answer["Content-Length"], "Vary" in answer) == (403, str(len(answer.content)), False)


def test_over_http_a_provider_is_sent_to_https(settings: LazySettings, source: IntakeSource) -> None:
    settings.SECURE_SSL_REDIRECT = True

    assert a_post(source, SITE).send(Client()) == 301
