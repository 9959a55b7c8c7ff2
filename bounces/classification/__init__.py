"""Judging a failure: how lasting it is, whose fault, why, and which rule said so.

In: a `Report`. Out: a `Judgement`. Stage: classify. Pure: the rules are data, read once from `rules/*.toml`.

    from bounces.classification import classify
    judgement = classify(report)

- `reasons.toml`: the reasons, with their default kind and fault
- `rules/`: the rules, one file a table
- `ruleset.py`: reads them; `judge.py`: applies them
- `overrides.py`: an admin's own rules before the shipped ones, and what is wrong with them
- `many.py`: reads and judges, one mail or many; `explain.py`: the steps to a verdict
- `answer.py`: a verdict as plain values; `docs.py`: renders `docs/classification.md`
"""

from bounces.classification.judge import classify
from bounces.classification.many import read_and_judge
from bounces.classification.ruleset import Reason, Rule, RuleSet, load_reasons, load_rules

__all__ = ["Reason", "Rule", "RuleSet", "classify", "load_reasons", "load_rules", "read_and_judge"]
