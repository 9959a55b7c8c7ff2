"""Personal erasure: what is known about an address goes; a keyed hash stays, so that nobody writes there again.

In: addresses, who asks for it and why. Out: no row, text or raw piece that names them; one suppression of each that
knows it by its hash (a re-import finds it). Daily counts stay: they name nobody. Source: TRUST.md, "people".

Other places that keep what people typed (sessions, the queue) are named in `ERASURE_RECEIVERS`; each gets the traces,
inside the transaction. It reads every text and every raw piece once: see `scrubbing.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from bounces import policy
from bounces.addresses import keep_addresses
from bounces.models import Address, Complaint, Dirty, Evidence, InboundItem, RawChunk, Suppression
from bounces.scrubbing import ERASED, scrub
from bounces.suppressions import suppress_address
from bounces.traces import Traces

log = structlog.get_logger(__name__)

SOURCE = "erasure"


class NoReason(ValueError):
    """An erasure needs a reason that others can read later."""


def erase_addresses(emails: Sequence[str], by: Any, reason: str, now: datetime, traces: Traces) -> None:
    """Erases normalised addresses. Raises NoReason. May run twice.

    Whoever uses the addresses lets go of them first (a protected key). `traces`: the addresses, and file names.
    """
    if not reason.strip():
        raise NoReason("Say why, so that others can read it later.")
    with transaction.atomic():
        ids = keep_addresses(emails)
        policy.lock_addresses(sorted(ids.values()))
        for address in Address.objects.filter(pk__in=ids.values()).order_by("pk"):
            _suppress(address, by, reason, now)
            _erase_raw(address, traces)
            Dirty.objects.filter(address_id=address.pk).delete()
            address.delete()
        for name in settings.ERASURE_RECEIVERS:
            import_string(name)(traces)
        scrub(traces)
    log.info("addresses_erased", number=len(emails), by=by.pk if by else None)


def _suppress(address: Address, by: Any, reason: str, now: datetime) -> None:
    lasting = Suppression.objects.filter(address=address, lifted_at=None, expires_at=None)
    if not lasting.exclude(reason=Suppression.Reason.CLEANING).exists():  # which a cleaning's undo may lift
        suppress_address(address, Suppression.Reason.MANUAL, SOURCE, now=now, by=by, note=reason.strip())


def _erase_raw(address: Address, traces: Traces) -> None:
    """The bytes of every mail, event or archive that told of the address, or that names it."""
    told = [
        model.objects.filter(**of, inbound_item_id__isnull=False).values_list("inbound_item_id", flat=True)
        for model, of in ((Evidence, {"bounce__address": address}), (Complaint, {"address": address}))
    ]
    ids = {pk for each in told for pk in each if pk is not None}
    with connection.cursor() as cursor:
        cursor.execute(NAMED_BY_BYTES, traces.parameters)
        ids |= {row[0] for row in cursor.fetchall()}
        cursor.execute(
            "SELECT parent_id FROM bounces_inbounditem WHERE id = ANY(%s) AND parent_id IS NOT NULL", [list(ids)]
        )
        ids |= {row[0] for row in cursor.fetchall()}
    RawChunk.objects.filter(item_id__in=ids).delete()


# An item of several pieces is read as a whole: the address may stand where one ends.
NAMED_BY_BYTES = """
    WITH texts AS (
        SELECT item_id, string_agg(encode(body, 'escape'), '' ORDER BY position) AS body
          FROM bounces_rawchunk GROUP BY item_id
    )
    SELECT item_id FROM texts WHERE body ILIKE ANY(%(hints)s) AND body ~* %(pattern)s
"""


def file_names(email: str) -> list[str]:
    """The names of files that hold the address, also amid a longer word: `list_of_ada@b.example.csv`."""
    named = InboundItem.objects.filter(name__icontains=email)
    return list(named.order_by().values_list("name", flat=True).distinct())


__all__ = ["ERASED", "NoReason", "erase_addresses", "file_names"]
