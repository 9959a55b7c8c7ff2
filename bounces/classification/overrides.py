"""Rules of an admin's own, and changes to those that ship with Rebound.

In: the shipped `RuleSet` and `Override` values. Out: the `RuleSet` that is in force, or what is wrong with an override,
by field. Stage: classify. Pure: who keeps overrides, and where, is not known here.

Own rules are asked before the shipped ones of the same table, the newest first; of codes the longest beginning counts,
whoever's it is, and of equal ones the own. A shipped rule may be changed (reason, kind, fault) or switched off.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import re2

from bounces.classification.judge import DEFAULT, classify, normalise
from bounces.classification.ruleset import Rule, RuleSet, Table
from bounces.parsing.text import find_replycode, find_status
from bounces.patterns import Pattern
from bounces.values import Event, Fault, Kind, Report

MOST_RULES = 200
MOST_PATTERNS = 20
PATTERN_LENGTH = 300
NAME_LENGTH = 80
# Instructions of RE2's program: one pattern, and all own patterns together. The shipped ones have 64,000 together;
# an automaton that outgrows its memory would find nothing, not even what the shipped rules know.
PATTERN_SIZE = 1_000
ALL_PATTERNS_SIZE = 20_000
COMMANDS = ("CONNECT", "HELO", "MAIL", "RCPT", "DATA")
WORDED = frozenset((Table.PROVIDERS, Table.PHRASES))
NAME = Pattern(r"^[a-z0-9]+(?:[.-][a-z0-9]+)*$")
CODES = {
    Table.ENHANCED_CODES: (Pattern(r"^[0-9]{1,3}\.[0-9]{0,3}$"), "a code without its class: 1.1 stands for 5.1.1"),
    Table.REPLY_CODES: (Pattern(r"^[245][0-9]{0,2}$"), "a reply code or its beginning, like 550 or 55"),
    Table.COMMANDS: (Pattern(rf"^(?:{'|'.join(COMMANDS)})$"), f"one of {', '.join(COMMANDS)}"),
}
STATUS = Pattern(r"^[245]\.[0-9.]*$")


class Effect(StrEnum):
    """What an override does."""

    ADD = "add"  # a rule of one's own
    CHANGE = "change"  # a shipped rule gets another reason, kind or fault
    OFF = "off"  # a shipped rule is not asked


@dataclass(frozen=True)
class Override:
    """One own rule, or one change to the shipped rule of that name. Empty: not said."""

    name: str
    effect: Effect
    table: str = ""  # of a rule that is added
    patterns: tuple[str, ...] = ()
    together: bool = False  # whether all patterns stand in one clause, instead of any of them anywhere
    code: str = ""
    host: str = ""
    commands: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    reason: str = ""
    kind: str = ""  # empty: the reason's
    fault: str = ""  # empty: the reason's
    example: str = ""  # what the remote system said; `DATA: 550 ...` names the refused command
    example_host: str = ""  # who refused there
    note: str = ""  # why it was made: its source

    @classmethod
    def from_plain(cls, values: dict[str, Any]) -> Override:
        """From what `as_plain` gave. Raises TypeError, ValueError for what is no override."""
        given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**given | {"effect": Effect(given["effect"])})

    def as_plain(self) -> dict[str, Any]:
        """Values that JSON can hold."""
        return asdict(self) | {"effect": self.effect.value}

    @property
    def rule(self) -> Rule:
        """Of a rule that is added. Raises ValueError where its words are unknown."""
        return Rule(
            name=self.name,
            table=Table(self.table),
            reason=self.reason,
            source=self.note,
            examples=(self.example,),
            patterns=self.patterns,
            code=self.code,
            host=self.host,
            commands=self.commands,
            statuses=self.statuses,
            together=self.together,
            own=True,
            **self._verdict,
        )

    def changed(self, shipped: Rule) -> Rule:
        source = f"{self.note} (was: {shipped.source})"
        return replace(shipped, reason=self.reason, source=source, own=True, **self._verdict)

    @property
    def _verdict(self) -> dict[str, Any]:
        return {"kind": Kind(self.kind) if self.kind else None, "fault": Fault(self.fault) if self.fault else None}


def with_overrides(shipped: RuleSet, overrides: Sequence[Override]) -> RuleSet:
    """The rules in force; the shipped ones themselves where nothing is overridden.

    What names a rule or a reason that this version does not have any more has no effect.
    """
    if not overrides:
        return shipped
    by_name = {each.name: each for each in overrides if is_known(each, shipped)}
    own = [each.rule for each in by_name.values() if each.effect is Effect.ADD]
    kept = [rule for rule in (_apply(by_name.get(rule.name), rule) for rule in shipped.rules) if rule]
    rules = [rule for table in Table for rule in (*own, *kept) if rule.table is table]
    return RuleSet(tuple(rules), shipped.reasons)


def is_known(override: Override, shipped: RuleSet) -> bool:
    """Whether the rule and the reason that it names are there."""
    is_shipped = any(rule.name == override.name for rule in shipped.rules)
    if is_shipped is (override.effect is Effect.ADD):
        return False
    return override.effect is Effect.OFF or override.reason in shipped.reasons


def _apply(override: Override | None, rule: Rule) -> Rule | None:
    if override is None or override.effect is Effect.ADD:
        return rule
    return override.changed(rule) if override.effect is Effect.CHANGE else None


def report_of_example(override: Override) -> Report:
    """The example as the report that would carry it: words with the codes in them, a refused command, who refused."""
    command, separator, words = override.example.partition(":")
    is_named = command in COMMANDS and (bool(separator) or override.example == command)
    said = words.strip() if is_named else override.example
    return Report(
        event=Event.BOUNCED,
        recipient="someone@" + (override.example_host or "example.org"),
        status=find_status(said),
        replycode=find_replycode(said),
        diagnostic=said,
        command=command if is_named else "",
        remote_mta=override.example_host,
    )


def find_problems(
    override: Override, others: Sequence[Override], shipped: RuleSet, newer: Sequence[Override] = ()
) -> dict[str, str]:
    """What is wrong with an override beside those that are there, by field, in words for the person who wrote it.

    `newer`: those of the others that are asked before it.
    """
    problems = dict(_misnamed(override, others, shipped))
    if override.effect is not Effect.OFF:
        problems |= dict(_bad_verdict(override, shipped))
    if override.effect is Effect.ADD:
        problems |= dict(_bad_shape(override)) | dict(_bad_patterns(override, others))
    if override.effect is Effect.ADD and not problems:
        rest = [other for other in others if other not in newer]
        problems = dict(_undecided_example(override, with_overrides(shipped, [*newer, override, *rest])))
    return problems


def _misnamed(override: Override, others: Sequence[Override], shipped: RuleSet) -> Iterator[tuple[str, str]]:
    is_shipped = any(rule.name == override.name for rule in shipped.rules)
    if not NAME.matches(override.name) or len(override.name) > NAME_LENGTH:
        yield "name", f"Lower-case letters, digits, hyphens and dots, {NAME_LENGTH} at most: acme-mailbox-full."
    elif override.effect is Effect.ADD and (is_shipped or override.name == DEFAULT):
        yield "name", f"“{override.name}” is a rule of Rebound’s: choose another name, or change that rule."
    elif override.effect is not Effect.ADD and not is_shipped:
        yield "name", f"Rebound has no rule “{override.name}”: the list of rules in force has their names."
    if any(other.name == override.name for other in others):
        yield "name", f"There is an override of the name “{override.name}” already."
    if len(others) >= MOST_RULES:
        yield "name", f"There are {MOST_RULES} overrides, which is the most: delete one that is not needed."


def _bad_verdict(override: Override, shipped: RuleSet) -> Iterator[tuple[str, str]]:
    reason = shipped.reasons.get(override.reason)
    if reason is None:
        yield "reason", f"“{override.reason}” is no reason: choose one of the list."
        return
    is_hard = override.kind == Kind.HARD or (not override.kind and reason.hard)
    if is_hard and (override.fault or reason.fault) != Fault.RECIPIENT:
        yield "kind", "Hard says that the address is bad: so it is the recipient’s fault, or it is not hard."
    if not override.note.strip():
        yield "note", "Say why, so that others can read it later."


def _bad_shape(override: Override) -> Iterator[tuple[str, str]]:
    if override.table not in set(Table):
        yield "table", "Choose what the rule looks at."
        return
    table = Table(override.table)
    if table in WORDED:
        if not override.patterns:
            yield "patterns", "Give the words that the rule knows, a pattern a line."
        if override.together and len(set(override.patterns)) < 2:
            yield "patterns", "Words that stand together are two or more, a pattern a line."
        if override.code:
            yield "code", "A rule of words has no code: use patterns, and “only with the enhanced codes”."
    else:
        form, words = CODES[table]
        if not form.matches(override.code):
            yield "code", f"Give {words}."
        for field in ("patterns", "together", "host", "commands", "statuses"):
            if getattr(override, field):
                yield field, "A rule of codes looks at the code alone: leave this empty, or make it a rule of words."
    if table is Table.PROVIDERS and not override.host:
        yield "host", "A rule for one provider names its hosts; without them it is a rule of phrases."
    if table is Table.PHRASES and override.host:
        yield "host", "A rule of phrases holds whoever says them; with hosts it is a rule of providers."
    if set(override.commands) - set(COMMANDS):
        yield "commands", f"Commands are {', '.join(COMMANDS)}."
    if not all(STATUS.matches(status) for status in override.statuses):
        yield "statuses", "Beginnings of enhanced codes, like 5.1. or 4.2.2."
    if not override.example.strip():
        yield "example", "Give what the remote system says where this rule is to decide: it is tried on that."


def _bad_patterns(override: Override, others: Sequence[Override]) -> Iterator[tuple[str, str]]:
    if len(override.patterns) > MOST_PATTERNS:
        yield "patterns", f"{len(override.patterns)} patterns: {MOST_PATTERNS} a rule are the most."
        return
    for field, patterns in (("patterns", override.patterns), ("host", (override.host,) if override.host else ())):
        wrong = next((text for text in map(_wrong_with, patterns) if text), "")
        if wrong:
            yield field, wrong
            return
    sizes = sum(program_size(pattern) for each in (override, *others) for pattern in each.patterns)
    if sizes > ALL_PATTERNS_SIZE:
        yield "patterns", "All own patterns together are too large: shorten repetitions like {1,200}, or delete a rule."


def _wrong_with(pattern: str) -> str:
    shown = f"“{pattern[:60]}{'…' if len(pattern) > 60 else ''}”"
    if len(pattern) > PATTERN_LENGTH:
        return f"{shown} has {len(pattern)} characters: {PATTERN_LENGTH} are the most."
    try:
        size = program_size(pattern)
    except re2.error as error:
        said = error.args[0] if error.args else error
        return f"{shown} is no pattern of RE2: {said.decode(errors='replace') if isinstance(said, bytes) else said}."
    if size > PATTERN_SIZE:
        return f"{shown} is too large: shorten its repetitions."
    return f"{shown} matches everything." if Pattern(f"(?i){pattern}").matches("") else ""


def program_size(pattern: str) -> int:
    """How large RE2's program for it is. Raises re2.error."""
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    return int(re2.compile(pattern.encode(), options).programsize)


def _undecided_example(override: Override, rules: RuleSet) -> Iterator[tuple[str, str]]:
    report = report_of_example(override)
    judgement = classify(report, rules=rules)
    if judgement.rule == override.name:
        return
    looked_at = f" It looked at “{normalise(report.diagnostic)[:200]}”: addresses and paths are left out."
    found = "no rule decides it" if judgement.rule == DEFAULT else f"the rule “{judgement.rule}” decides it"
    yield "example", f"This rule does not decide its example: {found}.{looked_at}"
