"""A used request stays used: nobody without the key makes a second one of it, whatever its signature leaves open."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from bounces.intake.webhooks import samples, sns
from bounces.intake.webhooks.arrival import Arrival, Refused
from bounces.intake.webhooks.providers import PROVIDERS
from bounces.intake.webhooks.signatures import Given, hexdigest
from bounces.models import InboundItem
from tests.bounces.webhooks.posting import (
    CERTIFICATE_URL,
    SECRETS,
    SLUGS,
    TOPIC,
    Posted,
    a_post,
    a_provider_source,
    amazon_certificate,
    ec_key,
    public_text,
    rsa_key,
)

SITE = "http://rebound.example"
FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json"}
NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
MOMENT = str(int(NOW.timestamp()))
AT = NOW.isoformat()
PLAIN_HMAC = {
    "forwardemail": "x-webhook-signature",
    "mailersend": "signature",
    "mailtrap": "mailtrap-signature",
}
# They send a secret along and sign nothing: whoever has a request of theirs has the key.
SENDS_ITS_SECRET = {"azure": "x-rebound-secret"} | {
    slug: "authorization" for slug in SLUGS if not PROVIDERS[slug].signs
}


@pytest.fixture(autouse=True)
def _amazon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sns.check_sns, "__defaults__", ({CERTIFICATE_URL: amazon_certificate("amazon")}.__getitem__,))
    sns.certificate_at.cache_clear()


# --- one signed text, cut into a request in every way -------------------------------------------------
#
# Each cutter takes a signed text and gives every request that a provider would sign by that text, with the parts that
# it says. All of them carry one signature. At most one may be believed.

Cut = tuple[tuple[str, ...], Arrival]
Cutter = Callable[[str], Iterator[Cut]]


def key_of(slug: str) -> str:
    return SECRETS[slug][1]


def cut_mailgun(text: str) -> Iterator[Cut]:
    signature = hexdigest(key_of("mailgun"), text)
    for place in range(len(text) + 1):
        block = {"timestamp": text[:place], "token": text[place:], "signature": signature}
        yield (text[:place], text[place:]), Arrival(json.dumps({"signature": block}).encode(), JSON)


def cut_sendgrid(text: str) -> Iterator[Cut]:
    made = ec_key("sendgrid").sign(text.encode(), ec.ECDSA(hashes.SHA256()))
    signature = base64.b64encode(made).decode()
    for place in range(len(text) + 1):
        headers = {
            "x-twilio-email-event-webhook-timestamp": text[:place],
            "x-twilio-email-event-webhook-signature": signature,
        }
        yield (text[:place], text[place:]), Arrival(text[place:].encode(), headers)


def cut_resend(text: str) -> Iterator[Cut]:
    key = base64.b64decode(key_of("resend").removeprefix("whsec_"))
    signature = "v1," + base64.b64encode(hmac.digest(key, text.encode(), "sha256")).decode()
    words = text.split(".")
    for one in range(1, len(words) - 1):
        for other in range(one + 1, len(words)):
            name, moment, body = (".".join(part) for part in (words[:one], words[one:other], words[other:]))
            headers = {"svix-id": name, "svix-timestamp": moment, "svix-signature": signature}
            yield (name, moment, body), Arrival(body.encode(), headers)


def cut_mandrill(text: str) -> Iterator[Cut]:
    made = hmac.digest(key_of("mandrill").encode(), text.encode(), "sha1")
    headers = {**FORM, "x-mandrill-signature": base64.b64encode(made).decode()}
    places = range(len(SITE), len(text) + 1)
    for url_ends in places:
        for name_ends in places[url_ends - len(SITE) :]:
            url, name, value = text[:url_ends], text[url_ends:name_ends], text[name_ends:]
            yield (url, name, value), Arrival(urlencode({name: value}).encode(), headers, url)
            middle = (name_ends + len(text)) // 2
            fields = ((name, text[name_ends:middle]), (text[middle:], ""))
            if fields[0][0] < fields[1][0]:
                yield (url, *fields[0], *fields[1]), Arrival(urlencode(fields).encode(), headers, url)


def cut_amazon(text: str) -> Iterator[Cut]:
    made = base64.b64encode(rsa_key("amazon").sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    for names in sns.SIGNED.values():
        for fields in fields_in(names, text.split("\n")[:-1]):
            message = {**fields, "SignatureVersion": "2", "Signature": made, "SigningCertURL": CERTIFICATE_URL}
            yield tuple(sorted(map(str, fields.items()))), Arrival(json.dumps(message).encode(), JSON)


def fields_in(names: Sequence[str], lines: Sequence[str]) -> Iterator[dict[str, str]]:
    """Every way to read lines as these fields in this order, some of them left out."""
    if not names:
        if not lines:
            yield {}
        return
    yield from fields_in(names[1:], lines)
    if lines and lines[0] == names[0]:
        for end in range(2, len(lines) + 1):
            for rest in fields_in(names[1:], lines[end:]):
                yield {names[0]: "\n".join(lines[1:end]), **rest}


def cut_unisender(text: str) -> Iterator[Cut]:
    key, made = key_of("unisender_go"), hashlib.md5(text.encode()).hexdigest()
    pieces = text.split(key)
    for place in range(1, len(pieces)):
        body = key.join(pieces[:place]) + made + key.join(pieces[place:])
        yield (body,), Arrival(body.encode(), JSON)


def cut_plain(slug: str) -> Cutter:
    def cut(text: str) -> Iterator[Cut]:
        yield (text,), Arrival(text.encode(), {PLAIN_HMAC[slug]: hexdigest(key_of(slug), text)})

    return cut


def cut_postal(text: str) -> Iterator[Cut]:
    made = rsa_key("postal").sign(text.encode(), padding.PKCS1v15(), hashes.SHA1())
    yield (text,), Arrival(text.encode(), {"x-postal-signature": base64.b64encode(made).decode()})


def joined(words: Sequence[str], least: int = 0, most: int = 6) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(words), min_size=least, max_size=most).map("".join)


def amazon_texts() -> st.SearchStrategy[str]:
    names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type", "Notification", AT, TOPIC, "x"]
    value = st.lists(st.sampled_from(names), min_size=1, max_size=3).map("\n".join)
    subject = st.one_of(st.just(""), value.map("Subject\n{}\n".format))
    made = "Message\n{}\nMessageId\n{}\n{}Timestamp\n{}\nTopicArn\n{}\nType\nNotification\n"
    return st.builds(made.format, value, value, subject, st.just(AT), st.just(TOPIC))


LIKE_NUMBERS = ("0", "7", "e0", "e", ".", "_", "+", " ", "\n", "a")
NAMES_EVENTS = ("mandrill_events", "[{}]", "a", "?", "m")  # not the empty list: it tells nothing, and is never signed
CUTTERS: dict[str, tuple[Cutter, st.SearchStrategy[str]]] = {
    "amazon_ses": (cut_amazon, amazon_texts()),
    "mailgun": (cut_mailgun, joined(LIKE_NUMBERS, 1).map(MOMENT.__add__)),
    "mandrill": (cut_mandrill, joined(NAMES_EVENTS, 1, 5).map((SITE + "/in/t/").__add__)),
    "postal": (cut_postal, joined(["{}", "a"])),
    "resend": (cut_resend, joined(["a", ".", MOMENT, "{}", "e0"], 1, 6).map(f"msg_1.{MOMENT}.".__add__)),
    "sendgrid": (cut_sendgrid, joined(LIKE_NUMBERS, 1).map(MOMENT.__add__)),
    "unisender_go": (cut_unisender, joined([key_of("unisender_go"), "a"]).map('{{"a":"{0}","auth":"{0}"}}'.format)),
    **{slug: (cut_plain(slug), joined(["{}", "a"])) for slug in PLAIN_HMAC},
}


def is_believed(slug: str, arrival: Arrival) -> bool:
    secrets = {name: [secret] for name, secret in [SECRETS[slug]]} if slug in SECRETS else {}
    if slug in ("sendgrid", "postal"):
        secrets = {"public_key": [public_text(ec_key(slug) if slug == "sendgrid" else rsa_key(slug))]}
    try:
        PROVIDERS[slug].check(arrival, Given(secrets, {"topics": [TOPIC]}), NOW)
    except Refused:
        return False
    return True


def test_every_provider_either_signs_or_sends_its_secret() -> None:
    assert sorted([*CUTTERS, *SENDS_ITS_SECRET]) == SLUGS


@pytest.mark.parametrize("slug", sorted(CUTTERS))
def test_no_two_different_requests_share_a_signature_base(slug: str, run_all: bool) -> None:
    cutter, texts = CUTTERS[slug]

    @settings(max_examples=500 if run_all else 30, deadline=None, derandomize=True, database=None)
    @given(texts)
    def check(text: str) -> None:
        believed = {parts for parts, arrival in cutter(text) if is_believed(slug, arrival)}
        assert len(believed) <= 1, believed

    check()


@pytest.mark.parametrize("slug", sorted(CUTTERS))
def test_the_cutters_sign_as_the_provider_does(slug: str) -> None:
    """Else the test above would be content with requests that nobody believes."""
    texts = {
        "amazon_ses": f"Message\n{{}}\nMessageId\n1\nTimestamp\n{AT}\nTopicArn\n{TOPIC}\nType\nNotification\n",
        "mailgun": MOMENT + "a",
        "mandrill": f"{SITE}/in/t/mandrill_events[{{}}]",
        "resend": f"msg_1.{MOMENT}.{{}}",
        "sendgrid": MOMENT + "[]",
        "unisender_go": json.dumps({"auth": key_of("unisender_go")}),
    }
    assert any(is_believed(slug, arrival) for _, arrival in CUTTERS[slug][0](texts.get(slug, "{}")))


# --- a used request, altered without the key ----------------------------------------------------------

Change = Callable[[Posted], Posted]


def rewrite_json(made: Callable[[Any], str]) -> Change:
    def change(post: Posted) -> Posted:
        try:
            said = json.loads(post.arrival.body)
        except ValueError:
            return post
        return post.with_body(made(said).encode("utf-8", "surrogatepass"))

    return change


def with_more(said: Any) -> str:
    return json.dumps({"extra": 1, **said} if isinstance(said, dict) else [*said, {}])


def with_doubles(said: Any) -> str:
    inside = json.dumps(said)[1:]
    return '{"Message": "{}", "auth": "x", "signature": {}, ' + inside if isinstance(said, dict) else json.dumps(said)


def with_another_recipient(said: Any) -> str:
    return json.dumps(said).replace("bob@b.example", "eve@b.example")


def with_numbers(said: Any) -> str:
    """Numbers where texts stood."""
    if isinstance(said, dict) and isinstance(said.get("signature"), dict):
        block = said["signature"]
        said = {**said, "signature": {**block, "timestamp": float(block["timestamp"])}}
    return json.dumps(said)


def move_to_timestamp(count: int) -> Change:
    """As far as the token allows."""

    def change(post: Posted) -> Posted:
        if post.source.kind == "mailgun":
            said = json.loads(post.arrival.body)
            block = said["signature"]
            text = block["timestamp"] + block["token"]
            parts = {"timestamp": text[: 10 + count], "token": text[10 + count :]}
            return post.with_body(json.dumps({**said, "signature": {**block, **parts}}).encode())
        if post.source.kind == "sendgrid":
            name = "x-twilio-email-event-webhook-timestamp"
            text = post.arrival.headers[name] + post.arrival.body.decode()
            return post.with_header(name, text[: 10 + count]).with_body(text[10 + count :].encode())
        return post

    return change


def move_subject(post: Posted) -> Posted:
    """Amazon's: the subject becomes a part of the id."""
    if post.source.kind != "amazon_ses":
        return post
    said = json.loads(post.arrival.body)
    subject = said.pop("Subject", None)
    if subject is not None:
        said["MessageId"] += f"\nSubject\n{subject}"
    return post.with_body(json.dumps(said).encode())


