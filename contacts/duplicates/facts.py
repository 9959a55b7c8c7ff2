"""Read the fields of contacts that are compared. In: ids. Out: `Facts`, folded by PostgreSQL, in one query."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.db import connection

from bounces.address_kinds import FREE_DOMAINS, is_role_account
from contacts.duplicates.names import RULES, WORD, Name, name_of

LEGAL_FORMS = frozenset(RULES["words"]["legal_forms"])
GMAIL = {"gmail.com", "googlemail.com"}
DIGITS = re.compile(r"\d")
SHORTEST_PHONE = 7
COMPARED_DIGITS = 9  # from the right: country codes and leading zeros may be missing
LOOKS_LIKE_ADDRESS = "@"


@dataclass(frozen=True, slots=True)
class Facts:
    """`mailboxes`: the addresses in the form of `mailbox_of`. Texts are folded; empty means unknown."""

    pk: int
    name: Name
    company_id: int | None = None
    company: str = ""  # without its legal form
    phone: str = ""  # digits
    title: str = ""
    country: str = ""
    external_ids: frozenset[tuple[str, str]] = frozenset()  # (tool, id); an unnamed tool is "of {source}"
    owner_id: int | None = None
    emails: frozenset[str] = frozenset()
    mailboxes: frozenset[str] = frozenset()
    desks: frozenset[str] = frozenset()  # shared mailboxes such as info@
    custom: Mapping[str, Any] = field(default_factory=dict)

    @property
    def domains(self) -> frozenset[str]:
        """Company domains. A free provider's domain proves nothing."""
        found = (email.rpartition("@")[2] for email in self.emails)
        return frozenset(domain for domain in found if domain not in FREE_DOMAINS)

    @property
    def local_parts(self) -> frozenset[str]:
        return frozenset(email.partition("@")[0] for email in self.mailboxes - self.desks)

    @property
    def compared_phone(self) -> str:
        return self.phone[-COMPARED_DIGITS:] if len(self.phone) >= SHORTEST_PHONE else ""


def mailbox_of(email: str) -> str:
    """Return the address without its plus tag, and at Gmail without dots, which Gmail ignores."""
    local, _, domain = email.lower().rpartition("@")
    bare = local.partition("+")[0] or local
    if domain in GMAIL:
        return f"{bare.replace('.', '')}@gmail.com"
    return f"{bare}@{domain}"


@lru_cache(maxsize=50_000)
def company_key(folded: str) -> str:
    """Return the name without its legal form: `Acme, Inc.` is `acme`. A name of legal forms only is kept."""
    words = WORD.findall(folded.replace(".", "").replace("&", " and ")[:200])
    bare = [word for word in words if word not in LEGAL_FORMS]
    return "".join(bare or words)


FACTS = """
SELECT contact.id, contacts_folded(contact.first_name), contacts_folded(contact.last_name), contact.company_id,
       coalesce(contacts_folded(company.name), ''), contact.phone, contacts_folded(contact.title), contact.country,
       contact.source, contact.external_id, contact.owner_id, contact.custom::text, reached.emails, known.ids
  FROM contacts_contact AS contact
  LEFT JOIN contacts_company AS company ON company.id = contact.company_id
  LEFT JOIN LATERAL (
        SELECT array_agg(address.email) AS emails
          FROM contacts_contactaddress AS held JOIN bounces_address AS address ON address.id = held.address_id
         WHERE held.contact_id = contact.id) AS reached ON true
  LEFT JOIN LATERAL (
        SELECT array_agg(ARRAY[own.tool, own.external_id]) AS ids
          FROM contacts_contactexternalid AS own WHERE own.contact_id = contact.id) AS known ON true
 WHERE contact.id = ANY(%s) AND contact.deleted_at IS NULL
"""


def facts_of(contact_ids: Sequence[int]) -> dict[int, Facts]:
    """Facts by contact id. Deleted contacts are left out."""
    with connection.cursor() as cursor:
        cursor.execute(FACTS, [list(contact_ids)])
        return {row[0]: _facts(*row) for row in cursor.fetchall()}


def _facts(
    pk: int, first: str, last: str, company_id: int | None, company: str, phone: str, title: str, country: str,
    source: str, external_id: str | None, owner_id: int | None, custom: str, emails: list[str] | None,
    named_ids: list[list[str]] | None,
) -> Facts:  # fmt: skip
    reached = frozenset(emails or ())
    # Imports often fill a missing name with the address.
    texts = ["" if LOOKS_LIKE_ADDRESS in text else text for text in (first, last)]
    return Facts(
        pk=pk,
        name=name_of(*texts),
        company_id=company_id,
        company=company_key(company) if company else "",
        phone="".join(DIGITS.findall(phone)),
        title=title.strip(),
        country=country,
        external_ids=frozenset(
            [*([(f"of {source}", external_id)] if external_id else []), *((tool, own) for tool, own in named_ids or ())]
        ),
        owner_id=owner_id,
        emails=reached,
        mailboxes=frozenset(mailbox_of(email) for email in reached),
        desks=frozenset(mailbox_of(email) for email in reached if is_role_account(mailbox_of(email))),
        custom={} if custom == "{}" else json.loads(custom),
    )
