"""The rules and the reasons, read from TOML into frozen values.

In: `reasons.toml` and `rules/*.toml`. Out: a `RuleSet`, its patterns compiled into one automaton a table.
Stage: classify. A rule has a name that is stored with every verdict, so a rule is renamed as rarely as a column.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import re2

from bounces.values import Fault, Kind

HERE = Path(__file__).parent
TEMPORARY = "unless temporary"


class Table(StrEnum):
    """The kinds of rules, in the order in which they are asked."""

    PROVIDERS = "providers"  # the words of one provider's systems, known by the host that refused
    PHRASES = "phrases"  # the words of the diagnostic, whoever says them
    ENHANCED_CODES = "enhanced_codes"  # RFC 3463
    REPLY_CODES = "reply_codes"  # RFC 5321


@dataclass(frozen=True)
class Reason:
    """Why mail comes back: `hard` is whether it proves the address bad; `unless_temporary` exempts 4xx codes."""

    name: str
    definition: str
    kind: Kind
    fault: Fault
    hard: bool
    unless_temporary: bool = False


@dataclass(frozen=True)
class Rule:
    """One row of a table. `pattern` is RE2 over the normalised diagnostic; `code` is a code or its beginning.

    `host`: RE2 over the host that refused (providers only). `kind` and `fault` override the reason's.
    `examples`: diagnostics (or codes) that this rule, and no earlier one, decides; a test runs them.
    """

    name: str
    table: Table
    reason: str
    source: str
    examples: tuple[str, ...]
    pattern: str = ""
    code: str = ""
    host: str = ""
    kind: Kind | None = None
    fault: Fault | None = None


@dataclass(frozen=True)
class RuleSet:
    """All rules in order: of several that match within a table, the first decides."""

    rules: tuple[Rule, ...]
    reasons: dict[str, Reason]

    def of(self, table: Table) -> tuple[Rule, ...]:
        return self._tables[table]

    def match(self, table: Table, text: str) -> list[Rule]:
        """The rules whose pattern occurs in the text, in order; one pass over it, however many rules there are."""
        rules, automaton = self._automata[table]
        found = automaton.Match(text) if rules and text else None
        return [rules[index] for index in sorted(found or ())]

    def find_code(self, table: Table, code: str) -> Rule | None:
        """The rule for a code, the longest beginning first: 5.7.26, then 5.7.*, then 5.*."""
        rules = self._codes[table]
        while code:
            if code in rules:
                return rules[code]
            code = code[:-1]
        return None

    @cached_property
    def _tables(self) -> dict[Table, tuple[Rule, ...]]:
        return {table: tuple(rule for rule in self.rules if rule.table is table) for table in Table}

    @cached_property
    def _codes(self) -> dict[Table, dict[str, Rule]]:
        return {table: {rule.code: rule for rule in reversed(rules)} for table, rules in self._tables.items()}

    @cached_property
    def _automata(self) -> dict[Table, tuple[tuple[Rule, ...], Any]]:
        spoken = {table: tuple(rule for rule in rules if rule.pattern) for table, rules in self._tables.items()}
        return {table: (rules, compile_set(rules)) for table, rules in spoken.items()}


def compile_set(rules: tuple[Rule, ...]) -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.max_mem = 64 << 20  # where RE2 runs out of its default 8 MB, it finds nothing
    automaton = re2.Set.SearchSet(options)
    for rule in rules:
        automaton.Add(rule.pattern)
    automaton.Compile()
    return automaton


@cache
def load_rules() -> RuleSet:
    """The rules that ship with Rebound, in the order in which they are asked."""
    rules = (build_rule(table, row) for table in Table for row in read_toml(f"rules/{table}.toml")["rule"])
    return RuleSet(tuple(rules), load_reasons())


@cache
def load_reasons() -> dict[str, Reason]:
    return {name: build_reason(name, row) for name, row in read_toml("reasons.toml").items()}


def read_toml(name: str) -> dict[str, Any]:
    return tomllib.loads((HERE / name).read_text(encoding="utf-8"))


def build_rule(table: Table, row: dict[str, Any]) -> Rule:
    """Raises TypeError for a field that a rule does not have, ValueError for an unknown kind or fault."""
    values = dict(row, table=table, examples=tuple(row["examples"]))
    values["kind"] = Kind(row["kind"]) if "kind" in row else None
    values["fault"] = Fault(row["fault"]) if "fault" in row else None
    return Rule(**values)


def build_reason(name: str, row: dict[str, Any]) -> Reason:
    return Reason(
        name=name,
        definition=row["definition"],
        kind=Kind(row["kind"]),
        fault=Fault(row["fault"]),
        hard=bool(row["hard"]),
        unless_temporary=row["hard"] == TEMPORARY,
    )
