"""What a provider says, as our events: django-anymail knows their words, this module what Rebound makes of them.

In: an `Arrival` that was believed. Out: for each event of it either an event fit for `bounces/intake/events.py`, or
why it is none. A provider's own word for a failure ("hard", "blocked") counts only where it gives no SMTP text: what
the remote system said is judged by our classification, so that one failure has one verdict through every door.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeGuard

from anymail.signals import AnymailTrackingEvent, EventType
from django.http import HttpRequest, QueryDict
from django.utils.module_loading import import_string

from bounces.intake.event_shape import CODE, FEEDBACK_TYPES, ID_LENGTH, LINE_LENGTH, read_event
from bounces.intake.webhooks.arrival import Arrival
from bounces.intake.webhooks.labels import code_of, look_up
from bounces.intake.webhooks.splitting import FORM
from bounces.intake.webhooks.words import EVENTS, LABELS, NOT_SENT, OWN_EVENTS, PATHS, SHARED
from bounces.moments import read_claim
from bounces.parsing.text import clean_line, find_replycode, find_status
from bounces.values import Event, Trust

VIEWS = {
    "amazon_ses": "anymail.webhooks.amazon_ses.AmazonSESTrackingWebhookView",
    "brevo": "anymail.webhooks.brevo.BrevoTrackingWebhookView",
    "mailersend": "anymail.webhooks.mailersend.MailerSendTrackingWebhookView",
    "mailgun": "anymail.webhooks.mailgun.MailgunTrackingWebhookView",
    "mailjet": "anymail.webhooks.mailjet.MailjetTrackingWebhookView",
    "mailtrap": "anymail.webhooks.mailtrap.MailtrapTrackingWebhookView",
    "mandrill": "anymail.webhooks.mandrill.MandrillCombinedWebhookView",
    "postal": "anymail.webhooks.postal.PostalTrackingWebhookView",
    "postmark": "anymail.webhooks.postmark.PostmarkTrackingWebhookView",
    "resend": "anymail.webhooks.resend.ResendTrackingWebhookView",
    "sendgrid": "anymail.webhooks.sendgrid.SendGridTrackingWebhookView",
    "sparkpost": "anymail.webhooks.sparkpost.SparkPostTrackingWebhookView",
    "unisender_go": "anymail.webhooks.unisender_go.UnisenderGoTrackingWebhookView",
}
FAILURES = (Event.BOUNCED, Event.DEFERRED)
NAMES = ("message_id", "provider_id", "sender")
GRAVE = (Event.BOUNCED, Event.DEFERRED, Event.COMPLAINED, Event.UNSUBSCRIBED)
SHARED_BY_ALL = "It names several recipients, and does not say which of them it is about."
MOST_EVENTS = 50_000
TOO_MANY = f"It holds more than {MOST_EVENTS:,} events, the most that are read of one request."


@dataclass(frozen=True, slots=True)
class Found:
    """One event of an arrival: `event` is empty where it is none of ours, and `why` says why; `is_broken` where it
    should have been one. `raw`: such an event alone, as an arrival that is kept, where it came with others. `mail`: a
    mail instead of an event. `trust`: how far it is believed, where that is less than its source.
    """

    event: dict[str, Any]
    why: str = ""
    is_broken: bool = False
    raw: bytes = b""
    mail: bytes = b""
    trust: Trust | None = None

    @property
    def is_taken(self) -> bool:
        return bool(self.event or self.mail)


def read_by(slug: str) -> Callable[[Arrival, datetime], list[Found]]:
    """Reads by anymail's view of that provider."""

    def read(arrival: Arrival, now: datetime) -> list[Found]:
        try:
            events = make_view(slug).parse_events(make_request(arrival))
            return [normalise(slug, event, now) for event in events]
        except Exception as error:  # whatever a provider may send: the kept bytes stay, the neighbours are read alone
            return [broken(error)]

    return read


def make_view(slug: str) -> Any:
    """The view that parses, a new one for each request: Mandrill's remembers what it read. Not initialised: that would
    demand the secrets and packages with which it checks, and `signatures.py` has checked.
    """
    view = view_class(slug)
    return view.__new__(view)


@cache
def view_class(slug: str) -> Any:
    return import_string(VIEWS[slug])


class KeptRequest(HttpRequest):
    """Only what anymail's readers look at: Django's own parses a query and a form, both empty, each time."""

    def __init__(self) -> None:
        self.GET = self.POST = NOTHING_GIVEN
        self.COOKIES, self.META = {}, {}
        self.path = self.path_info = ""


NOTHING_GIVEN = QueryDict()  # it cannot be changed


def make_request(arrival: Arrival) -> HttpRequest:
    request = KeptRequest()
    request.method = "POST"
    request._body = arrival.body  # what Django's own requests read their body into
    is_form = arrival.content_type == FORM
    # Mailgun's reader goes by it; what is no form was read as JSON when its signature was looked at.
    request.content_type = FORM if is_form else "application/json"
    request.META = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in arrival.headers.items()}
    request.META["CONTENT_TYPE"] = arrival.headers.get("content-type", "")
    if is_form:
        request.POST = QueryDict(arrival.body, encoding="utf-8")
    return request


def broken(error: Exception) -> Found:
    if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)):
        return Found({}, "It is no JSON: it is cut off, or in another encoding.", is_broken=True)
    if isinstance(error, RecursionError):
        return Found({}, "It is nested too deeply to be read.", is_broken=True)
    return Found({}, f"Not an event that this provider documents ({type(error).__name__}).", is_broken=True)


