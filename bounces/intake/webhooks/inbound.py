"""Mails that a provider receives for us and posts on: replies, and reports that came where replies go.

In: an `Arrival` that was believed. Out: the mails in it, as bytes; of each either the event of a reply, or the mail
itself for our readers. The provider vouches for having received it, and for nothing in it: anybody may write
“From: ada@…”. So a reply counts where it answers a message of ours to that very address, and a report by its return
path. Pure. Sources: the providers' documentation of inbound mail.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import TooManyFieldsSent
from django.http import QueryDict

from bounces.intake.webhooks.arrival import Arrival
from bounces.intake.webhooks.normal import Found, checked, moment
from bounces.intake.webhooks.splitting import FORM
from bounces.parsing import read
from bounces.parsing.mail import Headers, open_mail
from bounces.parsing.text import find_address, find_date
from bounces.values import Event, MailKind, Trust

NO_REPLY = "A mail that replies to none: it names no mail that it answers."
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError, TooManyFieldsSent)


def read_mails(slug: str, arrival: Arrival, now: datetime) -> list[Found]:
    """Empty where it brings no mails, or something else beside them. Never raises."""
    mark, mails_of = MAILS.get(slug, (b"", None))
    if mails_of is None or mark not in arrival.body:
        return []
    is_form = arrival.content_type == FORM
    try:
        said = json.loads(QueryDict(arrival.body)["mandrill_events"] if is_form else arrival.body)
        mails = list(mails_of(said))
    except UNREADABLE:
        return []
    return [found_in(mail, now) for mail in mails]


def found_in(mail: bytes, now: datetime) -> Found:
    """Reports, complaints and automatic replies are for our readers of mails; people's replies are told from here."""
    reading = read(mail)
    headers = open_mail(mail).headers
    answered = answered_by(headers)
    if reading.kind is not MailKind.NONE or (reading.caps and not answered):
        return Found({}, mail=mail, trust=Trust.TOKEN)
    if not answered:
        return Found({}, NO_REPLY)
    at = find_date(headers.get("date"))
    named = headers.get("message-id").strip().encode("utf-8", "replace") or mail
    found = checked(
        {
            "event_id": hashlib.sha256(b"reply\0" + named).hexdigest(),
            "event": str(Event.REPLIED),
            "recipient": find_address(headers.get("from")) or "",
            "occurred_at": moment(at.isoformat() if at else "", now),
            "message_id": answered,
        },
        now,
    )
    return Found(found.event, found.why, found.is_broken, trust=Trust.MATCH)


def answered_by(headers: Headers) -> str:
    """The Message-ID of the mail that it answers; of several the last is the nearest (RFC 5322 3.6.4)."""
    words = headers.get("in-reply-to").split() or headers.get("references").split()
    ids = [word.strip("<>") for word in words if word.startswith("<") and "@" in word]
    return ids[-1][:900] if ids else ""


# --- where each provider puts the mail; each raises what is in UNREADABLE


def of_mandrill(said: Any) -> Iterable[bytes]:
    return [as_mail(one["msg"]["raw_msg"]) for one in said] if all(one["event"] == "inbound" for one in said) else []


def of_mailersend(said: Any) -> Iterable[bytes]:
    return [as_mail(said["data"]["raw"])] if said["type"] == "inbound.message" else []


def of_sparkpost(said: Any) -> Iterable[bytes]:
    contents = [one["msys"]["relay_message"]["content"] for one in said]
    return [as_mail(one["email_rfc822"], is_base64=one.get("email_rfc822_is_base64")) for one in contents]


def of_postal(said: Any) -> Iterable[bytes]:
    return [as_mail(said["message"], is_base64=said.get("base64"))] if "rcpt_to" in said else []


def of_postmark(said: Any) -> Iterable[bytes]:
    if "FromFull" not in said or said.get("RecordType", "Inbound") != "Inbound":
        return []
    if said.get("RawEmail"):
        return [as_mail(said["RawEmail"])]
    told = [("From", said["FromFull"]["Email"]), ("Date", said.get("Date", "")), ("Subject", said.get("Subject", ""))]
    return [made_of([*told, *((one["Name"], one["Value"]) for one in said["Headers"])], said.get("TextBody"))]


def of_brevo(said: Any) -> Iterable[bytes]:
    return [made_of(flat(one["Headers"]), one.get("RawTextBody")) for one in said["items"]]


def of_mailjet(said: Any) -> Iterable[bytes]:
    return [made_of(flat(said["Headers"]), said.get("Text-part"))] if "Recipient" in said else []


def of_amazon(said: Any) -> Iterable[bytes]:
    event = json.loads(said["Message"])
    if event["notificationType"] != "Received":
        return []
    return [made_of([(one["name"], one["value"]) for one in event["mail"]["headers"]], "")]


# By provider: a word that its mails cannot do without, so that events are not read twice; and where the mails stand.
MAILS: Mapping[str, tuple[bytes, Callable[[Any], Iterable[bytes]]]] = {
    "amazon_ses": (b"Received", of_amazon),
    "brevo": (b"items", of_brevo),
    "mailersend": (b"inbound.message", of_mailersend),
    "mailjet": (b"Recipient", of_mailjet),
    "mandrill": (b"inbound", of_mandrill),
    "postal": (b"rcpt_to", of_postal),
    "postmark": (b"FromFull", of_postmark),
    "sparkpost": (b"relay_message", of_sparkpost),
}


def as_mail(text: str, *, is_base64: Any = False) -> bytes:
    return base64.b64decode(text) if is_base64 else text.encode("utf-8", "surrogatepass")


def flat(headers: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A header that comes several times is a list."""
    return [(name, each) for name, told in headers.items() for each in (told if isinstance(told, list) else [told])]


def made_of(headers: Iterable[tuple[str, str]], text: Any) -> bytes:
    """A mail again, of what a provider took apart. A header stays one line: whatever stood in it makes no second."""
    lines = [f"{' '.join(name.split())}: {' '.join(value.split())}" for name, value in headers]
    body = text if isinstance(text, str) else ""
    return ("\n".join(lines) + "\n\n" + body).encode("utf-8", "replace")
