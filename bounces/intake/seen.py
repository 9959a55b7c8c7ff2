"""What was seen of a source: how much it brought, and what keeps it from bringing more.

In: a source's id, what happened. Out: its SourceSeen row. A good turn takes the last error away.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from bounces.models import SourceSeen

ERROR_LENGTH = 500


def note_received(source_id: int, received: int, refused: int, now: datetime) -> None:
    """In the transaction of what was received."""
    if received or refused:
        with connection.cursor() as cursor:
            cursor.execute(NOTE, {"source": source_id, "received": received, "refused": refused, "at": now})


NOTE = """
INSERT INTO bounces_sourceseen AS seen (source_id, received, refused, last_seen_at, last_error)
SELECT id, %(received)s, %(refused)s, %(at)s, '' FROM bounces_intakesource WHERE id = %(source)s
ON CONFLICT (source_id) DO UPDATE SET received = seen.received + excluded.received,
    refused = seen.refused + excluded.refused, last_seen_at = GREATEST(seen.last_seen_at, excluded.last_seen_at)
"""


def note_trouble(source_id: int, sentence: str, now: datetime) -> None:
    SourceSeen.objects.update_or_create(
        source_id=source_id, defaults={"last_error": sentence[:ERROR_LENGTH], "last_error_at": now}
    )


def note_well(source_id: int) -> None:
    SourceSeen.objects.filter(source_id=source_id).exclude(last_error="").update(last_error="", last_error_at=None)
