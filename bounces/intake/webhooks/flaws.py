"""What an admin enters for a source, looked at while he can still mend it, and not when the first event is refused.

In: one line of a field. Out: what is wrong with it, in a sentence for people; "" where nothing is to be seen. Whether a
provider has the same secret, nobody here can see. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import re2
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bounces.intake.webhooks.arrival import Refused
from bounces.intake.webhooks.signatures import public_key, svix_key

# arn:partition:sns:region:account:name, and no more: a subscription's has one part more.
TOPIC = re2.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]+:[A-Za-z0-9_.-]+")
SHORTEST_SECRET = 20
PEM = re2.compile(r"(?s)-----BEGIN [A-Z ]+-----(.*?)-----END [A-Z ]+-----")

Flaw = Callable[[str], str]


def none(line: str) -> str:  # noqa: ARG001 -- one signature for all
    return ""


def of_login(line: str) -> str:
    user, _, password = line.partition(":")
    return "" if user and password else "Write it as user:password, both of your own making."


def of_topic(line: str) -> str:
    is_topic = TOPIC.fullmatch(line) is not None
    return "" if is_topic else "This is no ARN of a topic. It looks like arn:aws:sns:eu-west-1:123456789012:bounces."


def of_own_secret(line: str) -> str:
    enough = len(line) >= SHORTEST_SECRET
    return "" if enough else f"At least {SHORTEST_SECRET} characters are needed, so that nobody guesses it."


def of_svix_secret(line: str) -> str:
    return _refused(lambda: svix_key(line))


def of_elliptic_key(line: str) -> str:
    return _refused(lambda: public_key(line), ec.EllipticCurvePublicKey)


def of_rsa_key(line: str) -> str:
    return _refused(lambda: public_key(line), rsa.RSAPublicKey)


def _refused(read: Callable[[], object], kind: type = object) -> str:
    try:
        found = read()
    except Refused as error:
        return str(error)
    return "" if isinstance(found, kind) else "This is a public key of another kind: is it this provider's?"


def lines_of(text: str) -> list[str]:
    """What was entered, a line each; a key in its block of several lines (PEM, RFC 7468) is one."""
    in_lines = PEM.sub(lambda block: "".join(block.group(1).split()), text)
    return [line.strip() for line in in_lines.splitlines() if line.strip()]


def flaws_in(lines: Sequence[str], flaw: Flaw) -> list[tuple[int, str]]:
    """Those that have one: their number from 1, and what it is."""
    return [(number, said) for number, line in enumerate(lines, 1) if (said := flaw(line))]
