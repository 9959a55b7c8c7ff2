"""Mails and webhooks built from what people reported of software that got a bounce wrong. No part of the project."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bounces.classification import classify
from bounces.intake.events import read_report
from bounces.intake.webhooks.arrival import Arrival
from bounces.intake.webhooks.inbound import read_mails
from bounces.intake.webhooks.providers import PROVIDERS
from bounces.parsing import read
from bounces.values import Event, Report
from tests.conformance.scoring import REPORTED, reported_are_there

pytestmark = pytest.mark.skipif(
    not reported_are_there(),
    reason="WHAT PEOPLE REPORTED IS NOT HERE: it is expected in ../shared/reported, beside the project",
)
NOW = datetime(2026, 11, 30, tzinfo=UTC)
SHARE_OF_MAILS = 0.97


def rows(name: str) -> list[dict[str, Any]]:
    path = REPORTED / name
    return [json.loads(row) for row in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def verdict(report: Report) -> tuple[str, str, str]:
    if report.event not in (Event.BOUNCED, Event.DEFERRED):
        return str(report.event), "", ""
    judgement = classify(report)
    return str(judgement.kind), str(judgement.fault), judgement.reason


def is_right(row: dict[str, Any], reports: tuple[Report, ...], kind: str) -> bool:
    if row["kind"] in ("vacation", "none"):
        return kind == row["kind"]
    named = {report.addressee or report.recipient for report in reports}
    reasons = (row["reason"], *row["also"])
    return named == set(row["recipients"]) and all(
        told == row["kind"] and fault == row["fault"] and reason in reasons
        for told, fault, reason in map(verdict, reports)
    )


def test_what_people_reported_is_right() -> None:
    wrong = []
    for row in rows("mails.jsonl"):
        reading = read((REPORTED / row["file"]).read_bytes())
        if not is_right(row, reading.reports, str(reading.kind)):
            wrong.append((row["file"], row["why"], [verdict(report) for report in reading.reports]))
    assert len(wrong) <= (1 - SHARE_OF_MAILS) * len(rows("mails.jsonl")), wrong


@pytest.mark.parametrize("row", rows("mails.jsonl"), ids=lambda row: row["file"])
def test_nobody_is_lost_for_a_failure_that_passes(row: dict[str, Any]) -> None:
    reports = read((REPORTED / row["file"]).read_bytes()).reports
    assert row["kind"] == "hard" or "hard" not in {verdict(report)[0] for report in reports}


@pytest.mark.parametrize("row", rows("webhooks.jsonl"), ids=lambda row: row["file"])
def test_a_webhook_that_people_reported_is_right(row: dict[str, Any]) -> None:
    arrival = Arrival((REPORTED / row["file"]).read_bytes(), {"content-type": "application/json"})
    slug = row["provider"]
    found = read_mails(slug, arrival, NOW) or PROVIDERS[slug].read(arrival, NOW)
    judged = {verdict(report) for one in found for report in read_report(one.event).reports}
    assert {one[0] for one in judged} == {row["kind"]}
    if row["fault"]:
        assert {one[1] for one in judged} == {row["fault"]}
        assert {one[2] for one in judged} <= {row["reason"], *row["also"]}
