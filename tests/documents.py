"""Which contacts search would miss: those whose document says other words than their rows do.

The words are put together here by a statement of its own, from the tables as they are.
"""

from __future__ import annotations

from django.db import connection

EXPECTED = """
SELECT contact.id, contact.document, contacts_document(
           contact.first_name, contact.last_name, contact.title, company.name, reached.emails, contact.phone, held.tags)
  FROM contacts_contact AS contact
  LEFT JOIN contacts_company AS company ON company.id = contact.company_id
  LEFT JOIN (SELECT contact_id, string_agg(email, ' ' ORDER BY reached.id) AS emails
               FROM contacts_contactaddress AS reached JOIN bounces_address AS address ON address.id = address_id
              GROUP BY 1) AS reached ON reached.contact_id = contact.id
  LEFT JOIN (SELECT contact_id, array_agg(name) AS tags
               FROM contacts_contact_tags JOIN contacts_tag AS tag ON tag.id = tag_id
              GROUP BY 1) AS held ON held.contact_id = contact.id
"""


def stale_documents() -> list[str]:
    """A sentence for each; none where all are right."""
    with connection.cursor() as cursor:
        cursor.execute(EXPECTED)
        return [
            f"Contact {pk} is searched by “{document}” instead of “{expected}”."
            for pk, document, expected in cursor.fetchall()
            if document != expected
        ]
