"""Scoring the engine against mails whose right answers are known, as the corpus' README says.

In: the corpus (`../shared/corpus`, beside the project) and `disputed.toml`. Out: a `Score` a family, and every `Miss`.
Pure but for reading the corpus; the tests and `./rebound conformance` share it.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bounces.classification import RuleSet, classify, load_reasons
from bounces.values import Event, Judgement, MailKind, Reading, Report

HERE = Path(__file__).resolve().parent
CORPUS = HERE.parents[2] / "shared" / "corpus"
REPORTED = HERE.parents[2] / "shared" / "reported"
SYNONYMS = {
    "speeding": "ratelimited",
    "toomanyconn": "ratelimited",
    "mesgtoobig": "emailtoolarge",
    "exceedlimit": "emailtoolarge",
    "undefined": "onhold",
}
ALARMING = (MailKind.BOUNCE, MailKind.FEEDBACK)
MAX_DISPUTED = 10


@dataclass(frozen=True)
class Truth:
    """One mail of the corpus and what it says. `disputed`: columns in which its label is proved wrong."""

    file: str
    kind: str
    is_report: bool
    recipients: tuple[dict[str, Any], ...]
    disputed: frozenset[str] = frozenset()

    @property
    def family(self) -> str:
        return re.sub(r"-\d+$", "", Path(self.file).stem) if self.file.startswith("mails/") else "ordinary"

    @property
    def addresses(self) -> set[str | None]:
        return {address_of(expected) for expected in self.recipients}


@dataclass(frozen=True)
class Miss:
    """Where the engine and the truth part: the column, and both answers."""

    file: str
    column: str
    expected: str
    found: str
    rule: str = ""
    words: str = ""


@dataclass
class Score:
    """Right answers of answers asked, by column."""

    right: dict[str, int] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    false_positives: int = 0
    hard_on_soft: int = 0

    def count(self, column: str, *, right: bool) -> None:
        self.asked[column] = self.asked.get(column, 0) + 1
        self.right[column] = self.right.get(column, 0) + right

    def share(self, column: str) -> float:
        """1 where nothing was asked."""
        return self.right.get(column, 0) / self.asked[column] if self.asked.get(column) else 1.0

    def add(self, other: Score) -> None:
        for column, asked in other.asked.items():
            self.asked[column] = self.asked.get(column, 0) + asked
            self.right[column] = self.right.get(column, 0) + other.right[column]
        self.false_positives += other.false_positives
        self.hard_on_soft += other.hard_on_soft


def is_there() -> bool:
    return (CORPUS / "truth.jsonl").exists()


def reported_are_there() -> bool:
    return (REPORTED / "mails.jsonl").exists()


def load_truths() -> list[Truth]:
    disputed = load_disputed()
    rows = (json.loads(line) for line in (CORPUS / "truth.jsonl").read_text(encoding="utf-8").splitlines())
    return [
        Truth(
            row["file"], row["kind"], row["is_report"], tuple(row["recipients"]), disputed.get(row["file"], frozenset())
        )
        for row in rows
    ]


def load_disputed() -> dict[str, frozenset[str]]:
    """The columns in which a label is proved wrong, by file."""
    rows = tomllib.loads((HERE / "disputed.toml").read_text(encoding="utf-8")).get("label", [])
    return {row["file"]: frozenset((*row["columns"], *also_disputed(row["columns"]))) for row in rows}


def also_disputed(columns: Iterable[str]) -> tuple[str, ...]:
    """The corpus names no fault: ours follows from its reason."""
    return ("fault",) if "reason" in columns else ()


def address_of(expected: dict[str, Any]) -> str | None:
    return (expected["recipient"] or "").lower() or None


def plain(reason: str) -> str:
    reason = reason.replace("_", "")
    return SYNONYMS.get(reason, reason)


def fault_of(reason: str) -> str:
    """The corpus gives reasons alone: whose fault one is, by our own table."""
    known = load_reasons().get(reason)
    return str(known.fault) if known else "unknown"


def score(truth: Truth, reading: Reading, rules: RuleSet | None = None) -> tuple[Score, list[Miss]]:
    """One mail's part of the figures. Hard and reason are asked of bounces alone: other reports have neither."""
    result, misses = Score(), []
    for column, expected, found, report, judgement in compare(truth, reading, rules):
        if column in truth.disputed:
            continue
        result.count(column, right=expected == found)
        if expected != found:
            words = report.diagnostic if report else reading.why
            misses.append(
                Miss(truth.file, column, expected, found, judgement.rule if judgement else reading.reader, words)
            )
            result.hard_on_soft += (column, found) == ("hard", "hard")
    if not truth.is_report and reading.kind in ALARMING:
        result.false_positives = 1
        misses.append(Miss(truth.file, "false positive", truth.kind, reading.kind.value, reading.reader))
    return result, misses


def compare(
    truth: Truth, reading: Reading, rules: RuleSet | None
) -> Iterator[tuple[str, str, str, Report | None, Judgement | None]]:
    """Column, expected and found answer, and what the answer rests on."""
    if not truth.is_report:
        return
    yield "detected", truth.kind, reading.kind.value, None, None
    found = {report.recipient for report in reading.reports}
    yield "recipients", listing(truth.addresses), listing(found), None, None
    for expected in truth.recipients if truth.kind == MailKind.BOUNCE else ():
        report = find_report(reading, address_of(expected))
        judgement = classify(report, rules=rules) if report else None
        verdict = "missing" if not judgement else "hard" if judgement.hard else "soft"
        yield "hard", "hard" if expected["hard"] else "soft", verdict, report, judgement
        fault = str(judgement.fault) if judgement else "missing"
        yield "fault", fault_of(plain(expected["reason"])), fault, report, judgement
        reason = plain(judgement.reason) if judgement else "missing"
        yield "reason", plain(expected["reason"]), reason, report, judgement


def find_report(reading: Reading, recipient: str | None) -> Report | None:
    failed = (report for report in reading.reports if report.event in (Event.BOUNCED, Event.DEFERRED))
    return next((report for report in failed if report.recipient == recipient), None)


def listing(addresses: Iterable[str | None]) -> str:
    return ", ".join(sorted(address or "(hidden)" for address in addresses))


def score_all(
    truths: Iterable[Truth], read: Callable[[bytes], Reading], rules: RuleSet | None = None
) -> tuple[dict[str, Score], list[Miss]]:
    """The figures by family, and every miss."""
    families: dict[str, Score] = {}
    misses: list[Miss] = []
    for truth in truths:
        result, wrong = score(truth, read((CORPUS / truth.file).read_bytes()), rules)
        families.setdefault(truth.family, Score()).add(result)
        misses += wrong
    return families, misses


def total(scores: Iterable[Score]) -> Score:
    result = Score()
    for each in scores:
        result.add(each)
    return result
