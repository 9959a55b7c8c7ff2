"""Complaints: one a message, however many tell of it.

In: Told values that complain, with their attempts. Out: Complaint rows and the difference to the daily counts. The
earliest date counts: of those with proof, once there is any. What has no proof changes nothing that has. Stage: record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

from bounces.addresses import domain_of
from bounces.models import Attempt, Complaint
from bounces.recording.failures import complaint_key_of, link
from bounces.recording.statistics import Cell, counts_of_complaint
from bounces.recording.told import Told
from bounces.values import Standing

SAID = ("inbound_item_id", "source", "feedback_type", "occurred_at", "claimed_at")
LINKED = ("attempt_id", "campaign_key", "sender", "provider")
WRITTEN = (*SAID, *LINKED, "standing")


@dataclass(frozen=True, slots=True)
class Complained:
    told: Told
    address_id: int
    attempt: Attempt | None
    message: str  # what its message is called in the keys of failures
    provider: str  # who receives for its domain


def record_complaints(complained: Sequence[Complained]) -> Counter[Cell]:
    """Keeps each complaint once. Their addresses are locked by the caller."""
    keys = [complaint_key_of(one.message, one.address_id) for one in complained]
    found = {bytes(row.complaint_key): row for row in Complaint.objects.filter(complaint_key__in=set(keys))}
    old = {key: copy(row) for key, row in found.items()}
    domains: dict[bytes, str] = {}
    for key, one in zip(keys, complained, strict=True):
        domains[key] = domain_of(one.told.email)
        row = _complaint(one, key)
        found[key] = row if key not in found else fold(found[key], row)
        if one.attempt is not None:
            link_complaint(found[key], one.attempt)
    Complaint.objects.bulk_create([row for key, row in found.items() if key not in old])
    Complaint.objects.bulk_update([found[key] for key in old], WRITTEN)
    difference: Counter[Cell] = Counter()
    for key, row in found.items():
        difference.update(counts_of_complaint(row, domains[key]))
        difference.subtract(counts_of_complaint(old.get(key), domains[key]))
    return difference


def _complaint(one: Complained, key: bytes) -> Complaint:
    told = one.told
    return Complaint(
        address_id=one.address_id,
        inbound_item_id=told.item_id,
        source=told.source,
        standing=Standing.COUNTED if told.is_trusted else Standing.UNVERIFIED,
        feedback_type=told.report.feedback_type or "abuse",
        occurred_at=told.occurred_at,
        claimed_at=told.claimed_at,
        provider=one.provider,
        complaint_key=key,
    )


def fold(into: Complaint, other: Complaint) -> Complaint:
    """Two tellings of one complaint: the first row stays, and says what the better of the two says."""
    if _order(other) < _order(into):
        for name in SAID:
            setattr(into, name, getattr(other, name))
    if into.standing == Standing.UNVERIFIED:
        into.standing = other.standing
    return into


def _order(complaint: Complaint) -> tuple[object, ...]:
    """What has proof comes first, then what is the earliest; the rest makes the order total."""
    is_unproved = complaint.standing == Standing.UNVERIFIED
    return is_unproved, complaint.occurred_at, complaint.source, complaint.feedback_type


def link_complaint(complaint: Complaint, attempt: Attempt) -> None:
    link(complaint, attempt)
    complaint.provider = attempt.provider
