"""“Test this source”: a request as its provider would send it, through the very address that the provider uses.

In: a source. Out: a sentence that says what came of it, and whether it is good. Nothing of the test stays: it is taken
back once it was looked at. Amazon, SendGrid and Postal sign with a key that only they have: of them it is tried
whether their key can be read, and whether a stranger is refused. A mailbox is signed in to, our mail server is asked.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse

from bounces.intake import mailboxes
from bounces.intake.envelopes import recipients_of
from bounces.intake.kinds import KINDS
from bounces.intake.knocking import knock
from bounces.intake.places import parse_place
from bounces.intake.webhooks import samples
from bounces.intake.webhooks.arrival import Arrival, Refused
from bounces.intake.webhooks.flaws import flaws_in
from bounces.intake.webhooks.known import given_by, listed
from bounces.intake.webhooks.opening import open_kept
from bounces.models import InboundItem, IntakeSource, SourceSeen
from bounces.views.webhooks import take_in

RECIPIENT = "test@rebound.invalid"
TAKEN_BACK = "Nothing of it is kept."


@dataclass(frozen=True, slots=True)
class Tried:
    is_good: bool
    sentence: str


def url_of(source: IntakeSource) -> str:
    """What an admin pastes at the provider."""
    return settings.SITE_URL.rstrip("/") + reverse("bounces:webhook", args=[source.token])


def try_source(source: IntakeSource, now: datetime) -> Tried:
    if not source.is_enabled:
        return Tried(False, "It is switched off: nothing is taken. Switch it on, save, and test again.")
    if source.kind in TRIED_OTHERWISE:
        return TRIED_OTHERWISE[source.kind](source)
    try:
        flaw = flaw_of(source)
        if flaw:
            return Tried(False, flaw)
        return try_signed(source, now) if source.kind in samples.SIGNERS else try_unsigned(source, now)
    except Refused as error:
        return Tried(False, str(error))


def try_mailbox(source: IntakeSource) -> Tried:
    try:
        return Tried(True, mailboxes.try_source(source))
    except mailboxes.TROUBLE as error:
        return Tried(False, str(error))


def try_recipients(source: IntakeSource) -> Tried:
    """Asks our own mail server whether it takes the first of them."""
    recipients = sorted(recipients_of(source.options.get("recipients")))
    doors = [(text, False) for text in settings.SMTP_LISTEN] + [(text, True) for text in settings.LMTP_LISTEN]
    if not recipients:
        return Tried(False, "It names no recipients, so it takes no mail.")
    if not doors:
        return Tried(False, "Rebound's mail server is not switched on: an operator sets REBOUND_SMTP_LISTEN.")
    address = recipients[0] if not recipients[0].startswith("@") else f"test{recipients[0]}"
    text, is_lmtp = doors[0]
    try:
        code, words = knock(parse_place(text), address, is_lmtp=is_lmtp)
    except (OSError, ValueError) as error:
        return Tried(False, f"Nobody opens at {text}: {error}. Is Rebound's mail server running?")
    return Tried(code == 250, f"Asked whether it takes mail for {address}, Rebound's mail server said: {code} {words}.")


TRIED_OTHERWISE: dict[str, Callable[[IntakeSource], Tried]] = {"imap": try_mailbox, "smtp": try_recipients}


def flaw_of(source: IntakeSource) -> str:
    """What can be seen to be wrong with what it was told, or "". Raises Refused where it was told nothing."""
    given = given_by(source)
    for field in KINDS[source.kind].fields:
        lines = given.of(field.name) if field.is_secret else listed(given.options.get(field.name) or [])
        if not lines:
            return f"{field.label} is empty: nothing is believed until it is filled in."
        for number, said in flaws_in(lines, field.flaw):
            return f"{field.label}, line {number}: {said}"
    return ""


def try_signed(source: IntakeSource, now: datetime) -> Tried:
    """With each of its secrets: while one is replaced, both have to work. Raises Refused where there is none."""
    (field,) = KINDS[source.kind].fields
    for secret in given_by(source).of(field.name):
        arrival = samples.a_sample(source.kind, secret, RECIPIENT, url_of(source), now)
        tried = post_and_take_back(source, arrival)
        if not tried.is_good:
            return tried
    return tried


def try_unsigned(source: IntakeSource, now: datetime) -> Tried:
    kind = KINDS[source.kind]
    stranger = Arrival(samples.unsigned(source.kind, RECIPIENT, now), dict(samples.JSON), url_of(source))
    status, _, said = post(source, stranger)
    if not 400 <= status < 500:
        return Tried(False, f"A request without {kind.name}'s signature was answered {status}, and not refused: {said}")
    return Tried(
        True,
        f"What it was told can be read, and a request without {kind.name}'s signature was refused ({status}). Rebound "
        f"cannot sign as {kind.name} does. So, to be sure: {kind.steps[-1]}",
    )


def post_and_take_back(source: IntakeSource, arrival: Arrival) -> Tried:
    status, read, said = post(source, arrival)
    if status != 200:
        return Tried(False, f"Its own address answered {status}. {said}")
    if not read:
        return Tried(False, f"It was accepted, and not understood: {said} {TAKEN_BACK}")
    kind = KINDS[source.kind]
    return Tried(
        True,
        f"It works here: a test with what this source was told was accepted, and read as “{read}”. {TAKEN_BACK} "
        f"Whether {kind.name} was told the same, only {kind.name} can show. So, to be sure: {kind.steps[-1]}",
    )


def post(source: IntakeSource, arrival: Arrival) -> tuple[int, str, str]:
    """The answer, what was read of what was kept, and what was noted where it was refused."""
    with transaction.atomic():
        response: HttpResponse = take_in(request_of(source, arrival), source.token)
        item = InboundItem.objects.filter(source=source.door).order_by("-pk").first()
        found = open_kept(item.pk) if response.status_code == 200 and item else []
        read = "; ".join(f"{one.event['event']} of {one.event['recipient']}" for one in found if one.event)
        noted = SourceSeen.objects.filter(source=source).values_list("last_error", flat=True).first() or ""
        said = noted if response.status_code != 200 else "; ".join(one.why for one in found)
        transaction.set_rollback(True)
    return response.status_code, read, said


def request_of(source: IntakeSource, arrival: Arrival) -> WSGIRequest:
    site = urlsplit(settings.SITE_URL)
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in arrival.headers.items()}
    return WSGIRequest(
        {
            **headers,
            "REQUEST_METHOD": "POST",
            "PATH_INFO": reverse("bounces:webhook", args=[source.token]),
            "CONTENT_TYPE": arrival.headers["content-type"],
            "CONTENT_LENGTH": str(len(arrival.body)),
            "SERVER_NAME": site.hostname or "localhost",
            "SERVER_PORT": str(site.port or 443),
            "wsgi.url_scheme": site.scheme,
            "wsgi.input": io.BytesIO(arrival.body),
        }
    )
