"""The policy once more, slowly and in plain Python, for `EVALUATE` to be compared with. Source: DESIGN.md §4.

In: one address' rows. Out: what `policy.evaluate` says of it, without the evidence's wording.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from bounces.models import Address, Bounce, Policy, Ruling

NEVER = datetime.min.replace(tzinfo=UTC)
STATUS = {
    "hard_bounce": "invalid",
    "soft_in_a_row": "invalid",
    "soft_in_window": "invalid",
    "undeliverable": "invalid",
    "hard_bounce_after_reply": "at_risk",
    "soft_recent": "at_risk",
    "alive": "valid",
    "": "unverified",
}
STRICTNESS = ["unverified", "valid", "at_risk", "invalid"]


@dataclass(frozen=True)
class Said:
    status: str
    rule: str
    reevaluate_at: datetime | None
    days: int | None = None
    reason: str | None = None


@dataclass
class Day:
    on: date
    last_at: datetime
    is_own: bool
    reason: str


def judge(address: Address, policy: Policy, as_of: datetime) -> Said:
    counted = list(Bounce.objects.filter(address=address, standing="counted").order_by("occurred_at"))
    bounces = [bounce for bounce in counted if bounce.occurred_at <= as_of]
    ahead = min((bounce.occurred_at for bounce in counted if bounce.occurred_at > as_of), default=None)
    waived = waives_of(address)
    said = upheld(address, first_rule(address, policy, as_of, bounces, waived), as_of)
    due = min((at for at in (said.reevaluate_at, ahead) if at), default=None)
    return Said(said.status, said.rule, due, said.days, said.reason)


def upheld(address: Address, said: Said, as_of: datetime) -> Said:
    """What the facts say, or the stricter status that a person keeps until the address shows that it lives."""
    rulings = Ruling.objects.filter(address=address, kind="uphold", lifted_at=None)
    one = rulings.order_by("-effective_at", "-status", "pk").first()
    life = newest(
        address.last_delivered_at, address.last_reply_at, address.last_click_at, address.restored_at,
        address.verified_at if address.verified_ok else None,
    )  # fmt: skip
    if one is None or one.effective_at < life or (one.until and one.until <= as_of):
        return said
    if STRICTNESS.index(one.status) <= STRICTNESS.index(said.status):
        return said
    days = one.evidence.get("bounces", one.evidence.get("days"))
    return Said(one.status, one.rule, one.until, days, one.evidence.get("reason"))


def first_rule(
    address: Address, policy: Policy, as_of: datetime, bounces: list[Bounce], waived: dict[str, datetime]
) -> Said:
    alive_at = newest(address.last_delivered_at, address.last_reply_at, address.last_click_at)
    restored, fresh = address.restored_at or NEVER, newest(alive_at, address.restored_at)
    hard = [b for b in bounces if is_hard(b) and b.occurred_at > newest(restored, waived["hard_bounce"])]
    if len(hard) >= policy.hard_limit:
        grace = hard[-1].occurred_at - timedelta(days=policy.reply_grace_days)
        replied = address.last_reply_at is not None and address.last_reply_at >= grace
        return say("hard_bounce_after_reply" if replied else "hard_bounce", days=len(hard), reason=hard[-1].reason)
    days = soft_days(bounce for bounce in bounces if is_soft(bounce) and bounce.occurred_at > fresh)
    row = [day for day in days if day.is_own and day.last_at > waived["soft_in_a_row"]]
    if len(row) >= policy.soft_row_days and (row[-1].on - row[0].on).days >= policy.soft_row_span_days:
        return say("soft_in_a_row", days=len(row), reason=commonest(day.reason for day in row))
    own = [day for day in days if day.is_own and day.last_at > waived["soft_in_window"]]
    many = policy.soft_window_count
    ends = zip(own, own[many - 1 :], strict=False)
    spans = [last for first, last in ends if (last.on - first.on).days <= policy.soft_window_days]
    if spans:
        return say("soft_in_window", days=many, reason=spans[-1].reason)
    if address.verified_at and not address.verified_ok and address.verified_at > newest(fresh, waived["undeliverable"]):
        return say("undeliverable")
    window = timedelta(days=policy.risk_window_days)
    recent = [day for day in days if day.last_at > waived["soft_recent"] and midnight(day.on) + window > as_of]
    if len(recent) >= policy.risk_count:
        until = midnight(recent[0].on) + window  # it counts one day less then, or it passes
        return say("soft_recent", until, days=len(recent), reason=commonest(day.reason for day in recent))
    if newest(alive_at, address.verified_at if address.verified_ok else None) > waived["alive"]:
        return say("alive")
    return say("")


def say(rule: str, until: datetime | None = None, *, days: int | None = None, reason: str | None = None) -> Said:
    return Said(STATUS[rule], rule, until, days, reason)


def waives_of(address: Address) -> dict[str, datetime]:
    waived: dict[str, datetime] = defaultdict(lambda: NEVER)
    for ruling in Ruling.objects.filter(address=address, kind="waive", lifted_at=None):
        rule = ruling.rule.removesuffix("_after_reply")
        waived[rule] = max(waived[rule], ruling.effective_at)
    return waived


def is_permanent(bounce: Bounce) -> bool:
    return (bounce.smtp_code is None or bounce.smtp_code >= 500) and not bounce.enhanced_code.startswith("4.")


def is_hard(bounce: Bounce) -> bool:
    return bounce.kind == "hard" and bounce.fault == "recipient" and is_permanent(bounce)


def is_soft(bounce: Bounce) -> bool:
    told = bounce.kind in ("soft", "hard") and not is_hard(bounce)
    return told and bounce.fault in ("recipient", "unknown", "infrastructure")


def soft_days(bounces: Iterable[Bounce]) -> list[Day]:
    by_day: dict[date, list[Bounce]] = defaultdict(list)
    for bounce in bounces:
        by_day[bounce.occurred_at.astimezone(UTC).date()].append(bounce)
    return [
        Day(
            on,
            max(bounce.occurred_at for bounce in those),
            any(bounce.fault in ("recipient", "unknown") for bounce in those),
            commonest(bounce.reason for bounce in those),
        )
        for on, those in sorted(by_day.items())
    ]


def commonest(words: Iterable[str]) -> str:
    """Of several as common the first in the order of the alphabet, as mode() has it."""
    counts = Counter(sorted(words))
    return max(counts, key=lambda word: counts[word])


def newest(*moments: datetime | None) -> datetime:
    return max((at for at in moments if at), default=NEVER)


def midnight(on: date) -> datetime:
    return datetime.combine(on, time(), UTC)


def said_by(transition: Any) -> Said:
    """What the evaluation's transition says, in the same words."""
    evidence = transition.evidence
    days = evidence.get("bounces", evidence.get("days"))
    return Said(transition.to_status, transition.rule, transition.reevaluate_at, days, evidence.get("reason"))
