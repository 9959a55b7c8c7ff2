"""Bounces and their evidence: one failure, one row, however many channels tell of it.

In: Told values of bounced and deferred recipients, with their attempts. Out: Bounce and Evidence rows, which bounces
changed, and the difference to the daily counts.

`failure_key` is the identity of a failure: (message, address, final), without code or time; a deferral adds its day.
What the message is called there: `key_of_message` in `names.py`. Of several pieces of evidence the one with the
greatest rank gives the verdict, so the order in which they arrive does not matter; what has no proof changes nothing
that has.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime

from bounces.addresses import domain_of
from bounces.models import Attempt, Bounce, Complaint, Evidence
from bounces.providers import provider_of_host
from bounces.recording.rows import insert, update
from bounces.recording.statistics import Cell, counts_of_bounce, day_of
from bounces.recording.told import Told
from bounces.values import Event, Judgement, Kind, Report, Standing

VERDICT = (
    "kind",
    "fault",
    "reason",
    "smtp_code",
    "enhanced_code",
    "diagnostic",
    "remote_mta",
    "rule",
    "evidence_rank",
    "forwarded_to",
)
WRITTEN = (*VERDICT, "standing", "occurred_at", "attempt_id", "campaign_key", "sender", "provider")
MADE = ("address_id", "failure_key")
SAID = (
    "bounce_id", "inbound_item_id", "source", "trust", "kind", "fault", "reason", "smtp_code", "enhanced_code",
    "diagnostic", "command", "remote_mta", "reporting_mta", "provider", "reader", "rule", "rank", "occurred_at",
    "claimed_at", "forwarded_to",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Failure:
    told: Told
    judgement: Judgement
    address_id: int
    attempt: Attempt | None
    message: str  # what its message is called in the keys of failures
    provider: str  # who receives for its domain, should the report not say who refused


def failure_key(failure: Failure) -> bytes:
    told = failure.told
    final = "final" if told.report.event == Event.BOUNCED else deferral_of(told.occurred_at)
    return failure_key_of(failure.message, failure.address_id, final)


def failure_key_of(message: str, address_id: int, final: str) -> bytes:
    return _digest(message, str(address_id), final)


def deferral_of(at: datetime) -> str:
    """A deferral is one a day."""
    return f"deferred {day_of(at)}"


def complaint_key_of(message: str, address_id: int) -> bytes:
    return _digest(message, str(address_id), "complaint")


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).digest()


def rank_of(evidence: Evidence, *, is_proved: bool) -> str:
    """Orders evidence: proved, then a known reason, then the other side's own words, then its codes.

    The tail makes the order total: of two that say as much, always the same one decides. Only columns go into it, so
    that a piece which is judged again later ranks as if it had been told then.
    """
    known = evidence.reason not in ("undefined", "onhold", "")
    replycode = str(evidence.smtp_code or "")
    judged = (evidence.kind, evidence.fault, evidence.reason, evidence.rule)
    said = (evidence.diagnostic, evidence.enhanced_code, replycode, evidence.remote_mta, evidence.provider)
    tail = _digest(*judged, *said).hex()[:16]
    flags = (is_proved, known, bool(evidence.diagnostic), bool(evidence.enhanced_code), bool(replycode))
    return "".join(str(int(flag)) for flag in flags) + "-" + tail


def record_failures(failures: Sequence[Failure]) -> tuple[set[int], Counter[Cell]]:
    """Writes bounces and evidence of reports that were not recorded before. Their addresses are locked by the caller.

    Returns the ids of the addresses for which a counted bounce is new or changed, and the daily counts' difference.
    """
    keys = [failure_key(failure) for failure in failures]
    found = {bytes(b.failure_key): b for b in Bounce.objects.select_for_update().filter(failure_key__in=set(keys))}
    before = {key: copy(bounce) for key, bounce in found.items()}
    evidence = [_evidence(failure) for failure in failures]
    for key, failure, piece in zip(keys, failures, evidence, strict=True):
        found[key] = piece.bounce = _merge(found.get(key), key, failure, piece)
    touched = {key: found[key] for key in keys}
    insert(Bounce, [bounce for key, bounce in touched.items() if key not in before], (*MADE, *WRITTEN))
    update(Bounce, [bounce for key, bounce in touched.items() if key in before], WRITTEN)
    for piece in evidence:
        piece.bounce_id = piece.bounce.pk
    insert(Evidence, evidence, SAID)
    domains = {key: domain_of(failure.told.email) for key, failure in zip(keys, failures, strict=True)}
    return _what_changed(touched, before, domains)


def _what_changed(
    touched: dict[bytes, Bounce], before: dict[bytes, Bounce], domains: dict[bytes, str]
) -> tuple[set[int], Counter[Cell]]:
    changed: set[int] = set()
    difference: Counter[Cell] = Counter()
    for key, bounce in touched.items():
        old = before.get(key)
        difference.update(counts_of_bounce(bounce, domains[key]))
        difference.subtract(counts_of_bounce(old, domains[key]))
        if bounce.standing == Standing.COUNTED and (old is None or judged(old) != judged(bounce)):
            changed.add(bounce.address_id)
    return changed, difference


def judged(bounce: Bounce) -> tuple[object, ...]:
    return tuple(getattr(bounce, name) for name in ("standing", "occurred_at", *VERDICT))


def _merge(bounce: Bounce | None, key: bytes, failure: Failure, evidence: Evidence) -> Bounce:
    """The bounce as it stands once this evidence is known too."""
    told = failure.told
    standing = Standing.COUNTED if told.is_trusted else Standing.UNVERIFIED
    if bounce is None:
        bounce = Bounce(address_id=failure.address_id, failure_key=key, standing=standing, occurred_at=told.occurred_at)
    bounce.occurred_at = occurred_at(bounce, told.occurred_at, is_proved=told.is_trusted)
    if bounce.standing == Standing.UNVERIFIED:
        bounce.standing = standing
    if failure.attempt is not None:
        link(bounce, failure.attempt)
    if evidence.rank > bounce.evidence_rank:
        take_verdict(bounce, evidence)
    return bounce


def link(row: Bounce | Complaint, attempt: Attempt) -> None:
    """What a failure or a complaint is counted under is its attempt's."""
    row.attempt_id, row.campaign_key, row.sender = attempt.pk, attempt.campaign_key, attempt.sender


