"""The name of a failed message that nothing names. In: a report. Out: a name made of what it says. Pure.

The same failure told again, under another event id or by a second copy of the same mail, gets the same name, so that it
counts once.
"""

from __future__ import annotations

import hashlib
from datetime import UTC

from bounces.moments import EARLIEST
from bounces.values import UNNAMED_FAILURE, Event, Report

FAILURES = (Event.BOUNCED, Event.DEFERRED)


def failure_name(report: Report) -> str:
    """Of its second and its words. Empty where it is no failure, or has no date that can be."""
    if report.event not in FAILURES or report.occurred_at is None or report.occurred_at < EARLIEST:
        return ""
    second = report.occurred_at.astimezone(UTC).replace(microsecond=0).isoformat()
    said = "\0".join((report.event, second, report.replycode, report.status, report.diagnostic, report.campaign))
    return UNNAMED_FAILURE + hashlib.sha256(said.encode(errors="surrogatepass")).hexdigest()[:40]
