"""What the rules' pages of the admin show first: a draft from a bounce or a shipped rule, and all rules in a table.

In: rows and rules. Out: initial values of the form, cells of a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.urls import reverse
from django.utils.html import format_html

from bounces.classification import Rule, RuleSet, load_rules
from bounces.classification.normal_form import ADDRESS, normalise
from bounces.classification.overrides import Effect
from bounces.classification.ruleset import Table
from bounces.models import Bounce, RuleOverride
from bounces.patterns import Pattern

HEADERS = ["Rule", "Looks at", "Decides", "Example", "Says so"]
SHOWN = 110  # characters of an example or a source
DRAFTED = 120  # of the words that become a pattern
CODES_AHEAD = Pattern(r"^(?:[245]\d\d[ -]?)?(?:[245]\.\d{1,3}\.\d{1,3} ?)?")
SPECIAL = frozenset(r"\.+*?()|[]{}^$")
NAMED = '<a class="text-primary-600 dark:text-primary-500" id="{}" href="{}">{}</a> <span class="text-xs">{}</span>'
SAID = {Effect.ADD: "ours", Effect.CHANGE: "changed", Effect.OFF: "off"}


def draft_of_bounce(bounce: Bounce) -> dict[str, Any]:
    """A rule for what this remote system said; without words, one for its code."""
    decided = bounce.evidence.order_by("-rank", "pk").first()
    command = f"{decided.command}: " if decided and decided.command else ""
    words = draft_of_words(bounce.diagnostic)
    draft: dict[str, Any] = {"effect": Effect.ADD.value, "reason": bounce.reason}
    if words:
        return draft | {
            "table": Table.PHRASES.value,
            "patterns": [words],
            "example": command + mask(bounce.diagnostic),
            "example_host": bounce.remote_mta,
        }
    if bounce.enhanced_code:
        code = {"table": Table.ENHANCED_CODES.value, "code": bounce.enhanced_code[2:]}
        return draft | code | {"example": bounce.enhanced_code}
    return draft | {"table": Table.REPLY_CODES.value, "code": str(bounce.smtp_code or ""), "example": bounce.smtp_code}


def mask(text: str) -> str:
    """Without its addresses: no rule looks at them, and an example must not name a person who is erased one day."""
    return ADDRESS.sub("<address>", text)


def draft_of_words(diagnostic: str) -> str:
    """The words as a pattern, without the codes before them: to be shortened to what matters."""
    words = normalise(diagnostic)
    ahead = CODES_AHEAD.search(words)
    words = words[len(ahead.group()) if ahead else 0 :].strip()
    if len(words) > DRAFTED:
        words = words[:DRAFTED].rpartition(" ")[0] or words[:DRAFTED]
    return "".join(f"\\{letter}" if letter in SPECIAL else letter for letter in words.lower())


def draft_of_shipped(name: str) -> dict[str, Any]:
    """A change to a rule of Rebound's, as it decides now."""
    rules = load_rules()
    rule = next((rule for rule in rules.rules if rule.name == name), None)
    if rule is None:
        return {}
    kind, fault = decided_by(rule, rules)
    return {"effect": Effect.CHANGE.value, "name": name, "reason": rule.reason, "kind": kind, "fault": fault}


def decided_by(rule: Rule, rules: RuleSet) -> tuple[str, str]:
    reason = rules.reasons[rule.reason]
    return (rule.kind or reason.kind).value, (rule.fault or reason.fault).value


def table_of_rules(shipped: RuleSet, in_force: RuleSet, rows: Iterable[RuleOverride]) -> dict[str, Any]:
    """As Unfold's table wants it: the rules in the order in which they are asked, then those that are off."""
    by_name = {row.name: row for row in rows}
    asked = {rule.name for rule in in_force.rules}
    off = [rule for rule in shipped.rules if rule.name not in asked]
    return {"headers": HEADERS, "rows": [list(_cells(rule, in_force, by_name)) for rule in (*in_force.rules, *off)]}


def _cells(rule: Rule, rules: RuleSet, by_name: dict[str, RuleOverride]) -> Iterator[Any]:
    kind, fault = decided_by(rule, rules)
    row = by_name.get(rule.name)
    if row is None:
        url, said = f"{reverse('admin:bounces_ruleoverride_add')}?shipped={rule.name}", ""
    else:
        url, said = reverse("admin:bounces_ruleoverride_change", args=[row.pk]), SAID[Effect(row.effect)]
    yield format_html(NAMED, rule.name, url, rule.name, said)
    yield rule.table.value.replace("_", " ")
    yield f"{rule.reason}: {kind}, {fault}"
    yield format_html('<span class="text-xs">{}</span>', _cut(rule.examples[0]))
    yield format_html('<span class="text-xs">{}</span>', _cut(rule.source))


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
