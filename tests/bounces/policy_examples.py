"""The table of the policy: what happened to an address, and what is said of it. `docs/policy-examples.md` shows it.

In: `policy_examples.toml`, in words that a salesperson reads: "15 days ago: soft bounce, the sender’s fault". Out:
examples whose facts can be told to the recorder; the page. `python -m tests.bounces.policy_examples` writes the page,
and a test holds it in step.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.bounces.histories import Fact

TABLE = Path(__file__).with_suffix(".toml")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "policy-examples.md"
MOMENT = re.compile(r"(?:(?P<days>[\d.]+) days? ago|(?P<today>today)): (?P<what>.+)")
FAULTS = {
    "the sender’s fault": "sender",
    "the infrastructure’s fault": "infrastructure",
    "nobody’s known fault": "unknown",
}
INTRODUCTION = """\
# The policy by example

Generated from `tests/bounces/policy_examples.toml`: change the examples there, then run
`python -m tests.bounces.policy_examples`. The tests tell each history to the real recorder (forwards, backwards, and
every fact twice), let the policy in its first numbers judge it on 2 November 2026, and compare the status, the answer
to “may we write?” and the sentence, word by word.
"""


@dataclass(frozen=True, slots=True)
class Example:
    """`rule` is the policy's rule that decides; `answer` is the verdict's."""

    section: str
    name: str
    history: tuple[str, ...]
    status: str
    rule: str
    answer: str
    sentence: str

    def facts(self) -> list[Fact]:
        return [read_fact(text) for text in self.history]


@cache
def load_examples() -> dict[str, Example]:
    table = tomllib.loads(TABLE.read_text())
    return {
        name: Example(section, name, tuple(row.pop("history")), **row)
        for section, rows in table.items()
        for name, row in rows.items()
    }


def read_fact(text: str) -> Fact:
    """Raises ValueError where the words are not of the table's language."""
    found = MOMENT.fullmatch(text)
    if found is None:
        raise ValueError(f"“{text}” does not say when: “3 days ago: delivered”, “today: delivered”.")
    days = float(found["days"] or 0)
    what, *details = found["what"].split(", ")
    return _writer(what)(days, **_details(details))


def _writer(what: str) -> Callable[..., Fact]:
    from bounces.values import Event
    from tests.bounces import histories as h

    if what.startswith("undone "):
        return lambda days: h.waived(what.removeprefix("undone ").strip("“”"), days)
    if what.startswith("kept "):
        return lambda days: h.upheld(what.removeprefix("kept ").strip("“”"), days)
    plain: dict[str, Callable[..., Fact]] = {
        "hard bounce": h.hard,
        "soft bounce": h.soft,
        "deferred": h.deferred,
        "delivered": h.delivered,
        "replied": h.replied,
        "clicked": h.clicked,
        "complained": h.complained,
        "unsubscribed": h.unsubscribed,
        "restored": h.restored,
        "held": h.held,
        "verified as deliverable": lambda days: h.verified(days, True),
        "verified as undeliverable": lambda days: h.verified(days, False),
        "hard bounce told by nobody trusted": lambda days: h.forged(lambda: h.told(Event.BOUNCED, days, h.HARD)),
    }
    return plain[what]


def _details(details: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for detail in details:
        if detail in FAULTS:
            found["fault"] = FAULTS[detail]
        elif detail.startswith("code "):
            code = detail.removeprefix("code ")
            found |= {"replycode": "", "status": code} if "." in code else {"replycode": code, "status": ""}
        else:
            found["reason"] = detail
    return found


def render() -> str:
    return "\n".join(_page())


def _page() -> Iterator[str]:
    yield INTRODUCTION
    section = ""
    for example in load_examples().values():
        if example.section != section:
            section = example.section
            yield f"## {section}"
            yield ""
            yield "| what happened | status | may we write? | what is said |"
            yield "|---|---|---|---|"
        history = "<br>".join(example.history) or "nothing"
        status = example.status.replace("_", " ")
        yield f"| **{example.name}**<br>{history} | {status} | {example.answer} | {example.sentence} |"
        if example is _last_of(section):
            yield ""


@cache
def _last_of(section: str) -> Example:
    return [example for example in load_examples().values() if example.section == section][-1]


if __name__ == "__main__":
    PAGE.write_text(render())
