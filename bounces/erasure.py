"""Personal erasure: what is known about an address goes; a keyed hash stays, so that nobody writes there again.

In: an address, who asks for it and why. Out: no row, text or raw piece that names it; one suppression that knows it by
its hash (a re-import finds it). Daily counts stay: they name nobody. Source: TRUST.md, "people".

It reads every text and every raw piece once: minutes on a large database, and without locks on what it does not change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import structlog
from django.apps import apps
from django.db import connection, models, transaction

from bounces import policy
from bounces.addresses import keep_addresses, normalise
from bounces.models import Address, Complaint, Dirty, Evidence, InboundItem, RawChunk, StatusChange, Suppression
from bounces.suppressions import suppress_address

log = structlog.get_logger(__name__)

ERASED = "(erased)"
SOURCE = "erasure"
TEXTS = (models.TextField, models.CharField, models.JSONField)


class NoReason(ValueError):
    """An erasure needs a reason that others can read later."""


def erase_address(text: str, by: Any, reason: str, now: datetime) -> None:
    """Raises BadAddress, NoReason. May run twice. Whoever uses the address lets go of it first (a protected key)."""
    email = normalise(text)
    if not reason.strip():
        raise NoReason("Say why, so that others can read it later.")
    with transaction.atomic():
        address = Address.objects.get(pk=keep_addresses([email])[email])
        policy.lock_addresses([address.pk])
        lasting = Suppression.objects.filter(address=address, lifted_at=None, expires_at=None)
        if not lasting.exclude(reason=Suppression.Reason.CLEANING).exists():  # which a cleaning's undo may lift
            suppress_address(address, Suppression.Reason.MANUAL, SOURCE, now=now, by=by, note=reason.strip())
        _erase_raw(address)
        Dirty.objects.filter(address_id=address.pk).delete()
        address.delete()
        scrub(email, ["bounces"])
    log.info("address_erased", by=by.pk if by else None)


def _erase_raw(address: Address) -> None:
    """The bytes of every mail, event or archive that told of the address, or that names it."""
    told = [
        model.objects.filter(**of, inbound_item_id__isnull=False).values_list("inbound_item_id", flat=True)
        for model, of in ((Evidence, {"bounce__address": address}), (Complaint, {"address": address}))
    ]
    ids = {pk for each in told for pk in each if pk is not None}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT item_id FROM bounces_rawchunk WHERE encode(body, 'escape') ~* %s", [pattern(address.email)]
        )
        ids |= {row[0] for row in cursor.fetchall()}
        cursor.execute(
            "SELECT parent_id FROM bounces_inbounditem WHERE id = ANY(%s) AND parent_id IS NOT NULL", [list(ids)]
        )
        ids |= {row[0] for row in cursor.fetchall()}
    RawChunk.objects.filter(item_id__in=ids).delete()
    # A file's name goes whole: `ada@b.example.eml` reads like a longer address.
    InboundItem.objects.filter(name__icontains=address.email).update(name=ERASED)


def pattern(email: str) -> str:
    """The address as a whole, not as the end of a longer one, also as a return path writes it (`ada=b.example`)."""
    local, _, domain = email.rpartition("@")
    return rf"(?<![\w.+-]){re.escape(local)}[@=]{re.escape(domain)}(?![\w-]|\.\w)"


def scrub(email: str, app_labels: Iterable[str]) -> None:
    """Takes the address out of every text column of these applications."""
    for label in app_labels:
        for model in apps.get_app_config(label).get_models():
            if model is not StatusChange:  # append-only; its evidence names reasons and hosts
                _scrub_table(model, email)


def _scrub_table(model: type[models.Model], email: str) -> None:
    quote = connection.ops.quote_name
    fields = [field for field in model._meta.local_concrete_fields if isinstance(field, TEXTS)]
    if not fields:
        return
    changes, tests, params = [], [], []
    for field in fields:
        column = quote(str(field.column))
        kind = field.db_type(connection)
        changes.append(f"{column} = regexp_replace({column}::text, %s, %s, 'gi')::{kind}")
        tests.append(f"{column}::text ~* %s")
        params += [pattern(email), ERASED]
    sql = f"UPDATE {quote(model._meta.db_table)} SET {', '.join(changes)} WHERE {' OR '.join(tests)}"  # noqa: S608  (names are the models' own)
    with connection.cursor() as cursor:
        cursor.execute(sql, [*params, *[pattern(email)] * len(fields)])
