"""One bounce judged again: each of its pieces of evidence by the rules, then the best of them by its rank.

In: a bounce, its evidence, the address it is about, rules. Out: what would change, or None. Stage: classify. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

from bounces.classification import RuleSet, classify
from bounces.models import Bounce, Evidence
from bounces.recording.failures import rank_of, take_verdict
from bounces.values import Event, Kind, Report

JUDGED = ("kind", "fault", "reason", "rule")
KEPT = (*JUDGED, "rank")


@dataclass(frozen=True, slots=True)
class Rejudged:
    """A bounce as it would be."""

    bounce: Bounce  # a copy, with the verdict that it would have
    moves: bool  # kind, fault or reason is another
    deciding: Evidence  # as it would be
    pieces: tuple[Evidence, ...]  # those that are judged otherwise, as they would be
    difference: list[dict[str, Any]]  # of each of those: id, before, after, as KEPT names them


def report_of(evidence: Evidence, email: str) -> Report:
    """What the piece said, as the rules look at it."""
    return Report(
        event=Event.DEFERRED if evidence.kind == Kind.DEFERRED else Event.BOUNCED,
        recipient=email,
        status=evidence.enhanced_code,
        replycode=str(evidence.smtp_code or ""),
        diagnostic=evidence.diagnostic,
        command=evidence.command,
        remote_mta=evidence.remote_mta,
        reporting_mta=evidence.reporting_mta,
    )


def judge_again(bounce: Bounce, evidence: Sequence[Evidence], email: str, rules: RuleSet) -> Rejudged | None:
    """None where every piece is judged as it was."""
    after = [_judge(piece, email, rules) for piece in evidence]
    changed = [(old, new) for old, new in zip(evidence, after, strict=True) if new is not old]
    if not changed:
        return None
    deciding = best_of(after)
    judged = copy(bounce)
    take_verdict(judged, deciding)
    return Rejudged(
        bounce=judged,
        moves=verdict_of(judged)[:3] != verdict_of(bounce)[:3],
        deciding=deciding,
        pieces=tuple(new for _, new in changed),
        difference=[{"id": new.pk, "before": kept_of(old), "after": kept_of(new)} for old, new in changed],
    )


def best_of(evidence: Iterable[Evidence]) -> Evidence:
    return max(evidence, key=lambda piece: piece.rank)


def verdict_of(judged: Bounce | Evidence) -> tuple[str, ...]:
    return tuple(str(getattr(judged, name)) for name in JUDGED)


def kept_of(evidence: Evidence) -> list[str]:
    return [str(getattr(evidence, name)) for name in KEPT]


def _judge(evidence: Evidence, email: str, rules: RuleSet) -> Evidence:
    """The same row where it is judged as it was; else a copy."""
    judgement = classify(report_of(evidence, email), rules=rules)
    now = (judgement.kind, judgement.fault, judgement.reason, judgement.rule)
    if now == verdict_of(evidence):
        return evidence
    after = copy(evidence)
    after.kind, after.fault, after.reason, after.rule = now
    after.rank = rank_of(after, is_proved=evidence.is_proved)
    return after
