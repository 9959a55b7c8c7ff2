"""Search by part of a name, company or address: one document a contact, under one trigram index.

In: contact ids whose names, company or addresses changed; the words someone typed. Out: `Contact.document`, which
nothing else writes, and the contacts whose documents hold every word.
Psycopg binds parameters on the client here (Django's default): with a server-side plan the search was measured at
2.7 s instead of 1.4 ms.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Lower

from bounces.addresses import BadAddress, normalise
from contacts.models import Company
from contacts.models.people import ContactQuerySet

MOST_WORDS = 8

INDEX = """
    UPDATE contacts_contact AS contact
       SET document = found.document
      FROM (
            SELECT contact.id,
                   lower(concat_ws(' ', nullif(contact.first_name, ''), nullif(contact.last_name, ''), company.name,
                                   (SELECT string_agg(address.email, ' ' ORDER BY reached.is_primary DESC, address.id)
                                      FROM contacts_contactaddress AS reached
                                      JOIN bounces_address AS address ON address.id = reached.address_id
                                     WHERE reached.contact_id = contact.id))) AS document
              FROM contacts_contact AS contact
              LEFT JOIN contacts_company AS company ON company.id = contact.company_id
             WHERE contact.id = ANY(%s)
           ) AS found
     WHERE contact.id = found.id AND contact.document IS DISTINCT FROM found.document
"""


def index_documents(contact_ids: Iterable[int]) -> None:
    """Writes the documents that are out of date. May run twice."""
    with connection.cursor() as cursor:
        cursor.execute(INDEX, [list(contact_ids)])


def matching(contacts: ContactQuerySet, text: str) -> ContactQuerySet:
    """Those whose document holds every word of the text, anywhere. Wildcards are escaped by Django's `contains`."""
    for word in _words(text):
        contacts = contacts.filter(document__contains=word)
    return contacts


def companies_matching(companies: QuerySet[Company], text: str) -> QuerySet[Company]:
    """Those whose name holds every word of the text, anywhere; by the index on the lower-cased name."""
    companies = companies.annotate(lower=Lower("name"))
    for word in text.replace("\x00", " ").lower().split()[:MOST_WORDS]:
        companies = companies.filter(lower__contains=word)
    return companies


def _words(text: str) -> list[str]:
    """Whole addresses are looked for as they are stored: with the domain's A-labels."""
    words = text.replace("\x00", " ").lower().split()[:MOST_WORDS]
    return [_stored_form(word) if "@" in word else word for word in words]


def _stored_form(word: str) -> str:
    try:
        return normalise(word)
    except BadAddress:  # a part of an address, looked for as typed
        return word
