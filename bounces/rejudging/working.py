"""The steps of a run that judges bounces again, one transaction each; `cleaning/working.py` takes them in order.

In: a run, a moment. Out: a RejudgedBounce for each bounce that is judged otherwise, and a target for its address; once
those are evaluated, the verdicts, the daily counts and the statuses, an address's all together. Stages: classify,
evaluate. Its place is in the database, written with each chunk: it may be killed anywhere.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import lru_cache

from django.db import connection
from django.db.models import QuerySet

from bounces import policy
from bounces.classification import RuleSet
from bounces.classification.overrides import Override
from bounces.models import Bounce, CleaningRow, CleaningRun, Dirty, Evidence, Policy, RejudgedBounce, Rejudging
from bounces.recording.failures import VERDICT
from bounces.recording.statistics import Cell, add_counts, counts_of_bounce
from bounces.rejudging.judging import JUDGED, KEPT, Rejudged, judge_again, verdict_of
from bounces.rules_in_force import compile_rules, fingerprint_of, rules_in_force
from bounces.values import Standing

JUDGE_CHUNK = 2_000  # bounces
APPLY_CHUNK = 1_000  # bounces; all of one address are of one chunk
WRITTEN = (*VERDICT, "provider")
Outcome = RejudgedBounce.Outcome
State = CleaningRun.State

# What the evaluator reads instead of the bounces: those that the run judges otherwise as they would be.
AS_REJUDGED = """(
    SELECT b.id, b.address_id, b.failure_key, b.occurred_at, b.standing,
           COALESCE(r.to_kind, b.kind) AS kind, COALESCE(r.to_fault, b.fault) AS fault,
           COALESCE(r.to_reason, b.reason) AS reason,
           CASE WHEN e.id IS NULL THEN b.smtp_code ELSE e.smtp_code END AS smtp_code,
           CASE WHEN e.id IS NULL THEN b.enhanced_code ELSE e.enhanced_code END AS enhanced_code,
           CASE WHEN e.id IS NULL THEN b.remote_mta ELSE e.remote_mta END AS remote_mta,
           CASE WHEN e.id IS NULL THEN b.forwarded_to ELSE e.forwarded_to END AS forwarded_to,
           COALESCE(e.rank, b.evidence_rank) AS evidence_rank
    FROM bounces_bounce b
    LEFT JOIN bounces_rejudgedbounce r ON r.bounce_id = b.id AND r.run_id = %(run)s AND r.outcome = 'pending'
    LEFT JOIN bounces_evidence e ON e.id = r.decided_by
)"""
KEEP_TARGETS = """
INSERT INTO bounces_cleaningtarget (run_id, address_id) SELECT %s, unnest(%s::bigint[])
ON CONFLICT (run_id, address_id) DO NOTHING
"""
# Django's bulk_update took 4 ms a row for the same.
WRITE_EVIDENCE = """
UPDATE bounces_evidence e SET kind = n.kind, fault = n.fault, reason = n.reason, rule = n.rule, rank = n.rank
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
    AS n(id, kind, fault, reason, rule, rank)
