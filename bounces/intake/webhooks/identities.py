"""What makes two requests of a provider one.

In: an `Arrival` that was believed. Out: bytes. They depend on what its signature covers, and on nothing else: whoever
has seen a request can change the rest of it without the key, and must not make a new request of a used one. Pure.
"""

from __future__ import annotations

from bounces.intake.webhooks import sns
from bounces.intake.webhooks.arrival import Arrival
from bounces.intake.webhooks.signatures import MANDRILL_FIELD, as_bytes, mailgun_block, mandrill_events


def of_body(arrival: Arrival) -> bytes:
    """Of providers that sign the whole body, or nothing at all."""
    return b"\0" + arrival.body


def of_svix(arrival: Arrival) -> bytes:
    """The ID is signed too. The timestamp is left out: a retry has a new one."""
    return arrival.header("svix-id").encode() + b"\0" + arrival.body


def of_mailgun(arrival: Arrival) -> bytes:
    """The body is not signed: all requests with one signature are one."""
    return b"mailgun\0" + as_bytes(mailgun_block(arrival)["signature"])


def of_mandrill(arrival: Arrival) -> bytes:
    """The decoded form is signed, so that the same form can be encoded in many ways."""
    return b"form\0" + as_bytes(MANDRILL_FIELD + mandrill_events(arrival))


def of_amazon(arrival: Arrival) -> bytes:
    """Some fields of the JSON are signed: it can be written in many ways, and hold more."""
    return b"sns\0" + sns.signed_text(sns.read_message(arrival))
