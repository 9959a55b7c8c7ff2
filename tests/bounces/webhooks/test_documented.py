"""Each kind of event that a provider documents: forged it changes nothing, authentic it has its effect, once."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from bounces import process
from bounces.intake.webhooks import sns
from bounces.intake.webhooks.providers import PROVIDERS
from bounces.models import Address, Attempt, Bounce, Complaint, Evidence, InboundItem, Suppression
from tests.bounces.webhooks.documented import Documented, documented
from tests.bounces.webhooks.posting import (
    CERTIFICATE_URL,
    TIMED,
    Posted,
    a_post,
    a_provider_source,
    amazon_certificate,
)

pytestmark = pytest.mark.django_db
SITE = "http://rebound.example"
TO = "bob@b.example"
FAILURES = ("bounce hard", "bounce soft", "bounce deferred")
KINDS = ("delivered", *FAILURES, "complaint", "suppressed: unsub", "opened", "clicked")
# What a provider's documentation does not know.
NOT_TOLD = {
    "azure": ("bounce deferred", "complaint", "suppressed: unsub"),
    "forwardemail": ("delivered", "bounce deferred", "complaint", "suppressed: unsub", "opened", "clicked"),
    "postal": ("complaint", "suppressed: unsub"),
    "resend": ("suppressed: unsub",),
}


@pytest.fixture(autouse=True)
def _where_it_runs(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SITE_URL = SITE
    settings.ALLOWED_HOSTS = ["*"]
    certificates = {CERTIFICATE_URL: amazon_certificate("amazon")}
    monkeypatch.setattr(sns.check_sns, "__defaults__", (certificates.__getitem__,))
    sns.certificate_at.cache_clear()


@pytest.fixture(params=documented(), ids=str)
def told(request: pytest.FixtureRequest) -> Documented:
    return request.param


def run_flow() -> None:
    process.run_flow(timezone.now)


def effect() -> str:
    """What is recorded, in words; of what recorded nothing, what the inbox says."""
    parts = [f"bounce {one.kind} {one.fault} {one.reason}" for one in Bounce.objects.all()]
    parts += ["complaint" for _ in Complaint.objects.all()]
    parts += [f"suppressed: {one.reason}" for one in Suppression.objects.all()]
    parts = parts or [of_attempt(one) for one in Attempt.objects.all()]
    return "; ".join(parts) or of_item(InboundItem.objects.order_by("-pk")[0])


def of_attempt(attempt: Attempt) -> str:
    marks = {"clicked": attempt.clicks, "opened": attempt.opens, "delivered": attempt.delivered_at}
    return next((name for name, value in marks.items() if value), "sent")


def of_item(item: InboundItem) -> str:
    if item.state == "ignored":
        return "empty" if item.why == "It holds no events." else "nothing"
    return str(item.state)


def test_it_has_its_effect_once(client: Client, told: Documented) -> None:
    now = timezone.now()
    post = a_post(a_provider_source(told.slug), SITE, at=now, said=told.posted(TO, now))

    statuses = [post.send(client)]
    run_flow()
    first = (effect(), Attempt.objects.count(), Evidence.objects.count(), opened())
    statuses.append(post.send(client))
    run_flow()

    assert (statuses, effect()) == ([200, 200], told.becomes)
    assert (effect(), Attempt.objects.count(), Evidence.objects.count(), opened()) == first


def opened() -> int:
    return sum(one.opens + one.clicks for one in Attempt.objects.all())


@pytest.mark.parametrize("slug", sorted(PROVIDERS))
def test_forged_they_change_nothing(client: Client, slug: str) -> None:
    source, now = a_provider_source(slug), timezone.now()

    for said in [told.posted(TO, now) for told in documented() if told.slug == slug]:
        post = a_post(source, SITE, said=said)
        stranger = a_post(source, SITE, said=said, signer=somebody_else(slug))
        assert {each.send(client) // 100 for each in (flipped(post), bare(post), stranger)} == {4}, said
    run_flow()

    assert (InboundItem.objects.count(), Address.objects.count()) == (0, 0)


@pytest.mark.parametrize("slug", TIMED)
def test_told_too_late_they_change_nothing(client: Client, slug: str) -> None:
    source, then = a_provider_source(slug), timezone.now() - timedelta(hours=10)

    posts = [a_post(source, SITE, at=then, said=told.posted(TO, then)) for told in documented() if told.slug == slug]

    assert {post.send(client) for post in posts} == {403}
    run_flow()
    assert not InboundItem.objects.exists()


def somebody_else(slug: str) -> str:
    return "whsec_b3RoZXI=" if slug == "resend" else "somebody:else"


def flipped(post: Posted) -> Posted:
    """One bit of what proves it is another: of the body where that is signed, else of the secret or the token."""
    kind, body = post.source.kind, post.arrival.body
    if kind == "mailgun":
        said = json.loads(body)
        token = said["signature"]["token"]
        return post.with_body(body.replace(token.encode(), (chr(ord(token[0]) ^ 1) + token[1:]).encode()))
    if kind == "azure":
        return post.with_header("x-rebound-secret", "b" + post.arrival.headers["x-rebound-secret"][1:])
    if not PROVIDERS[kind].signs:
        return post.with_header("authorization", f"Basic {base64.b64encode(b'rebound:correct horsf').decode()}")
    at = len(body) // 2
    return post.with_body(body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])


def bare(post: Posted) -> Posted:
    """Without any proof."""
    without = post.without(*[name for name in post.arrival.headers if name != "content-type"])
    if post.source.kind not in ("mailgun", "unisender_go", "amazon_ses"):
        return without
    said = json.loads(post.arrival.body)
    return without.with_body(json.dumps({k: v for k, v in said.items() if k not in PROOFS}).encode())


PROOFS = ("signature", "Signature", "auth")


@pytest.mark.parametrize("slug", sorted(PROVIDERS))
def test_each_kind_of_event_that_it_tells_is_tried(slug: str) -> None:
    tried = [one.becomes for one in documented() if one.slug == slug]

    assert [kind for kind in KINDS if not any(kind in becomes for becomes in tried)] == list(NOT_TOLD.get(slug, ()))
