"""Merge all certain pairs in the background, and undo such a run.

In: a user, a reason. Out: a MergeRun, worked off by the `bulk` worker with one transaction per pair, so that it can be
killed anywhere and resumes. Each pair is scored again just before its merge; pairs that are no longer certain are
skipped and stay in the queue.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from bounces import lease
from contacts.access import User
from contacts.duplicates.companies import facts_of_companies, judge_companies
from contacts.duplicates.deciding import AlreadyDecided, kept_first, merge_pair
from contacts.duplicates.facts import facts_of
from contacts.duplicates.queue import CERTAIN, MAY, SIDES, open_pairs
from contacts.duplicates.scoring import judge
from contacts.merging import CannotUndo, undo_merge
from contacts.models import Company, DuplicatePair, Merge, MergeRun
from contacts.people import NotAllowed

Clock = Callable[[], datetime]
State = MergeRun.State
LEASE = "merge run"
LEASE_LASTS = timedelta(seconds=60)


class RunRefused(ValueError):
    """The run cannot begin. The message is shown to people."""


def start_run(user: User, reason: str) -> MergeRun:
    """Raises RunRefused, NotAllowed."""
    if not user.has_perm(MAY):
        raise NotAllowed("Only managers merge contacts.")
    if not reason.strip():
        raise RunRefused("Say why, so that others can read it later.")
    certain = open_pairs(user, CERTAIN)
    last = certain.order_by("-pk").values_list("pk", flat=True).first()
    if last is None:
        raise RunRefused("There are no certain pairs to merge.")
    return _begin(MergeRun(by=user, reason=reason.strip(), last_pair_id=last, total=certain.count()))


def undo_run(run: MergeRun, user: User) -> MergeRun:
    """Raises RunRefused, NotAllowed."""
    if not user.has_perm(MAY):
        raise NotAllowed("Only managers undo merges.")
    if run.state != State.DONE:
        raise RunRefused("This run cannot be undone: it is still running, or was undone already.")
    run.state, run.finished_at = State.UNDOING, None
    return _begin(run)


def _begin(run: MergeRun) -> MergeRun:
    try:
        with transaction.atomic():
            run.save()
    except IntegrityError as error:
        raise RunRefused("Another run is in progress. Wait until it finishes.") from error
    return run


def is_waiting(now: datetime) -> bool:  # noqa: ARG001 -- as the setting WAITING_WORK calls it
    return MergeRun.objects.filter(state__in=MergeRun.OPEN).exists() and lease.is_free(LEASE)


def work(clock: Clock) -> None:
    """Finish the open run, if there is one. Idempotent."""
    with lease.kept(LEASE, LEASE_LASTS) as held:
        run = MergeRun.objects.filter(state__in=MergeRun.OPEN).select_related("by").first()
        if held is None or run is None:
            return
        if run.state == State.RUNNING:
            _merge_all(run, clock)
        else:
            _undo_all(run, clock)


def _merge_all(run: MergeRun, clock: Clock) -> None:
    """Go through the pairs by id. If the user who started the run was deleted, stop merging."""
    done = Merge.objects.filter(run=run).count()
    after = 0
    while run.by and (pair := _following(run, after)):
        after = pair.pk
        done += _merge_one(pair, run, clock())
        MergeRun.objects.filter(pk=run.pk).update(merged=done)
    MergeRun.objects.filter(pk=run.pk).update(
        state=State.DONE, merged=done, skipped=max(0, run.total - done), finished_at=clock()
    )


def _following(run: MergeRun, after: int) -> DuplicatePair | None:
    certain = open_pairs(run.by, CERTAIN).filter(pk__gt=after, pk__lte=run.last_pair_id)
    return certain.select_related(*SIDES).order_by("pk").first()


def _merge_one(pair: DuplicatePair, run: MergeRun, now: datetime) -> bool:
    """True if the pair was merged: it is still certain, and this user may merge it."""
    if not _is_certain_still(pair):
        return False
    kept, other = kept_first(pair)
    try:
        merge_pair(pair, kept, other, (), by=run.by, now=now, reason=run.reason, run=run)
    except (NotAllowed, AlreadyDecided):
        return False
    return True


def _is_certain_still(pair: DuplicatePair) -> bool:
    """By the same facts as in the search. A side may be gone by now."""
    if pair.is_of_companies:
        companies = facts_of_companies(Company.objects.filter(pk__in=pair.ids))
        judged = judge_companies(companies[0], companies[1]) if len(companies) == 2 else None
    else:
        contacts = list(facts_of(pair.ids).values())
        judged = judge(contacts[0], contacts[1]) if len(contacts) == 2 else None
    return judged is not None and judged.is_certain


def _undo_all(run: MergeRun, clock: Clock) -> None:
    """Undo the newest merge first. Merges that cannot be undone, or not by this user, stay."""
    before = None
    undone = Merge.objects.filter(run=run, state=Merge.State.UNDONE).count()
    while run.by and (merge := _preceding(run, before)):
        before = merge.pk
        try:
            undo_merge(merge, by=run.by, now=clock())
        except (CannotUndo, NotAllowed):
            continue
        undone += 1
        MergeRun.objects.filter(pk=run.pk).update(undone=undone)
    MergeRun.objects.filter(pk=run.pk).update(state=State.UNDONE, undone=undone, finished_at=clock())


def _preceding(run: MergeRun, before: int | None) -> Merge | None:
    merges = Merge.objects.filter(run=run, state=Merge.State.DONE)
    return (merges.filter(pk__lt=before) if before else merges).order_by("-pk").first()