WHERE e.id = n.id
"""
WRITE_BOUNCES = """
UPDATE bounces_bounce b SET {sets}
FROM unnest(%s::bigint[], {arrays}) AS n(id, {names})
WHERE b.id = n.id
""".format(
    sets=", ".join(f"{name} = n.{name}" for name in WRITTEN),
    arrays=", ".join("%s::smallint[]" if name == "smtp_code" else "%s::text[]" for name in WRITTEN),
    names=", ".join(WRITTEN),
)


def judge_chunk(run: CleaningRun) -> bool:
    """Judges the next bounces; whether all are judged."""
    part = run.rejudging
    waiting = Bounce.objects.filter(pk__gt=part.cursor, pk__lte=part.until)
    bounces = list(waiting.select_related("address").order_by("pk")[:JUDGE_CHUNK])
    found = judge_all(bounces, rules_of(part))
    RejudgedBounce.objects.bulk_create(
        (_row(run, bounce, found[bounce.pk]) for bounce in bounces if bounce.pk in found), ignore_conflicts=True
    )
    counted = {b.address_id for b in bounces if b.pk in found and b.standing == Standing.COUNTED}
    with connection.cursor() as cursor:
        cursor.execute(KEEP_TARGETS, [run.pk, sorted(counted)])
    part.judged += len(bounces)
    part.found += sum(rejudged.moves for rejudged in found.values())
    part.renamed += sum(not rejudged.moves for rejudged in found.values())
    if bounces:
        part.cursor = bounces[-1].pk
    if len(bounces) < JUDGE_CHUNK:
        part.is_judged, part.total = True, part.judged
        run.total = run.targets.count()
    part.save()
    return part.is_judged


def judge_all(bounces: Sequence[Bounce], rules: RuleSet) -> dict[int, Rejudged]:
    """Those that are judged otherwise, by id. Their addresses are selected with them."""
    pieces = evidence_of(bounce.pk for bounce in bounces)
    judged = {b.pk: judge_again(b, pieces[b.pk], b.address.email, rules) for b in bounces if b.pk in pieces}
    return {pk: rejudged for pk, rejudged in judged.items() if rejudged}


def evidence_of(bounce_ids: Iterable[int]) -> dict[int, list[Evidence]]:
    pieces: dict[int, list[Evidence]] = defaultdict(list)
    for piece in Evidence.objects.filter(bounce_id__in=list(bounce_ids)).order_by("pk"):
        pieces[piece.bounce_id].append(piece)
    return pieces


def rules_of(part: Rejudging) -> RuleSet:
    return _compile(json.dumps(part.overrides, sort_keys=True))


@lru_cache(maxsize=4)
def _compile(overrides: str) -> RuleSet:
    """Kept: a run has many chunks, and compiling takes 50 ms."""
    return compile_rules([Override.from_plain(each) for each in json.loads(overrides)])


def is_outdated(run: CleaningRun) -> bool:
    """Whether other rules are in force than those by which the run has judged."""
    return run.rejudging.fingerprint != fingerprint_of(rules_in_force())


def _row(run: CleaningRun, bounce: Bounce, rejudged: Rejudged) -> RejudgedBounce:
    before, after = verdict_of(bounce), verdict_of(rejudged.bounce)
    return RejudgedBounce(
        run=run,
        bounce=bounce,
        address_id=bounce.address_id,
        moves=rejudged.moves,
        decided_by=rejudged.deciding.pk,
        evidence=rejudged.difference,
        **{f"from_{name}": value for name, value in zip(JUDGED, before, strict=True)},
        **{f"to_{name}": value for name, value in zip(JUDGED, after, strict=True)},
    )


def apply_chunk(run: CleaningRun, now: datetime, size: int) -> None:
    """Writes the next verdicts that are still what the preview said, and judges their addresses at once."""
    rows = next_rows(run.rejudged.filter(outcome=Outcome.PENDING), size)
    if not rows:
        run.rows.filter(outcome=CleaningRow.Outcome.PENDING).update(outcome=CleaningRow.Outcome.LEFT_OUT)
        run.state, run.finished_at = State.DONE, now
        return
    policy.lock_addresses(sorted({row.address_id for row in rows}))
    changed = _apply_verdicts(run, rows)
    moved = _apply_statuses(run, {row.address_id for row in rows}, now)
    # What the preview did not say of a status is judged as any news.
    Dirty.objects.bulk_create([Dirty(address_id=pk) for pk in sorted(changed - moved)])


def next_rows(waiting: QuerySet[RejudgedBounce], size: int) -> list[RejudgedBounce]:
    """`size` rows at most (and APPLY_CHUNK), or all of one address that has more."""
    size = min(size, APPLY_CHUNK)
    rows = list(waiting.order_by("address_id", "pk")[: size + 1])
    if len(rows) <= size:
        return rows
    last = rows[-1].address_id
    return [row for row in rows if row.address_id != last] or list(waiting.filter(address_id=last).order_by("pk"))


def lock_bounces(rows: Iterable[RejudgedBounce]) -> list[Bounce]:
    wanted = Bounce.objects.filter(pk__in=[row.bounce_id for row in rows]).select_related("address")
    return list(wanted.order_by("pk").select_for_update(of=("self",)))


def _apply_verdicts(run: CleaningRun, rows: Sequence[RejudgedBounce]) -> set[int]:
    """Returns the addresses of which a counted bounce is another now."""
    bounces = lock_bounces(rows)
    found = judge_all(bounces, rules_of(run.rejudging))
    same = {row.bounce_id for row in rows if row.bounce_id in found and _is_as_previewed(row, found[row.bounce_id])}
    changed = write_verdicts(
        [(bounce, found[bounce.pk].bounce) for bounce in bounces if bounce.pk in same],
        [piece for pk in same for piece in found[pk].pieces],
    )
    note_outcomes(rows, {row.pk for row in rows if row.bounce_id in same}, Outcome.APPLIED, Outcome.LEFT_OUT)
    run.rejudging.applied += len(same)
    run.rejudging.left_out += len(rows) - len(same)
    run.rejudging.save()
    return changed


def _is_as_previewed(row: RejudgedBounce, rejudged: Rejudged) -> bool:
    """A piece of evidence that came since may decide otherwise; the next run judges that."""
    return (row.decided_by, row.evidence) == (rejudged.deciding.pk, rejudged.difference)


def write_verdicts(pairs: Sequence[tuple[Bounce, Bounce]], pieces: Sequence[Evidence]) -> set[int]:
    """Writes bounces (before, after) and evidence whose addresses are locked; the daily counts go with them."""
    difference: Counter[Cell] = Counter()
    for before, after in pairs:
        difference.update(counts_of_bounce(after, after.address.domain))
        difference.subtract(counts_of_bounce(before, before.address.domain))
    with connection.cursor() as cursor:
        cursor.execute(WRITE_EVIDENCE, columns(pieces, ("pk", *KEPT)))
        cursor.execute(WRITE_BOUNCES, columns([after for _, after in pairs], ("pk", *WRITTEN)))
    add_counts(difference)
    return {after.address_id for _, after in pairs if after.standing == Standing.COUNTED}


def columns(rows: Sequence[Bounce] | Sequence[Evidence], names: Sequence[str]) -> list[list[object]]:
    return [[getattr(row, name) for row in rows] for name in names]


def note_outcomes(rows: Iterable[RejudgedBounce], done: Collection[int], well: str, otherwise: str) -> None:
    left = [row.pk for row in rows if row.pk not in done]
    RejudgedBounce.objects.filter(pk__in=done).update(outcome=well)
    RejudgedBounce.objects.filter(pk__in=left).update(outcome=otherwise)


def _apply_statuses(run: CleaningRun, address_ids: Collection[int], now: datetime) -> set[int]:
    """Moves the addresses that move as the preview said; returns them."""
    active = Policy.active()
    rows = list(run.rows.filter(address_id__in=address_ids, outcome=CleaningRow.Outcome.PENDING))
    fresh = {t.address_id: t for t in policy.evaluate(sorted(row.address_id for row in rows), active, now)}
    same = [row for row in rows if row.address_id in fresh and row.is_as(fresh[row.address_id])]
    moves = [fresh[row.address_id] for row in same]
    run.applied += policy.apply(moves, active, now, run_id=run.pk, actor_id=run.started_by_id)
    run.left_out += len(rows) - len(same)
    applied = [row.pk for row in same]
    run.rows.filter(pk__in=applied).update(outcome=CleaningRow.Outcome.APPLIED)
    run.rows.filter(pk__in=[row.pk for row in rows if row.pk not in set(applied)]).update(
        outcome=CleaningRow.Outcome.LEFT_OUT
    )
    return {row.address_id for row in same}
