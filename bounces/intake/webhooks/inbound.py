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

from bounces.intake.webhooks.arrival import Arrival
from bounces.intake.webhooks.normal import Found, checked, moment
from bounces.intake.webhooks.posted import Form, is_form, read_form
from bounces.parsing import read
from bounces.parsing.delivery_status import REPORT_TYPES
from bounces.parsing.mail import RETURNED_TYPES, Headers, open_mail
from bounces.parsing.text import find_address, find_date
from bounces.patterns import Pattern
from bounces.values import Event, MailKind, Trust

NO_REPLY = "A mail that replies to none: it names no mail that it answers."
# Of a mail's body as it was; the one that is made anew says so itself.
ABOUT_BODY = frozenset(("content-type", "content-transfer-encoding", "mime-version"))
REPORT_PARTS = frozenset((*REPORT_TYPES, *RETURNED_TYPES, "message/feedback-report"))
BOUNDARY = "=_posted_by_a_provider_"
FOLD = Pattern(r"\n[ \t]+")
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError, TooManyFieldsSent)


def read_mails(slug: str, arrival: Arrival, now: datetime) -> list[Found]:
    """Empty where it brings no mails, or something else beside them. Never raises."""
    mark, mails_of = MAILS.get(slug, (b"", None))
    if mails_of is None or mark not in arrival.body:
        return []
    try:
        mails = list(mails_of(said_in(slug, arrival)))
    except UNREADABLE:
        return []
    return [found_in(mail, now) for mail in mails]


def said_in(slug: str, arrival: Arrival) -> Any:
    """The JSON of a body or of Mandrill's field; of others who post a form, the form. Raises what is in UNREADABLE."""
    if not is_form(arrival):
        return json.loads(arrival.body)
    form = read_form(arrival)
    return json.loads(form.fields["mandrill_events"]) if slug == "mandrill" else form


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
    files = [(one["ContentType"], base64.b64decode(one["Content"])) for one in said.get("Attachments") or []]
    return [made_of([*told, *((one["Name"], one["Value"]) for one in said["Headers"])], said.get("TextBody"), files)]


def of_mailgun(said: Any) -> Iterable[bytes]:
    """A route's “forward” or “store(notify)”: the whole mail where the address ends in `mime`, else its parts."""
    if not isinstance(said, Form):
        return []
    if "body-mime" in said.fields:
        return [as_mail(said.fields["body-mime"])]
    headers = [(str(name), str(value)) for name, value in json.loads(said.fields["message-headers"])]
    return [made_of(headers, said.fields.get("body-plain"), said.files)]


def of_sendgrid(said: Any) -> Iterable[bytes]:
    """Inbound Parse: the whole mail where “send raw” is ticked, else its parts."""
    if not isinstance(said, Form):
        return []
    if "email" in said.fields:
        return [as_mail(said.fields["email"])]
    return [made_of(headers_in(said.fields["headers"]), said.fields.get("text"), said.files)]


def of_resend(said: Any) -> Iterable[bytes]:
    """It posts whom a mail came from, and of its words nothing: what it does not say is not guessed."""
    data = said["data"]
    if said["type"] != "email.received":
        return []
    names = (("From", "from"), ("Subject", "subject"), ("Message-ID", "message_id"))
    told = [(name, str(data.get(field) or "")) for name, field in names]
    return [made_of([*told, *headers_of(data.get("headers"))], data.get("text"))]


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
    "mailgun": (b"recipient", of_mailgun),
    "mailjet": (b"Recipient", of_mailjet),
    "mandrill": (b"inbound", of_mandrill),
    "postal": (b"rcpt_to", of_postal),
    "postmark": (b"FromFull", of_postmark),
    "resend": (b"email.received", of_resend),
    "sendgrid": (b"form-data", of_sendgrid),
    "sparkpost": (b"relay_message", of_sparkpost),
}


def as_mail(text: str, *, is_base64: Any = False) -> bytes:
    return base64.b64decode(text) if is_base64 else text.encode("utf-8", "surrogatepass")


def flat(headers: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A header that comes several times is a list."""
    return [(name, each) for name, told in headers.items() for each in (told if isinstance(told, list) else [told])]


def headers_of(told: Any) -> list[tuple[str, str]]:
    """Of an object, or of a list of names and values."""
    if isinstance(told, Mapping):
        return flat(told)
    return [(one["name"], one["value"]) for one in told or []]


def headers_in(block: str) -> list[tuple[str, str]]:
    """Of a text of headers, whose folded lines are joined."""
    joined = FOLD.sub(lambda _: " ", block.replace("\r\n", "\n"))
    pairs = (line.partition(":") for line in joined.split("\n"))
    return [(name.strip(), value.strip()) for name, colon, value in pairs if colon and name.strip()]


def made_of(headers: Iterable[tuple[str, str]], text: Any, files: Iterable[tuple[str, bytes]] = ()) -> bytes:
    """A mail again, of what a provider took apart. A header stays one line: whatever stood in it makes no second.

    Of the files those that a report is made of.
    """
    lines = [
        f"{' '.join(name.split())}: {' '.join(value.split())}"
        for name, value in headers
        if name.strip().lower() not in ABOUT_BODY
    ]
    body = text if isinstance(text, str) else ""
    parts = [("text/plain; charset=utf-8", body.encode("utf-8", "replace"))]
    parts += [(kind, file) for kind, file in files if kind.partition(";")[0].strip().lower() in REPORT_PARTS]
    lines += ["MIME-Version: 1.0", f'Content-Type: multipart/mixed; boundary="{BOUNDARY}"', ""]
    mark = f"--{BOUNDARY}".encode()
    made = [b"%s\nContent-Type: %s\n\n%s\n" % (mark, kind.encode("utf-8", "replace"), file) for kind, file in parts]
    return b"\n".join(["\n".join(lines).encode("utf-8", "replace"), *made, mark + b"--\n"])
