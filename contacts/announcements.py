"""What `contacts` does when statuses have changed: a line in the timeline of every contact of the address.

In: an outbox payload of topic `status_changed`, `{"change_ids": [...]}`. Out: Activity rows. Stage: announce.
One statement a batch. May run twice, or with ids that are gone: a unique constraint keeps one line a change.
The sentence is not stored: pages make it from the StatusChange, which is append-only.
"""

from __future__ import annotations

from typing import Any

from django.db import connection

WRITE = """
    INSERT INTO contacts_activity (contact_id, kind, text, by_id, at, status_change_id)
    SELECT reached.contact_id, 'status_changed', '', change.actor_id, change.at, change.id
      FROM bounces_statuschange AS change
      JOIN contacts_contactaddress AS reached ON reached.address_id = change.address_id
     WHERE change.id = ANY(%s)
    ON CONFLICT DO NOTHING
"""


def write_activities(payload: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(WRITE, [payload["change_ids"]])
