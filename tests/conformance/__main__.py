"""`./rebound conformance [--leave-out]`: how much of the corpus of real bounces is understood, family by family.

Out: the table, every miss, and exit code 1 where a figure is below its goal. Without the corpus: says so, exit code 2.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from statistics import median

from bounces.classification import RuleSet, classify, load_rules
from bounces.classification.ruleset import Table
from bounces.parsing.readers import READERS, read
from bounces.values import Event, Reading
from tests.conformance.scoring import CORPUS, MAX_DISPUTED, Miss, Score, Truth, is_there, load_truths, score_all, total

COLUMNS = ("detected", "recipients", "hard", "fault", "reason")
GOALS = {"detected": 0.995, "recipients": 0.99, "hard": 0.99, "fault": 0.98, "reason": 0.97}
MOST_HARD_ON_SOFT = 2
LEAVE_OUT_GOALS = {"hard": 0.95, "fault": 0.92}  # of the median system's mails, judged by what is left


def main() -> int:
    parser = argparse.ArgumentParser(prog="./rebound conformance", description=__doc__)
    parser.add_argument("--leave-out", action="store_true", help="what is left without each reader and own rule")
    parser.add_argument(
        "--rules", action="store_true", help="how many mails each rule decides, and of how many systems"
    )
    arguments = parser.parse_args()
    if not is_there():
        say("THE CORPUS OF REAL BOUNCES IS NOT HERE: it is expected beside the project, as ../shared/corpus.")
        return 2
    truths = load_truths()
    if arguments.rules:
        return tell_rules(truths)
    return tell_leave_out(truths) if arguments.leave_out else tell_conformance(truths)


def say(text: str = "") -> None:
    sys.stdout.write(text + "\n")


# --- the table


def tell_conformance(truths: list[Truth]) -> int:
    families, misses = score_all(truths, read)
    say(heading("family"))
    for family, score in sorted(families.items()):
        say(line(family, score))
    everything = total(families.values())
    say(line("total", everything))
    say()
    for miss in sorted(misses, key=lambda miss: (*COLUMNS, "false positive").index(miss.column)):
        say(tell(miss))
    disputed = [truth.file for truth in truths if truth.disputed]
    say(f"{len(disputed)} disputed labels left out: {', '.join(disputed) or 'none'}")
    faults = list(find_faults(everything, len(disputed)))
    for fault in faults:
        say(f"below the goal: {fault}")
    return 1 if faults else 0


def heading(first: str) -> str:
    return f"{first:<24}" + "".join(f"{column:>20}" for column in COLUMNS) + f"{'false pos.':>12}{'hard on soft':>14}"


def line(name: str, score: Score) -> str:
    cells = (
        f"{score.right.get(column, 0):>6}/{score.asked.get(column, 0):<4} {score.share(column):>7.1%}"
        for column in COLUMNS
    )
    return (
        f"{name:<24}"
        + "".join(f"{cell:>20}" for cell in cells)
        + f"{score.false_positives:>12}{score.hard_on_soft:>14}"
    )


def tell(miss: Miss) -> str:
    rule = f"  by {miss.rule}" if miss.rule else ""
    words = f"\n    {miss.words[:300]}" if miss.words and miss.column in ("hard", "reason", "detected") else ""
    return f"{miss.column:<11}{miss.file:<36}{miss.expected} -> {miss.found}{rule}{words}"


def find_faults(score: Score, disputed: int) -> Iterator[str]:
    for column, goal in GOALS.items():
        if score.share(column) < goal:
            yield f"{column} {score.share(column):.2%}, goal {goal:.1%}"
    if score.false_positives:
        yield f"{score.false_positives} false positives, goal 0"
    if score.hard_on_soft > MOST_HARD_ON_SOFT:
        yield f"{score.hard_on_soft} hard verdicts on a soft truth, goal {MOST_HARD_ON_SOFT}"
    if disputed > MAX_DISPUTED:
        yield f"{disputed} disputed labels, at most {MAX_DISPUTED}"


# --- what is left without...


def tell_leave_out(truths: list[Truth]) -> int:
    """Each reader in turn over the mails that it answers; then each family without the rules that only it needs."""
    by_reader = group_by_reader(truths)
    say("Without one reader, over the mails that it answers:")
    say(heading("reader"))
    for reader in READERS:
        left = tuple(other for other in READERS if other is not reader)
        scores, _ = score_all(by_reader.get(reader.name, []), lambda raw, left=left: read(raw, left))  # type: ignore[misc]
        say(line(reader.name, total(scores.values())))
    say("\nEach system without the rules that no other system's mails need:")
    say(heading("system"))
    shares: list[Score] = []
    for family, own in sorted(find_own_rules(truths).items()):
        rules = without(load_rules(), own)
        scores, _ = score_all([truth for truth in truths if truth.family == family], read, rules)
        shares.append(total(scores.values()))
        say(line(family, shares[-1]) + f"  without {', '.join(sorted(own)) or 'nothing'}")
    say(line("total", total(shares)))
    medians = {column: median(score.share(column) for score in shares) for column in ("hard", "fault", "reason")}
    say("the median system: " + ", ".join(f"{column} {share:.1%}" for column, share in medians.items()))
    below = [column for column, goal in LEAVE_OUT_GOALS.items() if medians[column] < goal]
    return 1 if below else 0


# --- what each rule is good for


def tell_rules(truths: list[Truth]) -> int:
    """A rule that decides the mails of one system alone may have been written for a text instead of a kind."""
    mails: dict[str, Counter[str]] = {}
    for truth in truths:
        for name in deciding(truth) if truth.is_report else ():
            mails.setdefault(name, Counter())[truth.family] += 1
    say(f"{'rule':<40}{'table':<16}{'mails':>6}{'systems':>9}")
    for rule in load_rules().rules:
        found = mails.get(rule.name, Counter())
        only = f"  only {next(iter(found))}" if len(found) == 1 else ""
        say(f"{rule.name:<40}{rule.table.value:<16}{found.total():>6}{len(found):>9}{only}")
    return 0


def group_by_reader(truths: Iterable[Truth]) -> dict[str, list[Truth]]:
    groups: dict[str, list[Truth]] = {}
    for truth in truths:
        if truth.is_report:
            groups.setdefault(answer_of(truth).reader, []).append(truth)
    return groups


def answer_of(truth: Truth) -> Reading:
    return read((CORPUS / truth.file).read_bytes())


def find_own_rules(truths: Iterable[Truth]) -> dict[str, set[str]]:
    """By family, the rules that decide for its mails and for no other's."""
    by_family: dict[str, set[str]] = {}
    for truth in truths:
        if truth.is_report:
            by_family.setdefault(truth.family, set()).update(deciding(truth))
    owners = Counter(rule for rules in by_family.values() for rule in rules)
    return {family: {rule for rule in rules if owners[rule] == 1} for family, rules in by_family.items()}


def deciding(truth: Truth) -> set[str]:
    """The rules that decide a mail's failures."""
    reports = [report for report in answer_of(truth).reports if report.event in (Event.BOUNCED, Event.DEFERRED)]
    return {classify(report).rule for report in reports}


def without(rules: RuleSet, names: set[str]) -> RuleSet:
    """Codes stay: an RFC's meaning is no family's own."""
    worded = (Table.PROVIDERS, Table.PHRASES)
    left = tuple(rule for rule in rules.rules if rule.name not in names or rule.table not in worded)
    return RuleSet(left, rules.reasons)


if __name__ == "__main__":
    sys.exit(main())
