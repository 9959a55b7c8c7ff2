"""How a provider proves that a request is its own: a signature over the raw body, or a user and password.

In: an `Arrival`, the source's secrets (several at once, while one is replaced by another), the moment. Out: nothing, or
`Refused`. Fails closed: without a secret nothing is believed. Pure. Each function's source is the provider's own
documentation of its webhooks.

Most providers sign several parts joined without a separator. So each part has one strict shape, which leaves only one
way to cut the joined text: a signature that is right for one request is right for no other (see `identities.py`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import re2
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from bounces.intake.webhooks.arrival import Arrival, Refused
from bounces.intake.webhooks.posted import is_form, read_form

WINDOW = timedelta(seconds=300)
# Mailgun tries again for eight hours with the moment and token of the first time; its signature counts once.
MAILGUN_WINDOW = timedelta(hours=9)
# Seconds since 1970 until the year 2286, written in one way only: `float` also reads "1e9", "1_0" and " 10 ".
MOMENT = re2.compile(r"[0-9]{10}")
SVIX_ID = re2.compile(r"[A-Za-z0-9_-]{1,200}")  # no dot: dots separate what is signed
HEX_32 = re2.compile(r"[0-9a-f]{32}")
MANDRILL_FIELD = "mandrill_events"

WRONG = "The signature is not right: was the secret copied whole, and is it this provider's?"
NOT_OURS = "It came with another secret than this source has: is it the same at the provider?"
WRONG_LOGIN = "It came without the user and password of this source, or with others: does the provider have them?"


@dataclass(frozen=True, slots=True)
class Given:
    """What the source says: its secrets by name, each one or several; its options."""

    secrets: Mapping[str, Sequence[str]]
    options: Mapping[str, Any]

    def of(self, name: str) -> Sequence[str]:
        """Raises Refused where there is none: our admin's fault, so the provider shall try again."""
        found = [secret for secret in self.secrets.get(name, ()) if secret]
        if not found:
            raise Refused("This source has no secret yet: an admin has to enter it.", status=503)
        return found


Check = Callable[[Arrival, Given, datetime], None]


def any_of(matches: Callable[[str], bool], secrets: Sequence[str], wrong: str = WRONG) -> None:
    """Raises Refused where none matches. One that cannot be read keeps no other from matching."""
    unreadable: Refused | None = None
    for secret in secrets:
        try:
            if matches(secret):
                return
        except Refused as error:
            unreadable = error
    raise unreadable or Refused(wrong)


def same(one: str | bytes, other: str | bytes) -> bool:
    """In constant time; of texts that are not ASCII too."""
    one, other = (as_bytes(text) if isinstance(text, str) else text for text in (one, other))
    return hmac.compare_digest(one, other)


def as_bytes(text: str) -> bytes:
    """JSON may hold half of a surrogate pair, which UTF-8 cannot: such a text is wrong, and no failure of ours."""
    return text.encode("utf-8", "surrogatepass")


def fits(pattern: Any, text: str) -> bool:
    """Whether the whole text is of that shape. RE2 takes no half of a surrogate pair, which JSON may hold."""
    return text.isascii() and pattern.fullmatch(text) is not None


def check_age(text: str, now: datetime, window: timedelta = WINDOW) -> None:
    """Check a timestamp of ten digits, seconds since 1970. Raises Refused for one too old or ahead."""
    if not fits(MOMENT, text):
        raise Refused("The timestamp of the signature is not ten digits.")
    check_seconds(now.timestamp() - int(text), window)


def check_seconds(age: float, window: timedelta) -> None:
    """Raises Refused."""
    if not abs(age) <= window.total_seconds():
        raise Refused("The signature is too old, or from the future: do the clocks agree?")


def decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("The signature is not base64.") from None


def public_key(text: str) -> Any:
    """Of a PEM block, or of its base64 alone. Raises Refused."""
    bare = "".join(line for line in text.strip().splitlines() if not line.startswith("-----")).strip()
    try:
        return serialization.load_der_public_key(base64.b64decode(bare))
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        raise Refused("The public key of this source cannot be read: copy it whole.", status=503) from None


def check_basic(arrival: Arrival, given: Given, now: datetime) -> None:  # noqa: ARG001 -- one signature for all
    """User and password in the URL that the provider was given: for those that sign nothing."""
    kind, _, code = arrival.headers.get("authorization", "").partition(" ")
    try:
        said = decode(code.strip()) if kind.lower() == "basic" else b""
    except Refused:
        said = b""
    any_of(lambda login: same(said, login), given.of("login"), WRONG_LOGIN)


def check_sendgrid(arrival: Arrival, given: Given, now: datetime) -> None:
    """ECDSA over moment and body."""
    moment = arrival.header("x-twilio-email-event-webhook-timestamp")
    signature = decode(arrival.header("x-twilio-email-event-webhook-signature"))

    def matches(key: str) -> bool:
        loaded = public_key(key)
        return isinstance(loaded, ec.EllipticCurvePublicKey) and verifies(
            lambda: loaded.verify(signature, moment.encode() + arrival.body, ec.ECDSA(hashes.SHA256()))
        )

    any_of(matches, given.of("public_key"))
    check_age(moment, now)