def occurred_at(bounce: Bounce, at: datetime, *, is_proved: bool) -> datetime:
    """The earliest that was told: by those with proof, once there is any. A claim moves no proved date."""
    if is_proved == is_proved_already(bounce):
        return min(bounce.occurred_at, at)
    return at if is_proved else bounce.occurred_at


def is_proved_already(bounce: Bounce) -> bool:
    """By its best evidence; a rank begins with whether there is proof."""
    return bounce.evidence_rank.startswith("1")


def take_verdict(bounce: Bounce, evidence: Evidence) -> None:
    """Lets this piece of evidence decide the bounce."""
    for name in VERDICT:
        if name != "evidence_rank":
            setattr(bounce, name, getattr(evidence, name))
    bounce.provider = provider_of_host(evidence.remote_mta) or evidence.provider
    bounce.evidence_rank = evidence.rank


def smtp_code(text: str) -> int | None:
    return int(text) if len(text) == 3 and text.isascii() and text.isdigit() and 200 <= int(text) <= 599 else None


def own_code(report: Report, judgement: Judgement) -> str:
    """Where no server replied, a 4.x.x is the reporting system's own: it says nothing beside a name server's word that
    there is no such domain (Gmail writes 4.0.0 over that), and would keep the bounce from counting as hard.
    """
    is_label = judgement.hard and judgement.reason == "hostunknown" and not report.replycode
    return "" if is_label and report.status.startswith("4") else report.status


def _evidence(failure: Failure) -> Evidence:
    told, judgement, report = failure.told, failure.judgement, failure.told.report
    evidence = Evidence(
        inbound_item_id=told.item_id,
        source=told.source,
        trust=told.trust,
        kind=judgement.kind if report.event == Event.BOUNCED else Kind.DEFERRED,
        fault=judgement.fault,
        reason=judgement.reason,
        rule=judgement.rule,
        smtp_code=smtp_code(report.replycode),
        enhanced_code=own_code(report, judgement),
        diagnostic=report.diagnostic,
        command=report.command,
        remote_mta=report.remote_mta,
        forwarded_to=report.forwarded_to,
        reporting_mta=report.reporting_mta,
        provider=failure.provider,
        reader=report.reader,
        occurred_at=told.occurred_at,
        claimed_at=told.claimed_at,
    )
    evidence.rank = rank_of(evidence, is_proved=told.is_trusted)
    return evidence
