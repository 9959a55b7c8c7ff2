"""What turns out to be one: attempts that bear two names, and failures that were told before their message was known.

In: attempts that have just learnt their Message-ID, or were merged. Out: their bounces and complaints under the
message's name, those told twice folded into one, linked to their attempt; the addresses whose judgement that may
change, and the difference to the daily counts. So the facts are the same set in whatever order they were told (I4).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from copy import copy

from django.db.models import Q

from bounces.addresses import domain_of
from bounces.models import Address, Attempt, Bounce, Complaint, Evidence
from bounces.recording.attempts import earliest, update_attempts
from bounces.recording.failures import (
    VERDICT,
    WRITTEN,
    complaint_key_of,
    deferral_of,
    failure_key_of,
    is_proved_already,
    judged,
    occurred_at,
)
from bounces.recording.rows import update
from bounces.recording.statistics import Cell, Under, cells, counts_of_attempt, counts_of_bounce
from bounces.values import Kind, Standing


def join(attempts: Sequence[Attempt], gone: Mapping[int, Attempt]) -> tuple[set[int], Counter[Cell]]:
    """Gives those attempts what is theirs; `gone` says which attempt took the place of one that is no more.

    Their addresses are locked by the caller. May run twice.
    """
    named = [attempt for attempt in attempts if attempt.message_id]
    if not named:
        return set(), Counter()
    by_pk: dict[int, Attempt] = {attempt.pk: attempt for attempt in named} | dict(gone)
    domains = {
        pk: domain_of(email)
        for pk, email in Address.objects.filter(pk__in={a.address_id for a in named}).values_list("pk", "email")
    }
    changed, difference = _join_bounces(named, by_pk, domains)
    difference.update(_join_complaints(by_pk))
    return changed, difference


def _join_bounces(
    named: Sequence[Attempt], by_pk: Mapping[int, Attempt], domains: Mapping[int, str]
) -> tuple[set[int], Counter[Cell]]:
    finals = {failure_key_of(f"m:{a.message_id}", a.address_id, "final"): a for a in named}
    theirs = Q(attempt_id__in=list(by_pk)) | Q(failure_key__in=list(finals))
    groups: dict[bytes, list[Bounce]] = defaultdict(list)
    owners: dict[bytes, Attempt] = {}
    found = list(Bounce.objects.select_for_update().filter(theirs).order_by("pk"))
    for bounce in found:
        attempt = by_pk.get(bounce.attempt_id or 0) or finals[bytes(bounce.failure_key)]
        key = failure_key_of(f"m:{attempt.message_id}", bounce.address_id, _final_of(bounce))
        groups[key].append(bounce)
        owners[key] = attempt
    # A deferral has its day in its key: those that a mail told are found by the keys that ours are to get.
    twins = (
        Bounce.objects.select_for_update().filter(failure_key__in=list(owners)).exclude(pk__in=[b.pk for b in found])
    )
    for twin in twins.order_by("pk"):
        groups[bytes(twin.failure_key)].append(twin)
    before = {bounce.pk: copy(bounce) for bounces in groups.values() for bounce in bounces}
    difference: Counter[Cell] = Counter()
    for key, bounces in groups.items():
        _fold(bounces, key, owners[key])
        difference.update(_note_bounced(bounces[0], owners[key], domains))
        difference.update(counts_of_bounce(bounces[0], domains[bounces[0].address_id]))
        for bounce in bounces:
            difference.subtract(counts_of_bounce(before[bounce.pk], domains[bounce.address_id]))
    kept = [bounces[0] for bounces in groups.values()]
    Bounce.objects.filter(pk__in=[b.pk for bounces in groups.values() for b in bounces[1:]]).delete()
    update(Bounce, kept, [*WRITTEN, "failure_key", "incident_id"])
    if owners:
        update_attempts(list({attempt.pk: attempt for attempt in owners.values()}.values()))
    changed = {
        bounces[0].address_id
        for bounces in groups.values()
        if len(bounces) > 1 or judged(bounces[0]) != judged(before[bounces[0].pk])
    }
    return changed, difference


def _final_of(bounce: Bounce) -> str:
    return deferral_of(bounce.occurred_at) if bounce.kind == Kind.DEFERRED else "final"


def _fold(bounces: list[Bounce], key: bytes, attempt: Attempt) -> None:
    """Makes one of several: the first stays, with the best verdict, the earliest date and all the evidence."""
    into, others = bounces[0], bounces[1:]
    for other in others:
        into.occurred_at = occurred_at(into, other.occurred_at, is_proved=is_proved_already(other))
        if into.standing == Standing.UNVERIFIED:
            into.standing, into.incident_id = other.standing, other.incident_id
        if other.evidence_rank > into.evidence_rank:
            for name in (*VERDICT, "provider"):
                setattr(into, name, getattr(other, name))
        into.campaign_key = into.campaign_key or other.campaign_key
        into.sender = into.sender or other.sender
    into.failure_key = key
    into.attempt_id = attempt.pk
    into.campaign_key = attempt.campaign_key or into.campaign_key
    into.sender = attempt.sender or into.sender
    if others:
        Evidence.objects.filter(bounce__in=others).update(bounce=into)


def _note_bounced(bounce: Bounce, attempt: Attempt, domains: Mapping[int, str]) -> Counter[Cell]:
    """A failure that was told before its attempt was known is what became of the attempt. The caller writes it down."""
    difference: Counter[Cell] = Counter()
    if bounce.kind == Kind.DEFERRED or bounce.standing == Standing.UNVERIFIED:
        return difference
    domain = domains[attempt.address_id]
    difference.subtract(counts_of_attempt(attempt, domain))
    attempt.bounced_at = earliest(attempt.bounced_at, bounce.occurred_at)
    attempt.bounce_standing = bounce.standing
    attempt.sent_at = min(attempt.sent_at, bounce.occurred_at)
    difference.update(counts_of_attempt(attempt, domain))
    return difference


def _join_complaints(by_pk: Mapping[int, Attempt]) -> Counter[Cell]:
    """One complaint a message. What its campaign counted stays: only the total is known to have counted each."""
    difference: Counter[Cell] = Counter()
    for complaint in Complaint.objects.filter(attempt_id__in=list(by_pk)).order_by("pk"):
        attempt = by_pk[complaint.attempt_id or 0]
        key = complaint_key_of(f"m:{attempt.message_id}", complaint.address_id)
        twin = Complaint.objects.filter(complaint_key=key).exclude(pk=complaint.pk).first()
        if twin is None:
            Complaint.objects.filter(pk=complaint.pk).update(complaint_key=key, attempt_id=attempt.pk)
            continue
        difference.subtract(_total(twin))
        difference.subtract(_total(complaint))
        twin.attempt_id, twin.occurred_at = attempt.pk, min(twin.occurred_at, complaint.occurred_at)
        if twin.standing == Standing.UNVERIFIED:
            twin.standing = complaint.standing
        twin.save(update_fields=["attempt_id", "occurred_at", "standing"])
        complaint.delete()
        difference.update(_total(twin))
    return difference


def _total(complaint: Complaint) -> Counter[Cell]:
    if complaint.standing != Standing.COUNTED:
        return Counter()
    return Counter(cells(Under("", "", "", ""), complaint.occurred_at, "complaints"))