def check_postal(arrival: Arrival, given: Given, now: datetime) -> None:  # noqa: ARG001 -- one signature for all
    """RSA with SHA-1 over the body: what Postal signs with."""
    signature = decode(arrival.header("x-postal-signature"))

    def matches(key: str) -> bool:
        loaded = public_key(key)
        return isinstance(loaded, rsa.RSAPublicKey) and verifies(
            lambda: loaded.verify(signature, arrival.body, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 -- Postal's
        )

    any_of(matches, given.of("public_key"))


def verifies(verify: Callable[[], Any]) -> bool:
    try:
        verify()
    except InvalidSignature:
        return False
    return True


def check_mailgun(arrival: Arrival, given: Given, now: datetime) -> None:
    """HMAC over moment and token, not over the body: so a signature counts once (`door.py`)."""
    block = mailgun_block(arrival)
    any_of(
        lambda key: same(hexdigest(key, block["timestamp"] + block["token"]), block["signature"]),
        given.of("signing_key"),
    )
    check_age(block["timestamp"], now, MAILGUN_WINDOW)


def mailgun_block(arrival: Arrival) -> dict[str, str]:
    """Raises Refused."""
    try:
        found = read_form(arrival).fields if is_form(arrival) else json.loads(arrival.body)["signature"]
        block = {name: found[name] for name in ("timestamp", "token", "signature")}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Refused("There is no signature in the body.", status=400) from None
    if type(block["timestamp"]) is int:
        block["timestamp"] = str(block["timestamp"])
    if not all(isinstance(each, str) for each in block.values()):
        raise Refused("A part of the signature in the body is not text.", status=400)
    return block


def check_mandrill(arrival: Arrival, given: Given, now: datetime) -> None:  # noqa: ARG001 -- one signature for all
    """HMAC-SHA1 over the address and the form's fields, names and values joined: so there is exactly one field."""
    if greets(arrival):
        return
    signature = arrival.header("x-mandrill-signature")
    if MANDRILL_FIELD in arrival.url:  # the URL ends where the form begins
        raise Refused(f"The URL contains {MANDRILL_FIELD}.", status=400)
    signed = as_bytes(arrival.url + MANDRILL_FIELD + mandrill_events(arrival))
    any_of(
        lambda key: same(base64.b64encode(hmac.new(key.encode(), signed, hashlib.sha1).digest()), signature),
        given.of("webhook_key"),
    )


def mandrill_events(arrival: Arrival) -> str:
    """Return the value of the form's only field. Raises Refused."""
    try:
        fields = parse_qsl(arrival.body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        raise Refused("The body is no form.", status=400) from None
    if len(fields) != 1 or fields[0][0] != MANDRILL_FIELD:
        raise Refused(f"The form must have one field, {MANDRILL_FIELD}: the signature cannot tell several apart.", 400)
    return fields[0][1]


def greets(arrival: Arrival) -> bool:
    """Mandrill's empty list: it comes before the webhook is made, and so before there is a key, and tells nothing."""
    return arrival.body == b"mandrill_events=%5B%5D"


def check_svix(arrival: Arrival, given: Given, now: datetime) -> None:
    """Resend: Svix, which is Standard Webhooks under other names of headers."""
    name, moment = arrival.header("svix-id"), arrival.header("svix-timestamp")
    if not fits(SVIX_ID, name):
        raise Refused("The header svix-id is not an ID of letters, digits, - and _.")
    said = [part.partition(",")[2] for part in arrival.header("svix-signature").split() if part.startswith("v1,")]
    signed = f"{name}.{moment}.".encode() + arrival.body

    def matches(secret: str) -> bool:
        key = svix_key(secret)
        ours = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
        return any(same(ours, each) for each in said)

    any_of(matches, given.of("signing_secret"))
    check_age(moment, now)


def svix_key(secret: str) -> bytes:
    """Raises Refused: our admin's fault, so the provider shall try again."""
    text = secret.strip().removeprefix("whsec_").rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Refused("The signing secret of this source cannot be read: copy it whole.", status=503) from None


def check_unisender(arrival: Arrival, given: Given, now: datetime) -> None:  # noqa: ARG001 -- one signature for all
    """The MD5 of the body in which the key stands where the sum will be: Unisender's own way.

    The sum and the key each stand in one place. A sum written with JSON's escapes would be found in none: then no key
    would be part of what is signed, and anybody could sign.
    """
    try:
        said = json.loads(arrival.body)["auth"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Refused("There is no signature in the body.", status=400) from None
    if not isinstance(said, str) or not fits(HEX_32, said) or arrival.body.count(said.encode()) != 1:
        raise Refused(WRONG)

    def matches(key: str) -> bool:
        signed = arrival.body.replace(said.encode(), key.encode())
        is_once = signed.find(key.encode()) == signed.rfind(key.encode())
        return is_once and same(hashlib.md5(signed, usedforsecurity=True).hexdigest(), said)  # noqa: S324 -- theirs

    any_of(matches, given.of("api_key"))


def hmac_in(header: str, secret: str) -> Check:
    """HMAC-SHA256 over the body, in hex, in a header: MailerSend, Mailtrap, ForwardEmail."""

    def check(arrival: Arrival, given: Given, now: datetime) -> None:  # noqa: ARG001 -- one signature for all
        said = arrival.header(header).lower()
        any_of(lambda key: same(hexdigest(key, arrival.body), said), given.of(secret))

    return check


def secret_in(header: str, secret: str) -> Check:
    """A secret that the provider sends along in a header: Event Grid, which signs nothing.

    Its handshake, which tells nothing and only asks to be answered, may come without: it knows the unguessable URL.
    """

    def check(arrival: Arrival, given: Given, now: datetime) -> None:  # noqa: ARG001 -- one signature for all
        keys = given.of(secret)
        if header not in arrival.headers and arrival.headers.get("aeg-event-type") == "SubscriptionValidation":
            return
        said = arrival.header(header)
        any_of(lambda key: same(key, said), keys, NOT_OURS)

    return check


def hexdigest(key: str, text: str | bytes) -> str:
    body = as_bytes(text) if isinstance(text, str) else text
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
