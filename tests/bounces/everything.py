"""All that the flow has written, as values that do not depend on the order in which it was written.

Out: every table of facts and of what follows from them, without ids and the moments of writing; the attempt that a row
is linked to by its names; the sentence about each address. Used by the tests of invariants I2, I4 and I4b.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import Model

from bounces.models import (
    Address,
    Attempt,
    Bounce,
    Complaint,
    DailyStat,
    EarlyOutcome,
    EventKey,
    Evidence,
    Guard,
    SameMessage,
    Silence,
    StatusChange,
    Suppression,
    Unproved,
)
from bounces.verdict import facts_of, judge, verdicts_of
from tests.builders import NOW

TABLES: tuple[type[Model], ...] = (
    Address, Attempt, Bounce, Complaint, DailyStat, EarlyOutcome, EventKey, Evidence, Guard, SameMessage, Silence,
    StatusChange, Suppression, Unproved,
)  # fmt: skip
# Ids, and moments that tell when a row was written. A key of a failure may be made of an attempt's id.
LEFT_OUT = {"id", "recorded_at", "failure_key", "complaint_key", "policy_id"}
HISTORY = (StatusChange, EventKey)
WHEN_MADE: dict[type[Model], str] = {Address: "created_at"}

State = dict[str, list[str]]


def everything(now: datetime = NOW) -> State:
    found = {model.__name__: _rows(model, LEFT_OUT) for model in TABLES}
    ids = Address.objects.values_list("pk", flat=True)
    sentences = sorted(verdict.sentence for verdict in verdicts_of(list(ids), now).values())
    return found | {"DailyStat": sorted(_counted()), "sentences": sentences}


def everything_but_history(now: datetime = NOW) -> State:
    """Where statuses were judged in between, or reports were read twice, history tells of that, and ids differ."""
    left_out = LEFT_OUT | {"inbound_item_id", "item_id", "status_changed_at"}
    found = {model.__name__: _rows(model, left_out) for model in TABLES if model not in HISTORY}
    facts = facts_of(list(Address.objects.values_list("pk", flat=True)), now).values()
    sentences = sorted(judge(replace(one, since=None)).sentence for one in facts)
    return found | {"DailyStat": sorted(_counted()), "sentences": sentences}


def _rows(model: type[Model], left_out: set[str]) -> list[str]:
    return sorted(_said(model, row, left_out) for row in model._default_manager.values())


def _said(model: type[Model], row: dict[str, Any], left_out: set[str]) -> str:
    kept = {name: value for name, value in row.items() if name not in left_out and name != WHEN_MADE.get(model)}
    if kept.get("address_id"):
        kept["address_id"] = Address.objects.get(pk=kept["address_id"]).email
    if kept.get("attempt_id"):
        kept["attempt_id"] = _names(Attempt.objects.get(pk=kept["attempt_id"]))
    if kept.get("bounce_id"):
        bounce = Bounce.objects.get(pk=kept["bounce_id"])
        kept["bounce_id"] = (bounce.kind, bounce.occurred_at, bounce.evidence_rank)
    if isinstance(kept.get("evidence"), dict):
        kept["evidence"] = {name: value for name, value in kept["evidence"].items() if name != "bounce"}
    return str(sorted(kept.items(), key=lambda item: item[0]))


def _names(attempt: Attempt) -> tuple[str, str]:
    return attempt.message_id, attempt.provider_id


def _counted() -> list[str]:
    """Of every dimension. A row without a count is as good as none."""
    rows = DailyStat.objects.values_list("dimension", "key", "day", *DailyStat.COUNTS)
    return [str(row) for row in rows if any(row[3:])]


def differences(expected: State, found: State) -> dict[str, tuple[list[str], list[str]]]:
    """By table: what is missing, and what is there instead."""
    return {
        table: (
            [row for row in rows if row not in found[table]],
            [row for row in found[table] if row not in rows],
        )
        for table, rows in expected.items()
        if rows != found[table]
    }