def rewrite_form(made: Callable[[list[tuple[str, str]]], str]) -> Change:
    def change(post: Posted) -> Posted:
        if post.source.kind != "mandrill":
            return post
        return post.with_body(made(parse_qsl(post.arrival.body.decode(), keep_blank_values=True)).encode())

    return change


def percent(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


FORMS: list[Callable[[list[tuple[str, str]]], str]] = [
    lambda fields: "&".join(f"{percent(name)}={percent(value)}" for name, value in fields),
    lambda fields: urlencode(fields, quote_via=quote),
    lambda fields: urlencode([("mandrill_events", "[]"), *fields]),
    lambda fields: urlencode([(fields[0][0] + fields[0][1][:1], fields[0][1][1:])]),
    lambda fields: urlencode([*fields, ("", "")]),
    lambda fields: "&" + urlencode(fields) + "&",
]
PROOFS = ("svix-signature", "x-mandrill-signature", "x-postal-signature", "x-twilio-email-event-webhook-signature")


def rewrite_headers(made: Callable[[str], str]) -> Change:
    """Each header that proves something, written otherwise."""

    def change(post: Posted) -> Posted:
        headers = {
            name: made(value) if name != "content-type" else value for name, value in post.arrival.headers.items()
        }
        return replace(post, arrival=replace(post.arrival, headers=headers))

    return change


def add_header(name: str) -> Change:
    return lambda post: post.with_header(name, post.arrival.headers.get(name, "") + "other")


def append(text: bytes) -> Change:
    return lambda post: post.with_body(post.arrival.body + text)


CHANGES: list[Change] = [
    *[rewrite_json(made) for made in (with_more, with_doubles, with_another_recipient, with_numbers)],
    rewrite_json(lambda said: json.dumps(said, indent=1)),
    rewrite_json(lambda said: json.dumps(said, sort_keys=True)),
    rewrite_json(lambda said: json.dumps(said, ensure_ascii=False, separators=(",", ":"))),
    *[move_to_timestamp(count) for count in (-1, 1, 2, 3, 4)],
    move_subject,
    *[rewrite_form(made) for made in FORMS],
    *[rewrite_headers(made) for made in (str.upper, str.title, " {} ".format)],
    *[rewrite_headers(made.format) for made in ("{}.0", "{}e0", "{}_0", "{}=", "{}==", "{} v1,x")],
    *[add_header(name) for name in ("svix-id", "content-type", "x-amz-sns-message-type", "x-amz-sns-message-id", "x")],
    *[append(text) for text in (b" ", b"\n", b"\r\n", b"&", b"&a=b", b"\0")],
]


@pytest.mark.django_db
@pytest.mark.parametrize("slug", SLUGS)
def test_a_used_request_stays_used_whatever_is_altered_without_the_key(
    client: Client, settings_of_site: None, slug: str, run_all: bool
) -> None:
    now = timezone.now()
    post = used_request(slug, now)
    assert post.send(client) == 200
    kept = post.without(SENDS_ITS_SECRET[slug]) if slug in SENDS_ITS_SECRET else post
    for change in CHANGES:
        change(kept).send(client)
        assert InboundItem.objects.count() == 1, change(kept).arrival

    @settings(max_examples=300 if run_all else 30, deadline=None, derandomize=True, database=None)
    @given(st.lists(st.sampled_from(range(len(CHANGES))), min_size=2, max_size=3))
    def check(places: list[int]) -> None:
        altered = kept
        for place in places:
            with suppress(ValueError, TypeError, LookupError):  # two changes that do not go together
                altered = CHANGES[place](altered)
        altered.send(client)
        assert InboundItem.objects.count() == 1, altered.arrival

    check()


@pytest.fixture
def settings_of_site(settings: LazySettings) -> None:
    settings.SITE_URL = SITE
    settings.ALLOWED_HOSTS = ["*"]


def used_request(slug: str, now: datetime) -> Posted:
    """One whose token begins as an exponent does, and whose message has a subject: what once made new ones of it."""
    source = a_provider_source(slug)
    if slug == "amazon_ses":
        return a_post(source, SITE, at=now, said={**samples.amazon_ses("bob@b.example", now), "Subject": "An event"})
    post = a_post(source, SITE, at=now)
    if slug != "mailgun":
        return post
    said, token = json.loads(post.arrival.body), "e00" + "a" * 47
    moment = str(int(now.timestamp()))
    block = {"timestamp": moment, "token": token, "signature": hexdigest(key_of("mailgun"), moment + token)}
    return post.with_body(json.dumps({**said, "signature": block}).encode())
