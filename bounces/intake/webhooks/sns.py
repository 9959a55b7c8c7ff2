"""Amazon SES, through SNS: whose message it is, by certificate and topic; and the handshake of a subscription.

In: an `Arrival`. Out: nothing, or `Refused`. The certificate comes from Amazon's own hosts alone, over a vetted
connection, and is kept. It comes without those that vouch for it: that it is Amazon's, the chain of the TLS connection
says, and its own name. Source: docs.aws.amazon.com/sns, "Verifying the signatures of Amazon SNS messages".
"""

from __future__ import annotations

import base64
import binascii
import http.client
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import re2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from bounces import network
from bounces.intake.webhooks.arrival import Arrival, Refused
from bounces.intake.webhooks.signatures import WRONG, Given, check_seconds, verifies

HOST = re2.compile(r"^sns\.[a-z0-9-]{1,40}\.amazonaws\.com(?:\.cn)?$")
# sns.amazonaws.com in most regions; sns-signing.<region>.amazonaws.com, sns-<region>.amazonaws.com.cn in others.
OWNER = re2.compile(r"^sns[a-z0-9.-]{0,60}\.amazonaws\.com(?:\.cn)?$")
CERTIFICATE = re2.compile(r"^/SimpleNotificationService-[0-9A-Za-z]{1,80}\.pem$")
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
OPTIONAL = "Subject"
HASHES = {"1": hashes.SHA1, "2": hashes.SHA256}
# Amazon signs the moment of publishing, and may try again for an hour with the same signature.
WINDOW = timedelta(minutes=65)
MOST_BYTES = 64 * 1024
SECONDS = 5

Fetch = Callable[[str], bytes]


def fetch(url: str) -> bytes:
    """What an address of Amazon's answers; redirects are not followed. Raises Unreachable."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        connection = http.client.HTTPConnection(host, 443, timeout=SECONDS)
        connection.sock = network.secure(network.connect(host, 443, SECONDS), host, 443, network.tls_context())
        try:
            connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""), headers={"host": host})
            response = connection.getresponse()
            if response.status != 200:
                raise network.Unreachable(f"{host} answered {response.status}.")
            return response.read(MOST_BYTES)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        raise network.Unreachable(f"{host} did not answer: {type(error).__name__}.") from error


@lru_cache(maxsize=16)
def certificate_at(url: str, fetch: Fetch) -> x509.Certificate:
    """Raises Unreachable, ValueError."""
    return x509.load_pem_x509_certificate(fetch(url))


def key_at(url: str, fetch: Fetch, now: datetime) -> rsa.RSAPublicKey:
    """The public key of a certificate that is valid now. Raises Unreachable, ValueError."""
    certificate = certificate_at(url, fetch)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise ValueError("The certificate has expired, or is not valid yet.")
    if not any(OWNER.search(name) for name in names_of(certificate)):
        raise ValueError("The certificate is not of Amazon SNS.")
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("The certificate holds no RSA key.")
    return key


def names_of(certificate: x509.Certificate) -> list[str]:
    """Whose it is, by its subject and its alternative names. Raises ValueError."""
    names = [str(each.value) for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    with suppress(x509.ExtensionNotFound):
        also = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names += also.get_values_for_type(x509.DNSName)
    return names


def read_message(arrival: Arrival) -> dict[str, Any]:
    """Raises Refused."""
    try:
        message = json.loads(arrival.body)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict) or str(message.get("Type")) not in SIGNED:
        raise Refused("This is no message of Amazon SNS: is raw message delivery off?", status=400)
    if any(not has_shape(name, message.get(name)) for name in SIGNED[str(message["Type"])]):
        raise Refused("A signed field of the message is missing, or not as Amazon writes it.", status=400)
    return message


def has_shape(name: str, value: Any) -> bool:
    """Names and values are signed line by line, so only the first, the message itself, may hold line breaks.

    Else a Subject could pass for part of the MessageId, and the message for a new one.
    """
    if value is None:
        return name == OPTIONAL
    return isinstance(value, str) and (name == "Message" or "\n" not in value) and is_storable(value)


def is_storable(text: str) -> bool:
    """Whether UTF-8 can hold it. JSON may hold half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_sns(arrival: Arrival, given: Given, now: datetime, fetch: Fetch = fetch) -> None:
    """Raises Refused: with 503 where Amazon cannot be asked for its certificate, so that it tries again."""
    message = read_message(arrival)
    topics = given.options.get("topics")
    if not topics:
        raise Refused("This source names no topic yet: an admin has to enter it.", status=503)
    if message.get("TopicArn") not in topics:
        raise Refused("This topic is not among those that the source names.")
    url = str(message.get("SigningCertURL", ""))
    if not is_certificate(url):
        raise Refused("The certificate is not at an address of Amazon's.")
    try:
        signature = base64.b64decode(str(message.get("Signature", "")), validate=True)
        algorithm = HASHES[str(message.get("SignatureVersion", ""))]
    except (binascii.Error, ValueError, KeyError):
        raise Refused(WRONG) from None
    try:
        key = key_at(url, fetch, now)
    except network.Unreachable as error:
        raise Refused(f"Amazon's certificate cannot be fetched: {error}", status=503) from None
    except ValueError:
        raise Refused("What stands at the certificate's address is none of Amazon SNS that is valid now.") from None
    if not verifies(lambda: key.verify(signature, signed_text(message), padding.PKCS1v15(), algorithm())):
        raise Refused(WRONG)
    check_seconds((now - moment_of(message)).total_seconds(), WINDOW)


def moment_of(message: dict[str, Any]) -> datetime:
    """When Amazon published it, as it signed. Raises Refused."""
    try:
        at = datetime.fromisoformat(str(message.get("Timestamp", "")).replace("Z", "+00:00"))
    except ValueError:
        raise Refused("The moment of the message is none.", status=400) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def is_certificate(url: str) -> bool:
    """https, one of Amazon's SNS hosts, the name of a certificate, nothing else."""
    if not is_amazon(url):
        return False
    parts = urlsplit(url)
    return bool(CERTIFICATE.search(parts.path)) and not parts.query


def is_amazon(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    is_plain = url.isascii() and url.isprintable() and " " not in url
    is_https = parts.scheme == "https" and port in (None, 443) and not (parts.username or parts.password)
    return is_plain and is_https and HOST.search(parts.hostname or "") is not None


def signed_text(message: dict[str, Any]) -> bytes:
    """Of a message whose fields have their shape."""
    names = [name for name in SIGNED.get(str(message.get("Type")), ()) if message.get(name) is not None]
    return "".join(f"{name}\n{message[name]}\n" for name in names).encode("utf-8", "replace")


def confirm(arrival: Arrival, fetch: Fetch = fetch) -> None:
    """Says yes to a subscription whose message was checked. Raises Refused."""
    url = str(read_message(arrival).get("SubscribeURL", ""))
    if not is_amazon(url):
        raise Refused("The subscription is not confirmed at an address of Amazon's.")
    try:
        fetch(url)
    except network.Unreachable as error:
        raise Refused(f"The subscription could not be confirmed: {error}", status=503) from None
