"""What an e-mail address is, and how one becomes a row.

In: text that people, files and mails call an address. Out: its normal form (local part and domain lower-cased, the
domain as A-labels), the keyed hash that outlives it, and Address rows. Sources: RFC 5321 4.1.2 and 4.5.3.1,
RFC 5890. What an address is by its name alone: `address_kinds.py`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.db import connection
from email_validator import EmailNotValidError, validate_email

from bounces.plain_text import LOST
from bounces.statements import run

# What nearly all addresses are made of: these need no look by the library. Possessive, so that it never goes back, and
# is the quickest there is: a million are asked for in an import.
PLAIN = re.compile(
    r"[a-z0-9_+=!#$%&'*/?^`{|}~-]++(?:\.[a-z0-9_+=!#$%&'*/?^`{|}~-]++)*+"
    r"@(?:[a-z0-9]++(?:-[a-z0-9]++)*+\.)++[a-z]{2,}+"
).fullmatch
LOCAL_PART_LENGTH = 64
ADDRESS_LENGTH = 254
LABEL_LENGTH = 63


class BadAddress(ValueError):
    """The text is not an address. The message says why, for people."""


def normalise(text: str) -> str:
    """The one form in which an address is kept and compared. Raises BadAddress."""
    lowered = text.strip().lower()
    if is_plain(lowered):
        return lowered
    if not lowered:
        raise BadAddress("The address is empty.")
    if len(lowered) > ADDRESS_LENGTH:
        raise BadAddress(f"The address is longer than {ADDRESS_LENGTH} characters.")
    return _normalise_by_library(lowered)


def normalise_reachable(text: str) -> str:
    """The same of an address that somebody means to write to. Raises BadAddress for a bare host's too.

    RFC 5321 2.3.5 asks for fully-qualified names; the few top-level domains with an MX record (RFC 7085) are hardly
    ever delivered to. What a mail server says of such an address is kept as it is: its own network may know the host.
    """
    email = normalise(text)
    if "." not in domain_of(email):
        raise BadAddress("Its domain has no dot: no mail on the internet reaches a bare host’s name.")
    if LOST in email:
        raise BadAddress(f"It holds a character that was lost on the way here ({LOST}).")
    return email


def is_plain(lowered: str) -> bool:
    """Whether it is an address beyond doubt."""
    return PLAIN(lowered) is not None and (len(lowered) <= LABEL_LENGTH or _has_lengths(lowered))


def _has_lengths(email: str) -> bool:
    local, _, domain = email.partition("@")
    is_short = len(email) <= ADDRESS_LENGTH and len(local) <= LOCAL_PART_LENGTH
    return is_short and all(len(label) <= LABEL_LENGTH for label in domain.split("."))


def _normalise_by_library(lowered: str) -> str:
    try:
        found = validate_email(lowered, check_deliverability=False, globally_deliverable=False)
    except (EmailNotValidError, UnicodeError) as error:
        raise BadAddress(str(error)) from error
    return f"{found.local_part.lower()}@{found.ascii_domain.lower()}"


def domain_of(email: str) -> str:
    return email.rpartition("@")[2]


def suppression_key(email: str) -> bytes:
    """HMAC-SHA256 of a normalised address: what is left of it after erasure."""
    return hmac.digest(settings.SUPPRESSION_KEY.encode(), email.encode(), hashlib.sha256)


def keep_addresses(emails: Iterable[str]) -> dict[str, int]:
    """Makes the rows that are missing for normalised addresses; returns the id of each one. May run twice.

    Rows are inserted in sorted order, so that two callers never wait for each other in a circle.
    """
    wanted = sorted(set(emails))
    if not wanted:
        return {}
    ids: dict[str, int] = {}
    while missing := [email for email in wanted if email not in ids]:  # one may be erased between the two statements
        made = run(MAKE_ADDRESSES, {"emails": missing})
        ids |= {email: pk for pk, email in made}
        known = [email for email in missing if email not in ids]
        ids |= dict(run(FIND_ADDRESSES, {"emails": known})) if known else {}
        link_orphaned_suppressions(made)
    return ids


MAKE_ADDRESSES = """
INSERT INTO bounces_address (email, domain)
SELECT new.email, split_part(new.email, '@', -1) FROM unnest(%(emails)b::text[]) AS new(email)
WHERE NOT EXISTS (SELECT FROM bounces_address known WHERE known.email = new.email)
ORDER BY new.email
ON CONFLICT (email) DO NOTHING
RETURNING id, email
"""
FIND_ADDRESSES = "SELECT email, id FROM bounces_address WHERE email = ANY(%(emails)b::text[])"


def has_orphaned_suppressions() -> bool:
    """Whether suppressions wait for an address that was erased to come again.

    To be asked once the address is made: whoever makes it waits for an erasure that goes on, which may take minutes.
    """
    from bounces.models import Suppression

    return Suppression.objects.filter(scope="address", address__isnull=True, lifted_at__isnull=True).exists()


def link_orphaned_suppressions(made: Sequence[tuple[int, str]]) -> None:
    """Gives new rows the suppressions that their addresses had before they were erased."""
    if not made or not has_orphaned_suppressions():
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE bounces_suppression s SET address_id = new.id
            FROM unnest(%s::bigint[], %s::bytea[]) AS new(id, key)
            WHERE s.address_key = new.key AND s.address_id IS NULL AND s.scope = 'address'
            """,
            [[pk for pk, _ in made], [suppression_key(email) for _, email in made]],
        )
