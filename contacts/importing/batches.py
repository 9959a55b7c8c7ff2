"""The guard of a quarantined list: how the contacts that it has brought so far bounce, and whether more may come.

In: a run that is held after a batch. Out: the share of its addresses that bounced, and why it may not go on. Without
attempts a share is unknown, never 0: then the list waits until its first batch was written to.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from bounces.conditions import counted_hard
from contacts.models import ImportRun


@dataclass(frozen=True, slots=True)
class BatchShare:
    """Addresses of the run that were written to since, and those of them that bounced by the recipient's fault."""

    written: int
    tried: int
    bounced: int

    @property
    def share(self) -> float | None:
        return self.bounced / self.tried if self.tried else None


def share_of(run: ImportRun) -> BatchShare:
    with connection.cursor() as cursor:
        cursor.execute(SHARE, {"run": run.pk, "at": run.applied_at})
        return BatchShare(*cursor.fetchone())


def refusal(found: BatchShare) -> str:
    """Why the next batch may not come yet; empty where it may."""
    needed = max(1, int(found.written * settings.IMPORT_BATCH_TRIED))
    if found.tried < needed:
        return (
            f"{found.tried:,} of the {found.written:,} addresses that came so far were written to. "
            f"Write to {needed:,} at least: how they bounce decides whether more may come."
        )
    if found.share is not None and found.share > settings.IMPORT_BATCH_BOUNCES:
        return (
            f"{found.share:.1%} of the addresses that were written to bounced; at most "
            f"{settings.IMPORT_BATCH_BOUNCES:.1%} may. No more of it may come: cancel the import, then undo it if you "
            "want its contacts to go."
        )
    return ""


SHARE = f"""
SELECT count(*),
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM bounces_attempt t WHERE t.address_id = r.address_id AND t.sent_at >= %(at)s)),
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM bounces_bounce b WHERE b.address_id = r.address_id AND b.occurred_at >= %(at)s
           AND {counted_hard("b")}))
FROM contacts_importrow w
JOIN contacts_contactaddress r ON r.contact_id = w.contact_id AND r.is_primary
WHERE w.run_id = %(run)s AND w.verdict IN ('new', 'update')
"""  # noqa: S608 -- a condition of ours
