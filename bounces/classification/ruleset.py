"""The rules and the reasons, read from TOML into frozen values.

In: `reasons.toml` and `rules/*.toml`. Out: a `RuleSet`, its patterns compiled into one automaton a table.
Stage: classify. A rule's name is stored with every verdict, so it changes as rarely as a column's.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from bounces.classification.clauses import stand_together
from bounces.classification.lexicon import find_pairs
from bounces.patterns import PatternSet
from bounces.values import Fault, Kind

HERE = Path(__file__).parent


class Table(StrEnum):
    """The kinds of rules, in the order in which they are asked."""

    PROVIDERS = "providers"  # the words of one provider's systems, known by the host that refused
    PHRASES = "phrases"  # the words of the diagnostic, whoever says them
    WORDS = "words"  # the same in other languages, by who it is about and what is wrong
    ENHANCED_CODES = "enhanced_codes"  # RFC 3463, without the class
    REPLY_CODES = "reply_codes"  # RFC 5321
    COMMANDS = "commands"  # the SMTP command that was refused


# Those in which an admin writes rules: words of other languages are ours to find.
WRITABLE = tuple(table for table in Table if table is not Table.WORDS)


@dataclass(frozen=True)
class Reason:
    """Why mail comes back. `hard`: it proves the address bad, where the code is not 4xx.

    `when_temporary`: the reason that a 4xx code makes of it; empty: the same.
    """

    name: str
    definition: str
    kind: Kind
    fault: Fault
    hard: bool
    when_temporary: str = ""


@dataclass(frozen=True)
class Rule:
    """One row of a table: `patterns` (RE2 over the normalised diagnostic, any of them) or a `code`.

    A code is `7.26`; several are set apart by blanks; a range is `7.20-24`, a family `7.`, of reply codes `50`.
    """

    name: str
    table: Table
    reason: str
    source: str  # who says so: an RFC, a provider's page, the systems whose words they are
    examples: tuple[str, ...]  # what this rule, and no earlier one, decides; `DATA: 550 ...` names the refused command
    patterns: tuple[str, ...] = ()
    like: str = ""  # takes the patterns of the rule of this name
    words: str = ""  # a pair of classes of `languages.toml` that stand in one clause: "account unknown"
    code: str = ""
    host: str = ""  # RE2 over the host that refused and the recipient's domain; providers only
    commands: tuple[str, ...] = ()  # only where one of these was refused ("": not known); empty: any
    statuses: tuple[str, ...] = ()  # only with an enhanced code that begins so; empty: any
    kind: Kind | None = None  # None: the reason's
    fault: Fault | None = None  # None: the reason's
    together: bool = False  # whether all `patterns` stand in one clause, instead of any of them anywhere
    own: bool = False  # whether an admin wrote or changed it


@dataclass(frozen=True)
class RuleSet:
    """All rules in order: of several that match within a table, the first decides."""

    rules: tuple[Rule, ...]
    reasons: dict[str, Reason]

    def of(self, table: Table) -> tuple[Rule, ...]:
        return self._tables[table]

    def match(self, table: Table, text: str) -> list[Rule]:
        """The rules of which a pattern occurs in the text, in order, once a pattern; one pass over the text for all."""
        owners, automaton = self._automata[table]
        found = [owners[index] for index in sorted(automaton.find(text))]
        return [rule for rule in found if not rule.together or stand_together(rule.patterns, text)]

    def fault_of(self, rule: Rule) -> Fault:
        return rule.fault or self.reasons[rule.reason].fault

    def match_words(self, text: str) -> list[Rule]:
        """The rules whose pair stands in the text, in order."""
        pairs = find_pairs(text) if text else frozenset()
        return [rule for rule in self._tables[Table.WORDS] if rule.words in pairs] if pairs else []

    def find_code(self, table: Table, code: str) -> Rule | None:
        """The rule for a code: the one that names it, then a range that holds it, then its family (`7.`, `50`)."""
        rules, ranges = self._codes[table]
        if code in rules:
            return rules[code]
        stem, _, detail = code.rpartition(".")
        if detail.isdigit():
            held = next((rule for of, low, high, rule in ranges if of == stem and low <= int(detail) <= high), None)
            if held:
                return held
        return rules.get(f"{stem}." if stem else code[:2]) or (rules.get(code[:1]) if not stem else None)

    @cached_property
    def _tables(self) -> dict[Table, tuple[Rule, ...]]:
        return {table: tuple(rule for rule in self.rules if rule.table is table) for table in Table}

    @cached_property
    def _codes(self) -> dict[Table, tuple[dict[str, Rule], list[tuple[str, int, int, Rule]]]]:
        return {table: read_codes(rules) for table, rules in self._tables.items()}

    @cached_property
    def _automata(self) -> dict[Table, tuple[list[Rule], PatternSet]]:
        return {table: compile_set(rules) for table, rules in self._tables.items()}


def read_codes(rules: tuple[Rule, ...]) -> tuple[dict[str, Rule], list[tuple[str, int, int, Rule]]]:
    """Rules by the code or family that they name, and the ranges as stem, first, last. Of several the first counts."""
    named: dict[str, Rule] = {}
    ranges: list[tuple[str, int, int, Rule]] = []
    for rule in rules:
        for code in rule.code.split():
            stem, _, details = code.rpartition(".")
            low, dash, high = details.partition("-")
            if dash:
                ranges.append((stem, int(low), int(high), rule))
            else:
                named.setdefault(code, rule)
    return named, ranges


def compile_set(rules: tuple[Rule, ...]) -> tuple[list[Rule], PatternSet]:
    """The owners of the patterns, by index, and the automaton that finds the indexes. Raises re2.error."""
    owned = [(rule, pattern) for rule in rules for pattern in rule.patterns]
    return [rule for rule, _ in owned], PatternSet(pattern for _, pattern in owned)


@cache
def load_rules() -> RuleSet:
    """The rules that ship with Rebound, in the order in which they are asked."""
    rules = [build_rule(table, row) for table in Table for row in read_toml(f"rules/{table}.toml")["rule"]]
    patterns = {rule.name: rule.patterns for rule in rules}
    rules = [replace(rule, patterns=patterns[rule.like]) if rule.like else rule for rule in rules]
    return RuleSet(tuple(rules), load_reasons())


@cache
def load_reasons() -> dict[str, Reason]:
    return {name: build_reason(name, row) for name, row in read_toml("reasons.toml").items()}


def read_toml(name: str) -> dict[str, Any]:
    return tomllib.loads((HERE / name).read_text(encoding="utf-8"))


def build_rule(table: Table, row: dict[str, Any]) -> Rule:
    """Raises TypeError for a field that a rule does not have, ValueError for an unknown kind or fault."""
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    values["kind"] = Kind(row["kind"]) if "kind" in row else None
    values["fault"] = Fault(row["fault"]) if "fault" in row else None
    return Rule(table=table, **values)


def build_reason(name: str, row: dict[str, Any]) -> Reason:
    return Reason(
        name=name,
        definition=row["definition"],
        kind=Kind(row["kind"]),
        fault=Fault(row["fault"]),
        hard=row["hard"],
        when_temporary=row.get("when_temporary", ""),
    )
