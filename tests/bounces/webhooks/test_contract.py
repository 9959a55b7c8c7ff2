"""What every provider's webhook has to do: believed when it is authentic, refused when anything about it is not."""

from __future__ import annotations

import json
import os
import random
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from bounces import lists, process
from bounces.intake.webhooks import sns
from bounces.intake.webhooks.providers import PROVIDERS
from bounces.models import Address, Bounce, Evidence, InboundItem, IntakeSource
from tests.bounces.webhooks.documented import documented
from tests.bounces.webhooks.posting import (
    CERTIFICATE_URL,
    SLUGS,
    TIMED,
    Posted,
    a_post,
    a_provider_source,
    amazon_certificate,
)
from tests.conformance.mutating import mutate

pytestmark = pytest.mark.django_db
SITE = "http://rebound.example"
# Of all providers together; 5,000 take some minutes.
MUTATIONS = int(os.environ.get("REBOUND_TEST_MUTATIONS", "200"))
WITHOUT_WORDS = {"resend"}  # tells that it bounced, not what was said


@pytest.fixture(autouse=True)
def _where_it_runs(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SITE_URL = SITE
    settings.ALLOWED_HOSTS = ["*"]
    monkeypatch.setattr(sns.check_sns, "__defaults__", (amazon,))
    sns.certificate_at.cache_clear()


def amazon(url: str) -> bytes:
    """Amazon's host, which gives its certificate at one address."""
    assert url == CERTIFICATE_URL
    return amazon_certificate("amazon")


def run_flow() -> None:
    process.run_flow(timezone.now)


def nothing_changed() -> bool:
    run_flow()
    return not (InboundItem.objects.exists() or Address.objects.exists())


@pytest.fixture(params=SLUGS)
def slug(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_bounce_that_is_told_becomes_one(client: Client, slug: str) -> None:
    status = a_post(a_provider_source(slug), SITE).send(client)
    run_flow()

    bounce = Bounce.objects.select_related("address").get()
    reason = "onhold" if slug in WITHOUT_WORDS else "userunknown"
    assert (status, bounce.address.email, bounce.reason) == (200, "bob@b.example", reason)


def test_what_a_server_said_makes_the_address_invalid(client: Client, slug: str) -> None:
    a_post(a_provider_source(slug), SITE).send(client)
    run_flow()

    assert Address.objects.get().status == ("unverified" if slug in WITHOUT_WORDS else "invalid")


def test_the_same_again_changes_nothing(client: Client, slug: str) -> None:
    post = a_post(a_provider_source(slug), SITE)

    statuses = [post.send(client), post.send(client)]
    run_flow()

    assert (statuses, Evidence.objects.count()) == ([200, 200], 1)


SIGN_THEIR_BODY = [each for each in SLUGS if PROVIDERS[each].signs and each not in ("azure", "mailgun")]


@pytest.mark.parametrize("slug", SIGN_THEIR_BODY)
def test_a_flipped_byte_is_refused(client: Client, slug: str) -> None:
    post = a_post(a_provider_source(slug), SITE)
    body = post.arrival.body
    place = body.index(b"b.example") + 2

    status = post.with_body(body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]).send(client)

    assert (400 <= status < 500, nothing_changed()) == (True, True)


def test_without_its_proof_it_is_refused(client: Client, slug: str) -> None:
    post = a_post(a_provider_source(slug), SITE)
    bare = post.without(*[name for name in post.arrival.headers if name != "content-type"])
    if slug in ("mailgun", "unisender_go", "amazon_ses"):
        said = json.loads(post.arrival.body)
        bare = bare.with_body(json.dumps({k: v for k, v in said.items() if k.lower() not in PROOFS}).encode())

    status = bare.send(client)

    assert (400 <= status < 500, nothing_changed()) == (True, True)


PROOFS = ("signature", "auth")


def test_another_tenants_proof_is_refused(client: Client, slug: str) -> None:
    other = "whsec_b3RoZXI=" if slug == "resend" else "somebody:else"

    status = a_post(a_provider_source(slug), SITE, signer=other).send(client)

    assert (400 <= status < 500, nothing_changed()) == (True, True)


@pytest.mark.parametrize("slug", TIMED)
@pytest.mark.parametrize("age", [timedelta(hours=10), -timedelta(hours=10)])
def test_a_stale_one_is_refused(client: Client, slug: str, age: timedelta) -> None:
    status = a_post(a_provider_source(slug), SITE, at=timezone.now() - age).send(client)

    assert (status, nothing_changed()) == (403, True)


def test_a_source_without_a_secret_believes_nothing_and_is_asked_again(client: Client, slug: str) -> None:
    post = a_post(a_provider_source(slug), SITE)
    IntakeSource.objects.update(sealed_secrets="", options={})

    status = post.send(client)

    assert (status, nothing_changed()) == (503, True)


def test_an_old_secret_is_believed_beside_the_new_one(client: Client, slug: str) -> None:
    source = a_provider_source(slug)
    post = a_post(source, SITE)
    source.secrets = {name: ["a new one", *several] for name, several in source.secrets.items()}
    source.save()

    assert post.send(client) == 200


def test_an_unknown_or_disabled_source_is_not_there(client: Client, slug: str) -> None:
    source = a_provider_source(slug)
    post = a_post(source, SITE)
    IntakeSource.objects.update(is_enabled=False)

    assert (post.send(client), client.post("/in/no-such-token/").status_code) == (404, 404)


def test_refusals_are_counted_and_explained(client: Client, slug: str) -> None:
    source = a_provider_source(slug)

    a_post(source, SITE, signer="whsec_b3RoZXI=" if slug == "resend" else "somebody:else").send(client)

    source.refresh_from_db()
    assert (source.seen.refused, bool(source.seen.last_error)) == (1, True)


def test_what_came_is_counted(client: Client, slug: str) -> None:
    source = a_provider_source(slug)
    a_post(source, SITE).send(client)
    run_flow()

    source.refresh_from_db()
    assert (source.seen.received, source.seen.last_seen_at is not None) == (1, True)


def test_mutated_events_never_fail_the_door_and_all_end_countably(client: Client, slug: str) -> None:
    source = a_provider_source(slug)
    chance = random.Random(slug)
    told = [one.posted("bob@b.example", timezone.now()) for one in documented() if one.slug == slug]
    events = mutated_events([json.dumps(said).encode() for said in told], chance)

    statuses = {a_post(source, SITE, said=event).send(client) for event in events}
    run_flow()

    counts = lists.count_inbox()
    assert {status // 100 for status in statuses} <= {2, 4}
    assert counts["pending"] == 0
    assert not InboundItem.objects.filter(why__startswith="Our own fault").exists()


def mutated_events(told: list[bytes], chance: random.Random) -> list[Any]:
    """Authentic, since they are signed afterwards, and of any shape that JSON has; each event in its turn."""
    found: list[Any] = []
    while len(found) < -(-MUTATIONS // len(SLUGS)):
        said = told[len(found) % len(told)]
        try:
            event = json.loads(mutate(said, chance, told))
        except (ValueError, RecursionError):
            event = damaged(json.loads(said), chance)
        if isinstance(event, type(json.loads(said))):
            found.append(event)
    return found


def damaged(value: Any, chance: random.Random) -> Any:
    """One value somewhere in it is something else."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        name = chance.choice(list(value))
        return {**value, name: damaged(value[name], chance)}
    if isinstance(value, list) and value and chance.random() < 0.8:
        return [damaged(value[0], chance), *value[1:]]
    return chance.choice([None, "", 0, -1, 1e300, [], {}, True, "\x00", "x" * 5000, [[]], {"a": {}}, "\ud800"])


HOSTILE: list[Any] = ["\ud800", "\x00", "", "é", "9" * 400, "nan", "https://[", [], {}, None, 1e300, True]


@pytest.mark.parametrize("slug", SLUGS)
def test_a_proof_of_any_shape_is_refused_and_never_fails_the_door(client: Client, slug: str) -> None:
    """What stands where a signature is looked for was written by whoever found the address."""
    source = a_provider_source(slug)
    said = a_post(source, SITE)

    statuses = {post.send(client) for post in hostile_posts(said)}

    assert {status // 100 for status in statuses} == {4}
    assert nothing_changed()


def hostile_posts(post: Posted) -> list[Posted]:
    """Each part of its proof, in the body or a header, in turn something else."""
    found = [
        post.with_header(name, value.encode("utf-8", "replace").decode().replace("\0", "0"))
        for name in post.arrival.headers
        if name not in (*NO_PROOF, "content-type")
        for value in HOSTILE
        if isinstance(value, str)
    ]
    if post.source.kind in IN_BODY:
        said = json.loads(post.arrival.body)
        changed = [put(said, path, value) for path in IN_BODY[post.source.kind] for value in HOSTILE]
        found += [post.with_body(json.dumps(each).encode()) for each in changed]
    return found


NO_PROOF = ("x-amz-sns-message-type", "x-amz-sns-message-id", "aeg-event-type")
IN_BODY = {
    "mailgun": (("signature",), ("signature", "timestamp"), ("signature", "token"), ("signature", "signature")),
    "unisender_go": (("auth",),),
    "amazon_ses": tuple(
        (name,) for name in ("Signature", "SigningCertURL", "TopicArn", "Type", "SignatureVersion", "Timestamp")
    ),
}


def put(said: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    name, *rest = path
    return {**said, name: put(said[name], tuple(rest), value) if rest else value}


GARBAGE = [
    b"",
    b"{",
    b"[]",
    b"{}",
    b"null",
    b"[" * 200_000,
    b'{"a":' * 50_000,
    b"\xff\xfe",
    b"mandrill_events=%5B%7B%7D%5D",
    b"1" * 100_000,
]


def test_garbage_is_refused_or_ends_countably(client: Client, slug: str) -> None:
    source = a_provider_source(slug)
    post = a_post(source, SITE)

    statuses = {post.with_body(body).send(client) for body in GARBAGE}
    run_flow()

    assert {status // 100 for status in statuses} <= {2, 4}
    assert lists.count_inbox()["pending"] == 0


def test_a_body_above_the_cap_is_not_read(client: Client, slug: str, settings: LazySettings) -> None:
    settings.WEBHOOK_CAP = 10

    assert (a_post(a_provider_source(slug), SITE).send(client), nothing_changed()) == (413, True)
