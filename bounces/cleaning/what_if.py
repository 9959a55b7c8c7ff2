"""What-if: which addresses other numbers of the policy would move, before anybody saves them.

In: numbers, a person, a scope. Out: a run over a draft policy, judged by the same evaluator and never applied; from it
the numbers are put in force, which starts the run that applies them. Several people may try at once: their runs wait
for the one worker, behind runs that are meant. Drafts are forgotten after KEPT. Stage: evaluate.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from bounces.cleaning.runs import NotReady, cancel_run, start_run
from bounces.models import Address, CleaningRun, Policy
from bounces.policy_versions import SameNumbers, lock_versions, make_draft, make_version
from bounces.rulings import NoReason

State = CleaningRun.State

TRIES_OF_NUMBERS = CleaningRun.objects.filter(what_if=True, rejudges=False)  # tries of rules: `bounces/rejudging/`
KEPT = timedelta(days=7)
FORGET_CHUNK = 20_000


def try_numbers(
    numbers: Mapping[str, int],
    *,
    by: Any,
    now: datetime,
    addresses: QuerySet[Address] | None = None,
    label: str = "All addresses",
) -> CleaningRun:
    """Queues a what-if. It takes the place of the same person's one that is still going on. Raises SameNumbers."""
    with transaction.atomic():
        for older in TRIES_OF_NUMBERS.filter(started_by=by, state__in=CleaningRun.RUNNING):
            cancel_run(older, by, now)
        draft = make_draft(numbers, by=by)
        return start_run(via="page", now=now, by=by, addresses=addresses, label=label, policy=draft)


def put_in_force(run: CleaningRun, *, by: Any, note: str, now: datetime) -> CleaningRun:
    """Makes the numbers of a what-if the policy, and starts the run over all addresses that applies them.

    Both or neither. Raises NoReason, NotReady, SameNumbers, AlreadyRunning.
    """
    if not note.strip():
        raise NoReason("Say why, so that others can read it later.")
    with transaction.atomic():
        lock_versions()  # whoever puts numbers in force at the same time waits, and finds the other's version
        _check(run, Policy.active())
        make_version(run.policy.numbers, by=by, note=note.strip())
        return start_run(via="policy", now=now, by=by)


def _check(run: CleaningRun, active: Policy) -> None:
    if not run.what_if or run.rejudges or run.state != State.READY:
        raise NotReady("Only a what-if that has looked at all its addresses can be put in force.")
    if run.policy.numbers == active.numbers:
        raise SameNumbers(f"These numbers are in force already: policy version {active.version} has them.")
    if active.pk > run.policy_id:  # by their order, not by clocks, which may differ
        raise NotReady(f"Policy version {active.version} came into force after this was tried. Try the numbers again.")


def forget_old(now: datetime) -> int:
    """Deletes the what-ifs and tries of rules that are older than KEPT, with their drafts; returns how many.

    May be killed and run again. A chunk of rows a transaction: a run over ten million addresses holds nobody up.
    """
    old = CleaningRun.objects.filter(what_if=True, created_at__lt=now - KEPT).exclude(state__in=CleaningRun.RUNNING)
    ids = list(old.values_list("pk", flat=True))
    for pk in ids:
        for table in ("bounces_cleaningrow", "bounces_cleaningtarget", "bounces_rejudgedbounce"):
            while _delete_chunk(table, pk):
                pass
    CleaningRun.objects.filter(pk__in=ids).delete()
    drafts = Policy.objects.filter(version__isnull=True, created_at__lt=now - KEPT)
    drafts.exclude(pk__in=CleaningRun.objects.values("policy")).delete()
    return len(ids)


def _delete_chunk(table: str, run_id: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {table} WHERE id = ANY(ARRAY(SELECT id FROM {table} WHERE run_id = %s LIMIT %s))",  # noqa: S608  (a constant)
            [run_id, FORGET_CHUNK],
        )
        return int(cursor.rowcount)
