"""Cleaning runs: many addresses judged by the policy, previewed, applied, reported, paused, taken back.

In: who asked, and which addresses (all, or those that the caller chose). Out: a CleaningRun whose rows are the preview
and the report.

    runs.py      what people do with a run: start, apply, pause, resume, cancel
    working.py   the job's steps, one transaction each: judge a chunk, apply a chunk of a preview
    at_once.py   a chunk judged and written by one statement, in a run that is no preview
    stride.py    how many rows a step may take, so that pages hardly wait
    undo.py      taking a run, or some of its rows, back: previewed, as a job or at once
    taking_back.py  what that does to a chunk of rows: rulings, and a judgement
    what_if.py   what other numbers of the policy would move; putting them in force

Killed anywhere, a run goes on from there: its state is in the database, guarded by a lease.
"""

from __future__ import annotations

from bounces.cleaning.runs import (
    AlreadyRunning,
    NotReady,
    apply_run,
    cancel_run,
    pause_run,
    resume_run,
    start_run,
    transitions_of,
    unfinished,
)
from bounces.cleaning.undo import NothingToUndo, UndoPreview, preview_undo, undo_rows, undo_run
from bounces.cleaning.what_if import forget_old, put_in_force, try_numbers
from bounces.cleaning.working import LEASE, LEASE_LASTS, step, work

__all__ = [
    "LEASE",
    "LEASE_LASTS",
    "AlreadyRunning",
    "NotReady",
    "NothingToUndo",
    "UndoPreview",
    "apply_run",
    "cancel_run",
    "forget_old",
    "pause_run",
    "preview_undo",
    "put_in_force",
    "resume_run",
    "start_run",
    "step",
    "transitions_of",
    "try_numbers",
    "undo_rows",
    "undo_run",
    "unfinished",
    "work",
]
