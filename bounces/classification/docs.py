"""`docs/classification.md`, rendered from the reasons and the rules.

In: a `RuleSet`. Out: Markdown. A test holds the file in step; `python -m bounces.classification.docs` writes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bounces.classification.ruleset import Reason, Rule, RuleSet, Table, load_rules, read_toml

PAGE = Path("docs") / "classification.md"
INTRODUCTION = """\
# How a bounce is judged

Generated from `bounces/classification/`: change the rules there, then run `python -m bounces.classification.docs`.

Each failed recipient gets a **reason**, and with it a kind (`hard`: permanent, `soft`: passing) and a **fault**
(whose problem it is). Rules are asked table by table in the order below, and within a table from top to bottom; the
first that matches decides, and its name is stored with the bounce. If no rule matches, or the text is ambiguous, the
reason is `onhold`: soft, nobody's fault, and a question on the page Review together with all bounces of the same text.

- A text is ambiguous if two rules of one table match different words of the same clause, one blames the recipient and
  the other the sender, the second match is at least as long as the first, and no code supports the first. In all other
  cases the order of the rules decides: of 469 failures in two collections, 60 match a rule of another fault in the
  same table, and the first rule is right in 58 of them.
- Words come before codes: 5.2.2 is a full mailbox and 5.7.1 a block, and neither is hard.
- No 4xx reply and no 4.x.x code is ever hard, whatever its words say: the next try may be accepted.
- The words of who refused count, not the label that another system wraps around them (Cisco: `5.1.0 - Unknown address
  error 550-'...'`); a code that only the reporting system gives proves nothing.
- What is the sender's fault is asked before what is the recipient's; in doubt between hard and soft, soft.
- What was refused before `RCPT TO` is never the recipient's fault: the recipient had not been named.
- Addresses and the paths of URLs are taken out before the words are looked at: they may contain any word.
- What is still being retried is `deferred`, whatever it says.

To add a rule: a row in one of `bounces/classification/rules/*.toml`, with an example. The tests run every example.

## Rules of your own

Admins write rules under Admin, Classification rules, or from a bounce (“Write a rule for this”). A rule of your own
is asked before the rules below of the same table, the newest first; a code counts before its range and its family
(`7.`), and of equal ones yours. A rule below can be given another reason, kind or fault, or be switched off. A rule
names why it was made and an example that it must decide, and is refused where it does not; hard is what is the
recipient's fault alone.

The words of a rule are patterns, one of which must occur anywhere. With **all of them in one clause**, two or more
patterns must occur in the same clause, in any order: `account` and `closed|blocked` match “This account has been
closed”, but not “This account is unknown. The line is closed”. A clause ends at a full stop, colon, bracket, dash or
address. Texts that match a rule of your own, or one that you changed, are never ambiguous.

- **Try it on the stored bounces**, saved or not: how many bounces it would change, from what into what, which, and how
  many addresses would get another status, by the policy in force. Nothing changes.
- Once saved it holds for what arrives, from the next batch on.
- **Re-classify past bounces** (on the page Cleaning) does so for what is recorded, as a cleaning run: a preview, then
  applied, paused, taken back. Each bounce is judged by its stored evidence; the daily counts follow. By the same rules
  nothing changes.
- `manage.py classify` and `manage.py rules` judge by the rules below; with `--with-ours` by those in force.
"""
CLASSES = ("account", "unknown", "full", "disabled", "host", "refused", "sender", "message", "large", "traffic", "many")
TABLES = {
    Table.PROVIDERS: "What one provider's systems mean, by the host that refused or the recipient's domain.",
    Table.PHRASES: "The words of the diagnostic, whoever says them.",
    Table.WORDS: "The same in other languages than English: who or what a clause is about, and what is wrong with it.",
    Table.ENHANCED_CODES: (
        "RFC 3463 codes without their class (`1.1`: 4.1.1 and 5.1.1). A code counts before a range that holds it"
        " (`7.20-24`), a range before its family (`7.`)."
    ),
    Table.REPLY_CODES: "RFC 5321 codes; a code before its family (`50`).",
    Table.COMMANDS: "The SMTP command that was refused.",
}


def render(rules: RuleSet) -> str:
    lines = [INTRODUCTION, "## Reasons\n", *reason_table(rules.reasons), ""]
    for table in Table:
        lines += [f"## {table.value.replace('_', ' ').capitalize()}\n", TABLES[table] + "\n"]
        lines += [*rule_table(rules.of(table), rules.reasons), ""]
    lines += [LANGUAGES, *language_table(), "", SYSTEMS, *system_table(rules)]
    return "\n".join(lines).rstrip() + "\n"


LANGUAGES = """## Languages

Which languages each rule of words knows (`rules/languages.toml`): English is in the phrases, sentence by sentence.
"""
SYSTEMS = """## Systems and providers, by reason

Whose words the rules of each reason are made from.
"""


def language_table() -> Iterator[str]:
    yield "| language | " + " | ".join(CLASSES) + " |"
    yield "|---|" + "---|" * len(CLASSES)
    for language, row in read_toml("rules/languages.toml").items():
        yield f"| {language} | " + " | ".join(str(len(row.get(name, []))) for name in CLASSES) + " |"


def system_table(rules: RuleSet) -> Iterator[str]:
    yield "| reason | rules | who says so |"
    yield "|---|---|---|"
    for name in rules.reasons:
        own = [rule for rule in rules.rules if rule.reason == name]
        sources = dict.fromkeys(rule.source.partition(":")[0].strip() for rule in own)
        yield f"| `{name}` | {len(own)} | {escape('; '.join(sources)) or 'none'} |"


def reason_table(reasons: dict[str, Reason]) -> Iterator[str]:
    yield "| reason | means | kind | fault | proves the address bad |"
    yield "|---|---|---|---|---|"
    for reason in reasons.values():
        hard = "unless the code is 4xx" if reason.hard else "no"
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
