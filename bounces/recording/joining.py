"""What turns out to be one: messages that bear several names, and what was told before its message was known.

In: messages of which a name, a sender or a campaign is new; attempts that were merged. Out: their bounces and
complaints under the message's name, those told twice folded into one, linked to their attempt; what became of the
attempt, noted on it; the addresses whose judgement that may change, and the difference to the daily counts. So the
facts are the same set in whatever order they were told (I4).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field

from bounces.models import Attempt, Bounce, Complaint, EarlyOutcome, Evidence
from bounces.recording.attempts import Message, update_attempts
from bounces.recording.complaints import WRITTEN as COMPLAINT_WRITTEN
from bounces.recording.complaints import fold, link_complaint
from bounces.recording.failures import (
    VERDICT,
    WRITTEN,
    complaint_key_of,
    deferral_of,
    failure_key_of,
    is_proved_already,
    judged,
    link,
    occurred_at,
)
from bounces.recording.outcomes import as_text, earliest, note_event
from bounces.recording.rows import update
from bounces.recording.statistics import Cell, counts_of_attempt, counts_of_bounce, counts_of_complaint
from bounces.statements import run
from bounces.values import Kind, Standing

Key = tuple[int, str]  # address, what the message is called

# Of the standings that one failure has under several names: what a person decided comes first, then an incident.
GRAVEST = (Standing.DISCARDED, Standing.HELD, Standing.COUNTED, Standing.UNVERIFIED)
FIND = """
SELECT 'bounce', id FROM bounces_bounce WHERE attempt_id = ANY(%(attempts)b::bigint[])
UNION ALL
SELECT 'bounce', id FROM bounces_bounce WHERE address_id = ANY(%(addresses)b::bigint[]) AND attempt_id IS NULL
UNION ALL
SELECT 'complaint', id FROM bounces_complaint
WHERE address_id = ANY(%(addresses)b::bigint[])
  AND (attempt_id IS NULL OR attempt_id = ANY(%(attempts)b::bigint[]))
