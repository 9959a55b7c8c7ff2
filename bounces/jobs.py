"""What the workers run. Thin: each job is one call into the domain, takes ids, and may run twice or be killed anywhere.

In: RQ, started by `bounces/schedule.py`. Out: nothing; the truth is in the database. Queue `intake`: `run_flow_job`;
queue `bulk`: `clean_job`, `repair_job`, `learn_providers_job`, `forget_what_ifs_job`, `read_mailboxes_job`,
`prune_inbox_job`.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from bounces import cleaning, process, providers, repair, retention
from bounces.intake import mailboxes


def run_flow_job() -> None:
    """Inbox, news and announcements until nothing waits."""
    process.run_flow(timezone.now)


def clean_job(run_id: int) -> None:
    """Carries a cleaning run to its end."""
    cleaning.work(run_id, timezone.now)


def repair_job(repair_id: int) -> None:
    """Carries a repair, or its undo, to its end."""
    repair.work(repair_id, timezone.now)


def learn_providers_job() -> None:
    """Looks up who receives for the domains that bounced lately."""
    providers.learn_operators(timezone.now())


def forget_what_ifs_job() -> None:
    """Deletes what-ifs that nobody looks at any more."""
    cleaning.forget_old(timezone.now())


def read_mailboxes_job() -> None:
    """A turn of each mailbox, short enough to let the queue's other work pass; the next minute goes on."""
    mailboxes.read_all(timezone.now, timedelta(seconds=20))


def prune_inbox_job() -> None:
    """Takes away what the inbox need not keep; what is left over waits for the next night."""
    retention.prune(timezone.now, timedelta(hours=1))