def normalise(slug: str, said: AnymailTrackingEvent, now: datetime) -> Found:
    """An event of anymail's as ours."""
    esp = said.esp_event
    word = first_of(slug, "word", esp)
    own = OWN_EVENTS.get(slug, {})
    kind = own[word] if word in own else EVENTS.get(said.event_type)
    if kind is None:
        name = word or clean_line(str(said.event_type))
        return Found({}, storable(f"Nothing that is recorded: the provider calls it “{name[:60]}”."))
    if is_shared(slug, kind, esp):
        return Found({}, SHARED_BY_ALL, is_broken=kind in GRAVE)
    recipient = clean_line(str(said.recipient or "")).strip("<>")
    names = names_of(slug, said, esp)
    event: dict[str, Any] = {
        "event_id": identity(said, kind, recipient, esp),
        "event": str(kind),
        "recipient": recipient,
        "occurred_at": (said.timestamp if is_moment(said.timestamp) else now).isoformat(),
        **{name: value for name, value in names.items() if value},
    }
    if kind in FAILURES:
        event["smtp"] = smtp_of(slug, said, esp)
    elif kind is Event.COMPLAINED:
        said_type = first_of(slug, "feedback_type", esp).lower()
        event["feedback_type"] = said_type if said_type in FEEDBACK_TYPES else "abuse"
    return checked(event, now)


def first_of(slug: str, name: str, esp: Any) -> str:
    """What a provider's event holds where that provider puts it; "" where there is none."""
    return next((text for path in PATHS.get(slug, {}).get(name, ()) if (text := look_up(esp, path))), "")


def is_shared(slug: str, kind: Event, esp: Any) -> bool:
    """Whether it names several recipients, and is about one of them: nobody is blamed for what another did."""
    paths, kinds = SHARED.get(slug, ((), ()))
    return kind in kinds and sum(len(listed) for path in paths if isinstance(listed := dig(esp, path), list)) > 1


def checked(event: dict[str, Any], now: datetime) -> Found:
    """Through the same sieve as the events of tools. JSON may hold half of a surrogate pair: no database keeps that."""
    clean, errors = read_event(storable(event), now)
    if errors:
        field, sentences = next(iter(errors.items()))
        return Found({}, f"{field}: {sentences[0]}", is_broken=True)
    return Found(clean)


def storable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: storable(each) for name, each in value.items()}
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def is_moment(at: Any) -> TypeGuard[datetime]:
    return isinstance(at, datetime) and at.tzinfo is not None


def identity(said: AnymailTrackingEvent, kind: Event, recipient: str, esp: Any) -> str:
    """Of a provider that names its events: that name and whom it is about; of others the digest of what it said."""
    named = clean_line(str(said.event_id or ""))
    whole = named if named else json.dumps(esp, sort_keys=True, default=str)
    return hashlib.sha256(f"{kind}\0{recipient.lower()}\0{whole}".encode("utf-8", "replace")).hexdigest()


def names_of(slug: str, said: AnymailTrackingEvent, esp: Any) -> dict[str, str]:
    """By what the message is known: its Message-ID, where it is one, else the provider's id; and who sent it."""
    found = {name: first_of(slug, name, esp) for name in NAMES}
    own = clean_line(str(said.message_id or "")).strip("<> ")
    if own and "@" in own:
        found["message_id"] = found["message_id"] or own
    elif own:
        found["provider_id"] = found["provider_id"] or own
    metadata = said.metadata if isinstance(said.metadata, dict) else {}
    return {
        "message_id": found["message_id"].strip("<> "),
        "provider_id": found["provider_id"][:ID_LENGTH],
        "campaign": clean_line(str(metadata.get("campaign") or ""))[:ID_LENGTH],
        "sender": address_in(found["sender"]),
    }


def address_in(text: str) -> str:
    """`Ann <ann@a.example>` -> `ann@a.example`."""
    return text.rpartition("<")[2].rstrip("> ").lower()[:LINE_LENGTH]


def dig(value: Any, path: str) -> Any:
    """What stands deep in a provider's JSON; None where there is nothing."""
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def moment(text: str, now: datetime) -> str:
    """A moment of ISO 8601 with its zone, whether it can be or not; where it is none, now."""
    try:
        return read_claim(text.replace("Z", "+00:00")).isoformat()
    except ValueError:
        return now.isoformat()


def smtp(words: str, code: str = "", status: str = "") -> dict[str, Any]:
    """What a server said, with the codes that stand in it; else those that are told beside it."""
    code = find_replycode(words) or (code if CODE.fullmatch(code) else "")
    found = {"text": words, "code": code, "enhanced": find_status(words) or find_status(status)}
    return {name: value for name, value in found.items() if value}


def smtp_of(slug: str, said: AnymailTrackingEvent, esp: Any) -> dict[str, Any]:
    """What the remote system said, with its codes; where nothing is told of that, the provider's own words."""
    text = (first_of(slug, "text", esp) or clean_line(str(said.mta_response or ""))).removeprefix("smtp;").strip()
    if text:
        found = smtp(text, first_of(slug, "code", esp), first_of(slug, "status", esp))
    else:
        label = code_of(slug, esp)
        told = "" if find_status(label) else label
        words = clean_line(f"{told} {words_of(said, is_known=bool(label))} {first_of(slug, 'words', esp)}")
        found = smtp(words, status=label)
    if host := first_of(slug, "remote_mta", esp):
        found["remote_mta"] = host[:LINE_LENGTH]
    return found


def words_of(said: AnymailTrackingEvent, *, is_known: bool) -> str:
    """The provider's words; with its reason for not sending, where its word for that is not one we know better."""
    described = clean_line(str(said.description or ""))
    label = LABELS.get(said.reject_reason, "") if said.reject_reason and not is_known else ""
    if said.event_type == EventType.REJECTED and not label and not is_known:
        label = NOT_SENT
    return clean_line(f"{label} {described}")