UNION ALL
SELECT 'early', id FROM bounces_earlyoutcome WHERE address_id = ANY(%(addresses)b::bigint[])
"""


@dataclass(slots=True)
class Joined:
    """`changed`: the addresses with a bounce that changed; `moved`: those with an attempt whose delivery came early."""

    changed: set[int] = field(default_factory=set)
    moved: set[int] = field(default_factory=set)
    difference: Counter[Cell] = field(default_factory=Counter)


class Messages:
    """The messages of a batch, by their attempts and by what they are called."""

    def __init__(self, messages: Sequence[Message], gone: Mapping[int, Attempt], domains: Mapping[int, str]) -> None:
        self.domains = domains
        self.by_key: dict[Key, Message] = {}
        self.by_attempt: dict[int, Key] = {}
        self.by_address: dict[int, set[Key]] = defaultdict(set)
        self.names: dict[Key, set[str]] = defaultdict(set)
        for message in messages:
            key = (message.address_id, message.key)
            self.by_key[key] = message
            self.by_address[message.address_id].add(key)
            self.names[key].update(as_text(name) for name in message.names)
            if message.attempt is not None:
                self.by_attempt[message.attempt.pk] = key
        for pk, heir in gone.items():
            self.by_attempt[pk] = self.by_attempt[heir.pk]

    def of_bounce(self, bounce: Bounce) -> Key | None:
        if bounce.attempt_id is not None:
            return self.by_attempt.get(bounce.attempt_id)
        final, stored = final_of(bounce), bytes(bounce.failure_key)
        return self._called(bounce.address_id, lambda name: failure_key_of(name, bounce.address_id, final) == stored)

    def of_complaint(self, complaint: Complaint) -> Key | None:
        if complaint.attempt_id is not None:
            return self.by_attempt.get(complaint.attempt_id)
        stored = bytes(complaint.complaint_key)
        return self._called(complaint.address_id, lambda name: complaint_key_of(name, complaint.address_id) == stored)

    def of_early(self, outcome: EarlyOutcome) -> Key | None:
        key = self._called(outcome.address_id, lambda name: name == outcome.name)
        return key if key and self.by_key[key].attempt is not None else None

    def _called(self, address_id: int, fits: Callable[[str], bool]) -> Key | None:
        return next((key for key in self.by_address[address_id] if any(fits(name) for name in self.names[key])), None)


def join(messages: Sequence[Message], gone: Mapping[int, Attempt], domains: Mapping[int, str]) -> Joined:
    """Gives those messages what is theirs; `gone` says which attempt took the place of one that is no more.

    `domains` are those of their addresses, which are locked by the caller. May run twice.
    """
    joined = Joined()
    if not messages:
        return joined
    ours = Messages(messages, gone, domains)
    found = _find(ours)
    if not found:
        return joined
    attempts = {m.attempt.pk: m.attempt for m in messages if m.attempt is not None}
    before = {pk: copy(attempt) for pk, attempt in attempts.items()}
    _join_outcomes(ours, found["early"])  # first: they may name the campaign that the others are counted under
    _join_bounces(ours, found["bounce"], joined)
    _join_complaints(ours, found["complaint"], joined)
    changed = [attempt for pk, attempt in attempts.items() if _values(attempt) != _values(before[pk])]
    update_attempts(changed)
    for attempt in changed:
        old, domain = before[attempt.pk], domains[attempt.address_id]
        joined.difference.update(counts_of_attempt(attempt, domain))
        joined.difference.subtract(counts_of_attempt(old, domain))
        if attempt.delivered_at != old.delivered_at:
            joined.moved.add(attempt.address_id)
    return joined


def _find(ours: Messages) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for what, pk in run(FIND, {"attempts": sorted(ours.by_attempt), "addresses": sorted(ours.by_address)}):
        found[what].append(pk)
    return found


def _values(attempt: Attempt) -> dict[str, object]:
    return {name: value for name, value in attempt.__dict__.items() if name != "_state"}


def _join_bounces(ours: Messages, ids: Sequence[int], joined: Joined) -> None:
    groups: dict[bytes, list[Bounce]] = defaultdict(list)
    owners: dict[bytes, Message] = {}
    for bounce in Bounce.objects.select_for_update().filter(pk__in=ids).order_by("pk"):
        message = ours.of_bounce(bounce)
        if message is not None:
            key = failure_key_of(message[1], bounce.address_id, final_of(bounce))
            groups[key].append(bounce)
            owners[key] = ours.by_key[message]
    present = {bounce.pk for bounces in groups.values() for bounce in bounces}
    twins = Bounce.objects.select_for_update().filter(failure_key__in=list(groups)).exclude(pk__in=present)
    for twin in twins.order_by("pk") if groups else ():
        groups[bytes(twin.failure_key)].append(twin)
    before = {bounce.pk: copy(bounce) for bounces in groups.values() for bounce in bounces}
    for key, bounces in groups.items():
        _fold(bounces, key, owners[key].attempt)
    Bounce.objects.filter(pk__in=[b.pk for bounces in groups.values() for b in bounces[1:]]).delete()
    update(Bounce, [bounces[0] for bounces in groups.values()], [*WRITTEN, "failure_key", "incident_id"])
    for key, (kept, *others) in groups.items():
        domain = ours.domains[kept.address_id]
        joined.difference.update(counts_of_bounce(kept, domain))
        for bounce in (kept, *others):
            joined.difference.subtract(counts_of_bounce(before[bounce.pk], domain))
        if others or judged(kept) != judged(before[kept.pk]):
            joined.changed.add(kept.address_id)
        attempt = owners[key].attempt
        if attempt is not None:
            _note_failure(attempt, kept)


def final_of(bounce: Bounce) -> str:
    return deferral_of(bounce.occurred_at) if bounce.kind == Kind.DEFERRED else "final"


def _fold(bounces: list[Bounce], key: bytes, attempt: Attempt | None) -> None:
    """Makes one of several: the first stays, with the best verdict, the earliest date and all the evidence."""
    into, others = bounces[0], bounces[1:]
    gravest = min(bounces, key=lambda bounce: GRAVEST.index(Standing(bounce.standing)))
    into.standing, into.incident_id = gravest.standing, gravest.incident_id
    for other in others:
        into.occurred_at = occurred_at(into, other.occurred_at, is_proved=is_proved_already(other))
        if other.evidence_rank > into.evidence_rank:
            for name in (*VERDICT, "provider"):
                setattr(into, name, getattr(other, name))
    into.failure_key = key
    if attempt is not None:
        link(into, attempt)
    if others:
        Evidence.objects.filter(bounce__in=others).update(bounce=into)


def _note_failure(attempt: Attempt, bounce: Bounce) -> None:
    """A failure that was told before its attempt was known is what became of the attempt."""
    if bounce.standing == Standing.UNVERIFIED:
        return
    attempt.sent_at = min(attempt.sent_at, bounce.occurred_at)
    if bounce.kind == Kind.DEFERRED:
        attempt.deferred_at = earliest(attempt.deferred_at, bounce.occurred_at)
    else:
        attempt.bounced_at = earliest(attempt.bounced_at, bounce.occurred_at)
        attempt.bounce_standing = bounce.standing


def _join_complaints(ours: Messages, ids: Sequence[int], joined: Joined) -> None:
    groups: dict[Key, list[Complaint]] = defaultdict(list)
    for complaint in Complaint.objects.select_for_update().filter(pk__in=ids).order_by("pk"):
        message = ours.of_complaint(complaint)
        if message is not None:
            groups[message].append(complaint)
    present = {complaint.pk for complaints in groups.values() for complaint in complaints}
    keys = {complaint_key_of(key, address_id): (address_id, key) for address_id, key in groups}
    twins = Complaint.objects.select_for_update().filter(complaint_key__in=list(keys)).exclude(pk__in=present)
    for twin in twins.order_by("pk") if groups else ():
        groups[keys[bytes(twin.complaint_key)]].append(twin)
    for message, (into, *others) in groups.items():
        attempt, domain = ours.by_key[message].attempt, ours.domains[into.address_id]
        for complaint in (into, *others):
            joined.difference.subtract(counts_of_complaint(complaint, domain))
        for other in others:
            fold(into, other)
            other.delete()
        into.complaint_key = complaint_key_of(message[1], into.address_id)
        if attempt is not None:
            link_complaint(into, attempt)
            if into.standing != Standing.UNVERIFIED:
                attempt.complained_at = earliest(attempt.complained_at, into.occurred_at)
                attempt.sent_at = min(attempt.sent_at, into.occurred_at)
        into.save(update_fields=[*COMPLAINT_WRITTEN, "complaint_key"])
        joined.difference.update(counts_of_complaint(into, domain))


def _join_outcomes(ours: Messages, ids: Sequence[int]) -> None:
    taken = []
    for outcome in EarlyOutcome.objects.filter(pk__in=ids).order_by("pk"):
        message = ours.of_early(outcome)
        attempt = ours.by_key[message].attempt if message is not None else None
        if attempt is not None:
            note_event(attempt, outcome.event, outcome.occurred_at, outcome.sender, outcome.campaign_key)
            taken.append(outcome.pk)
    EarlyOutcome.objects.filter(pk__in=taken).delete()
