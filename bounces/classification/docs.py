"""`docs/classification.md`, rendered from the reasons and the rules.

In: a `RuleSet`. Out: Markdown. A test holds the file in step; `python -m bounces.classification.docs` writes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bounces.classification.ruleset import Reason, Rule, RuleSet, Table, load_rules

PAGE = Path("docs") / "classification.md"
INTRODUCTION = """\
# How a bounce is judged

Generated from `bounces/classification/`: change the rules there, then run `python -m bounces.classification.docs`.

Each failed recipient gets a **reason**, and with it a kind (`hard`: permanent, `soft`: passing) and a **fault**
(whose problem it is). Rules are asked table by table in the order below, and within a table from top to bottom; the
first that matches decides, and its name is stored with the bounce. Where no rule speaks the reason is `onhold`.

- Words come before codes: 5.2.2 is a full mailbox and 5.7.1 a block, and neither is hard.
- What is the sender's fault is asked before what is the recipient's; in doubt between hard and soft, soft.
- What was refused before `RCPT TO` is never the recipient's fault: the recipient had not been named.
- Addresses and the paths of URLs are taken out before the words are looked at: they may contain any word.
- What is still being retried is `deferred`, whatever it says.

To add a rule: a row in one of `bounces/classification/rules/*.toml`, with an example. The tests run every example.

## Rules of your own

Admins write rules under Admin, Classification rules, or from a bounce (“Write a rule for this”). A rule of your own is
asked before the rules below of the same table, the newest first; of codes the longest beginning counts, and of equal
ones yours. A rule below can be given another reason, kind or fault, or be switched off. A rule names why it was made
and an example that it must decide, and is refused where it does not; hard is what is the recipient's fault alone.

- **Try it on the stored bounces**, saved or not: how many bounces it would change, from what into what, which, and how
  many addresses would get another status, by the policy in force. Nothing changes.
- Once saved it holds for what arrives, from the next batch on.
- **Judge history again** (on the page Cleaning) does so for what is recorded, as a cleaning run: a preview, then
  applied, paused, taken back. Each bounce is judged by its stored evidence; the daily counts follow. By the same rules
  nothing changes.
- `manage.py classify` and `manage.py rules` judge by the rules below; with `--with-ours` by those in force.
"""
TABLES = {
    Table.PROVIDERS: "What one provider's systems mean, by the host that refused or the recipient's domain.",
    Table.PHRASES: "The words of the diagnostic, whoever says them.",
    Table.ENHANCED_CODES: "RFC 3463 codes without their class (`1.1`: 4.1.1 and 5.1.1); the longest beginning counts.",
    Table.REPLY_CODES: "RFC 5321 codes; the longest beginning counts.",
    Table.COMMANDS: "The SMTP command that was refused.",
}


def render(rules: RuleSet) -> str:
    lines = [INTRODUCTION, "## Reasons\n", *reason_table(rules.reasons), ""]
    for table in Table:
        lines += [f"## {table.value.replace('_', ' ').capitalize()}\n", TABLES[table] + "\n"]
        lines += [*rule_table(rules.of(table), rules.reasons), ""]
    return "\n".join(lines).rstrip() + "\n"


def reason_table(reasons: dict[str, Reason]) -> Iterator[str]:
    yield "| reason | means | kind | fault | proves the address bad |"
    yield "|---|---|---|---|---|"
    for reason in reasons.values():
        hard = "unless the code is 4xx" if reason.unless_temporary else "yes" if reason.hard else "no"
        yield f"| `{reason.name}` | {reason.definition} | {reason.kind.value} | {reason.fault.value} | {hard} |"


def rule_table(rules: tuple[Rule, ...], reasons: dict[str, Reason]) -> Iterator[str]:
    yield "| rule | reason | kind | fault | example | source |"
    yield "|---|---|---|---|---|---|"
    for rule in rules:
        reason = reasons[rule.reason]
        kind, fault = rule.kind or reason.kind, rule.fault or reason.fault
        example, source = escape(rule.examples[0]), escape(rule.source)
        yield f"| `{rule.name}` | `{rule.reason}` | {kind.value} | {fault.value} | `{example}` | {source} |"


def escape(text: str) -> str:
    return text.replace("|", "\\|").replace("`", "'")


if __name__ == "__main__":
    PAGE.write_text(render(load_rules()), encoding="utf-8")
