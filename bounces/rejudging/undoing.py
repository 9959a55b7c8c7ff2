"""Taking a run back that judged bounces again: the old verdicts return, and the statuses follow from them.

In: a run that ended, its rows. Out: evidence and bounces as they were, the daily counts, the addresses judged again at
once; what has been judged anew since is kept, and counted. Stages: record, evaluate.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from copy import copy
from datetime import datetime

from bounces import policy
from bounces.models import Address, Bounce, CleaningRow, CleaningRun, Evidence, Policy, RejudgedBounce
from bounces.recording.failures import take_verdict
from bounces.rejudging.judging import KEPT, best_of, kept_of
from bounces.rejudging.working import evidence_of, lock_bounces, next_rows, note_outcomes, write_verdicts

Outcome = RejudgedBounce.Outcome


def undo_chunk(run: CleaningRun, now: datetime, size: int) -> None:
    """The job's step."""
    rows = next_rows(run.rejudged.filter(outcome=Outcome.APPLIED), size)
    if rows:
        take_back(run, rows, now)
    else:
        run.state, run.returns_to, run.finished_at = run.returns_to, "", now


def take_back_addresses(run: CleaningRun, address_ids: Collection[int], now: datetime) -> tuple[int, int]:
    """Everything that the run did to these addresses; returns how many went back, and were kept."""
    return take_back(run, list(run.rejudged.filter(address_id__in=address_ids, outcome=Outcome.APPLIED)), now)


def take_back(run: CleaningRun, rows: Sequence[RejudgedBounce], now: datetime) -> tuple[int, int]:
    """Inside the caller's transaction. Returns addresses whose status went back, and was kept."""
    address_ids = sorted({row.address_id for row in rows})
    policy.lock_addresses(address_ids)
    undone = _restore_verdicts(rows)
    note_outcomes(rows, undone, Outcome.UNDONE, Outcome.KEPT)
    run.rejudging.undone += len(undone)
    run.rejudging.kept += len(rows) - len(undone)
    run.rejudging.save()
    active = Policy.active()
    policy.apply(policy.evaluate(address_ids, active, now), active, now, actor_id=run.undone_by_id)
    return _note_statuses(run, address_ids)


def _restore_verdicts(rows: Sequence[RejudgedBounce]) -> set[int]:
    """Returns the rows whose bounce is as it was. One whose evidence was judged anew since stays as it is."""
    bounces = {bounce.pk: bounce for bounce in lock_bounces(rows)}
    evidence = evidence_of(bounces)
    undone: set[int] = set()
    pairs: list[tuple[Bounce, Bounce]] = []
    restored: list[Evidence] = []
    for row in rows:
        pieces = {piece.pk: piece for piece in evidence[row.bounce_id]}
        if not _is_untouched(row, pieces):
            continue
        for change in row.evidence:
            for name, value in zip(KEPT, change["before"], strict=True):
                setattr(pieces[change["id"]], name, value)
            restored.append(pieces[change["id"]])
        after = copy(bounces[row.bounce_id])
        take_verdict(after, best_of(pieces.values()))
        pairs.append((bounces[row.bounce_id], after))
        undone.add(row.pk)
    write_verdicts(pairs, restored)
    return undone


def _is_untouched(row: RejudgedBounce, pieces: dict[int, Evidence]) -> bool:
    return all(change["id"] in pieces and kept_of(pieces[change["id"]]) == change["after"] for change in row.evidence)


def _note_statuses(run: CleaningRun, address_ids: Collection[int]) -> tuple[int, int]:
    rows = list(run.rows.filter(address_id__in=address_ids, outcome=CleaningRow.Outcome.APPLIED))
    status = dict(Address.objects.filter(pk__in=address_ids).values_list("pk", "status"))
    undone = [row.pk for row in rows if status.get(row.address_id) == row.from_status]
    kept = [row.pk for row in rows if row.pk not in set(undone)]
    run.rows.filter(pk__in=undone).update(outcome=CleaningRow.Outcome.UNDONE)
    run.rows.filter(pk__in=kept).update(outcome=CleaningRow.Outcome.KEPT)
    run.undone += len(undone)
    run.kept += len(kept)
    return len(undone), len(kept)
