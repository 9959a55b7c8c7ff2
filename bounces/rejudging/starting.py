"""What people do: try a rule against the stored bounces, and let history be judged again by the rules in force.

In: a person, a rule. Out: a cleaning run that judges bounces first. A try is a preview that is never applied; it waits
for nobody and holds nobody up. History is judged again as any run: a preview first, one at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from bounces import lease
from bounces.classification.overrides import Override
from bounces.cleaning.runs import cancel_run, one_at_a_time
from bounces.cleaning.working import work
from bounces.models import Bounce, CleaningRun, Policy, Rejudging, RuleOverride
from bounces.process import LEASE as FLOW
from bounces.rules_in_force import compile_rules, fingerprint_of, overrides_in_force

AT_ONCE = 2_000  # bounces: a second's work, for which nobody should wait for a worker


def try_rule(candidate: Override, *, by: Any, now: datetime, row: RuleOverride | None = None) -> CleaningRun:
    """Queues a run that says what the rules in force would change together with this one; `row`: it is saved there.

    It takes the place of the same person's try that is still going on.
    """
    others = [each for each in overrides_in_force() if each.name not in (candidate.name, row and row.name)]
    with transaction.atomic():
        for older in CleaningRun.objects.filter(
            rejudges=True, what_if=True, started_by=by, state__in=CleaningRun.RUNNING
        ):
            cancel_run(older, by, now)
        # In its place among the others: a saved rule is asked where it is, a new one first.
        overrides = _in_order(candidate, row, others)
        return _start(overrides, f"Rule {candidate.name}", by=by, now=now, via="page", tried=candidate.name, row=row)


def _in_order(candidate: Override, row: RuleOverride | None, others: list[Override]) -> list[Override]:
    if row is None:
        return [candidate, *others]
    newer = set(RuleOverride.objects.filter(is_enabled=True, pk__gt=row.pk).values_list("name", flat=True))
    return [*(o for o in others if o.name in newer), candidate, *(o for o in others if o.name not in newer)]


def rejudge_history(*, by: Any, now: datetime, via: str = "page", dry_run: bool = True) -> CleaningRun:
    """Queues a run that judges all bounces again by the rules in force. Raises AlreadyRunning."""
    with transaction.atomic():
        one_at_a_time()
        lease.wait_for_step(FLOW)  # a batch that is being judged by older rules is among what is recorded then
        return _start(overrides_in_force(), "Bounces judged again", by=by, now=now, via=via, dry_run=dry_run)


def _start(
    overrides: Sequence[Override],
    label: str,
    *,
    by: Any,
    now: datetime,
    via: str,
    dry_run: bool = True,
    tried: str = "",
    row: RuleOverride | None = None,
) -> CleaningRun:
    run = CleaningRun.objects.create(
        via=via,
        rejudges=True,
        what_if=bool(tried),
        dry_run=dry_run or bool(tried),
        scope="chosen",
        scope_label=label,
        policy=Policy.active(),
        started_by=by,
        created_at=now,
    )
    newest = Bounce.objects.order_by("-pk").values_list("pk", flat=True).first()
    Rejudging.objects.create(
        run=run,
        overrides=[each.as_plain() for each in overrides],
        fingerprint=fingerprint_of(compile_rules(overrides)),
        tried=tried,
        tried_row=row,
        until=newest or 0,
        total=Bounce.objects.count(),
    )
    return run


def work_at_once(run: CleaningRun, clock: Callable[[], datetime]) -> None:
    """Carries a small run to its preview here and now; where a worker is at another one, this waits its turn."""
    if run.rejudging.total <= AT_ONCE:
        work(run.pk, clock)
