"""Contacts by what identifies them: an address, an external id, a phone number.

In: one as a tool writes it. Out: the contacts that have it, by an index; none is no error. A text that cannot be one
raises LookUpError.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import F, Func, Q, TextField, Value
from django.db.models.functions import Length, Replace

from contacts.importing.addresses import addresses_in
from contacts.models import ContactAddress, ContactExternalId
from contacts.models.people import ContactQuerySet

LONGEST = 1000
AROUND_DIGITS = frozenset(" +-./()\u00a0")
LEAST_DIGITS, MOST_DIGITS = 5, 20
LONGEST_PREFIX = 3  # digits of a country's code
LEAST_TO_COMPARE = 6  # digits of which a number without its country's code is still one number


class LookUpError(ValueError):
    """The text cannot be what is looked for. The message says why, for people."""


def by_email(contacts: ContactQuerySet, text: str) -> ContactQuerySet:
    """Whoever has the address, primary or not. “Ann <ann@example.org>” is ann@example.org."""
    email = _email(text)
    return contacts.filter(pk__in=ContactAddress.objects.filter(address__email=email).values("contact"))


def by_external_id(contacts: ContactQuerySet, text: str) -> ContactQuerySet:
    """Whoever has the id, in any tool; “hubspot:101”: in that tool."""
    wanted = _plain(text)
    tool, colon, rest = wanted.partition(":")
    named = Q(external_id=wanted) | (Q(tool=tool.strip().lower(), external_id=rest.strip()) if colon else Q(pk__in=[]))
    # Looked up first: an OR with a subquery would read the whole table of contacts.
    ids = list(ContactExternalId.objects.filter(named).values_list("contact", flat=True)[:LONGEST])
    return contacts.filter(Q(external_id=wanted) | Q(pk__in=ids))


def by_phone(contacts: ContactQuerySet, text: str) -> ContactQuerySet:
    """Whoever has the number, by its digits. Where one of the two has no country's code, their ends are compared."""
    digits = _digits(text)
    if len(digits) < LEAST_TO_COMPARE:
        exact: ContactQuerySet = _ending(contacts, digits).filter(digits=digits)
        return exact
    shorter = [digits[cut:] for cut in range(LONGEST_PREFIX + 1) if len(digits) - cut >= LEAST_TO_COMPARE]
    is_longer = Q(digits__endswith=digits, length__lte=len(digits) + LONGEST_PREFIX)
    found: ContactQuerySet = _ending(contacts, shorter[-1]).filter(Q(digits__in=shorter) | is_longer)
    return found


LOOK_UPS: dict[str, Callable[[ContactQuerySet, str], ContactQuerySet]] = {
    "email": by_email,
    "external_id": by_external_id,
    "phone": by_phone,
}


def _ending(contacts: ContactQuerySet, end: str) -> Any:
    """Those whose phone number ends with these digits, by the trigram index; with `digits` and `length` of each."""
    bare = Func(
        Replace(F("phone"), Value("(0)"), Value("")),
        Value("[^0-9]"),
        Value(""),
        Value("g"),
        function="regexp_replace",
        output_field=TextField(),
    )
    digits = Func(bare, Value("0"), function="ltrim", output_field=TextField())
    found: ContactQuerySet = (
        contacts.filter(document__contains=f"{end} ").alias(digits=digits).alias(length=Length("digits"))
    )
    return found


def _email(text: str) -> str:
    plain = _plain(text)
    try:
        emails = addresses_in(plain).emails
    except ValueError as error:
        raise LookUpError(str(error)) from error
    if len(emails) > 1:
        raise LookUpError("These are several addresses. Look for one at a time.")
    return emails[0]


def _digits(text: str) -> str:
    number = _plain(text).replace("(0)", "")
    if not all(character in AROUND_DIGITS or character in "0123456789" for character in number):
        raise LookUpError(f"“{text.strip()[:50]}” is not a phone number. Write its digits, such as +49 30 1234567.")
    digits = "".join(character for character in number if character.isdigit()).lstrip("0")
    if not LEAST_DIGITS <= len(digits) <= MOST_DIGITS:
        raise LookUpError(f"A phone number has {LEAST_DIGITS} to {MOST_DIGITS} digits; this one has {len(digits)}.")
    return digits


def _plain(text: str) -> str:
    plain = text.strip()
    if not plain:
        raise LookUpError("It has no value. Give it one, or leave the parameter out.")
    if len(plain) > LONGEST or "\x00" in plain:
        raise LookUpError(f"It is longer than {LONGEST:,} characters, or holds one that cannot be looked for.")
    return plain
