"""Addresses that a file says must not be written to: suppressed as the import writes. In: rows of a stage. Out: rows of
`bounces.Suppression`, with the reason that the file gives.

All such rows count, whatever becomes of their contact: who has unsubscribed stays so where nothing else of the row is
new. What is suppressed for the reason already stays as it is, so that undo takes back only what this import made.
Stage: file -> rows -> stage -> judged -> applied. May run twice.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.db import connection

from bounces.addresses import keep_addresses, suppression_key
from bounces.models import Suppression
from bounces.suppressions import active, lift_many, suppress_many
from contacts.importing.options import OptOuts, read_options
from contacts.importing.staging import stage_of
from contacts.models import ImportRun

NEXT = """
SELECT max(number) FROM (
    SELECT number FROM {stage} WHERE number > %s AND opt_out IS NOT NULL AND email IS NOT NULL ORDER BY number LIMIT %s
) AS said
"""
OF_AN_ADDRESS = frozenset({"bounce"})  # said of the address alone, not of the person
SAID = """
SELECT email, others, opt_out, opt_out_at FROM {stage}
WHERE number > %s AND number <= %s AND opt_out IS NOT NULL AND email IS NOT NULL
"""


def source_of(run: ImportRun) -> str:
    """As suppressions name it. The file's name is not in it: it may hold somebody's address, which outlives erasure."""
    return f"import {run.pk}"


def has_opt_outs(run: ImportRun) -> bool:
    return bool(run.opt_outs) and read_options(run.options).opt_outs == OptOuts.SUPPRESS


def count_said(run: ImportRun, cursor: Any) -> dict[str, int]:
    """Rows by reason."""
    cursor.execute(
        f"SELECT opt_out, count(*) FROM {stage_of(run)} "  # noqa: S608 -- made of a number
        "WHERE opt_out IS NOT NULL AND email IS NOT NULL GROUP BY 1"
    )
    return dict(cursor.fetchall())


def sentence_of(run: ImportRun) -> str:
    """What becomes, or became, of such rows, for people; empty where there are none."""
    if not run.opt_outs:
        return ""
    total = sum(run.opt_outs.values())
    rows = "1 row is" if total == 1 else f"{total:,} rows are"
    labels = dict(Suppression.Reason.choices)
    said = ", ".join(f"{count:,} {labels[reason].lower()}" for reason, count in run.opt_outs.items())
    told = f"{rows} opt-outs ({said})."
    if not has_opt_outs(run):
        return f"{told} They are imported as ordinary contacts: {read_options(run.options).opt_out_reason}"
    if run.suppressed:
        return f"{told} {counted_addresses(run.suppressed)} suppressed for that."
    return f"{told} Their addresses are suppressed with the import, and never emailed."


def counted_addresses(number: int) -> str:
    return "1 address was" if number == 1 else f"{number:,} addresses were"


def next_said(run: ImportRun, after: int, most: int) -> int | None:
    """The number of the last of the next such rows; none where there is no more."""
    with connection.cursor() as cursor:
        cursor.execute(NEXT.format(stage=stage_of(run)), [after, most])
        return cursor.fetchone()[0]


def suppress_said(run: ImportRun, after: int, last: int, now: datetime) -> None:
    """Of the rows behind `after`, up to `last`. In the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(SAID.format(stage=stage_of(run)), [after, last])
        rows = cursor.fetchall()
    when: dict[str, dict[str, datetime]] = defaultdict(dict)
    for email, others, reason, at in rows:
        since = at or run.applied_at or now
        for each in (email,) if reason in OF_AN_ADDRESS else (email, *(others or ())):
            when[reason][each] = min(since, when[reason].get(each, since))
    for reason, at_of in sorted(when.items()):
        _suppress(run, reason, at_of, now)


def _suppress(run: ImportRun, reason: str, at_of: dict[str, datetime], now: datetime) -> None:
    keys = {suppression_key(email): email for email in at_of}
    held = active(now).filter(reason=reason, address_key__in=list(keys)).values_list("address_key", flat=True)
    known = {keys[bytes(key)] for key in held if key}
    new = sorted(set(at_of) - known)
    addresses = keep_addresses(new)
    suppress_many(
        addresses,
        reason=reason,
        source_of=dict.fromkeys(new, source_of(run)),
        at_of={email: at_of[email] for email in new},
        note=_note(run),
    )


def _note(run: ImportRun) -> str:
    headers = [header for header, word in run.mapping.items() if word == "opt_out"]
    named = ", ".join(f"“{header[:60]}”" for header in headers)
    return f"As the file of import {run.pk} says" + (f" (column {named})." if named else ".")


def made_by(run: ImportRun) -> int:
    """How many suppressions the import made."""
    return Suppression.objects.filter(source=source_of(run), lifted_at__isnull=True).count()


def lift_made(run: ImportRun, now: datetime) -> None:
    """When the import is taken back: by the person who does it, with the reason given."""
    chosen = Suppression.objects.filter(source=source_of(run), lifted_at__isnull=True).values_list("pk", flat=True)
    if pks := list(chosen):
        lift_many(pks, run.undone_by, f"Import {run.pk} was taken back: {run.undo_reason}", now)
