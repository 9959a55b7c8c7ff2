"""Score two contacts: points for what they share, minus points for what contradicts it. Pure.

In: the facts of both, and how many contacts have their phone. Out: a `Judgement`, or None below the threshold. The
points are data (`rules.toml`). A pair is certain if the two share a mailbox, or a full name and company, and no fact
contradicts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from contacts.duplicates.facts import Facts
from contacts.duplicates.names import RULES, Relation, relation

POINTS: dict[str, int] = {name: rule["points"] for name, rule in RULES["rules"].items()}
LABELS: dict[str, str] = {
    name: rule["label"] for name, rule in [*RULES["rules"].items(), *RULES["company_rules"].items()]
}
THRESHOLD: int = RULES["threshold"]
MOST: int = RULES["most"]
CERTAIN = 100
SHARED_BY = 2  # a phone of more contacts than this counts as shared
SAME_MAILBOX = ("same_address", "same_mailbox")
SAME_NAMES = (Relation.SAME, Relation.SWAPPED)


@dataclass(frozen=True, slots=True)
class Judgement:
    score: int
    kind: str  # a DuplicatePair.Kind
    reasons: list[str]  # names of rules, the one with the most points first
    is_certain: bool


def in_words(reasons: Iterable[str]) -> str:
    """Return the labels as one text: “Same phone number, same name”. A rule that no longer exists shows its name."""
    labels = [LABELS.get(reason, reason.replace("_", " ")) for reason in reasons]
    return ", ".join([*labels[:1], *(label[:1].lower() + label[1:] for label in labels[1:])])


def judge(one: Facts, two: Facts, phone_sharers: int = SHARED_BY) -> Judgement | None:
    reasons = list(dict.fromkeys(_reasons(one, two, phone_sharers)))
    points = sum(POINTS[reason] for reason in reasons)
    if points < THRESHOLD:
        return None
    is_certain = _is_certain(one, two, reasons)
    reasons.sort(key=lambda reason: -abs(POINTS[reason]))
    return Judgement(CERTAIN if is_certain else min(points, MOST), _kind(reasons), reasons, is_certain)


def _kind(reasons: list[str]) -> str:
    if any(reason in reasons for reason in SAME_MAILBOX):
        return "address"
    if any(reason in reasons for reason in SAME_NAMES):
        return "name"
    return "phone" if "same_phone" in reasons else "similar"


def _reasons(one: Facts, two: Facts, phone_sharers: int) -> Iterator[str]:
    if related := relation(one.name, two.name):
        yield str(related)
    if one.name.suffix != two.name.suffix:
        yield "other_suffix"
    yield from _about_addresses(one, two)
    yield from _about_work(one, two)
    if one.compared_phone and one.compared_phone == two.compared_phone:
        yield "same_phone" if phone_sharers <= SHARED_BY else "shared_phone"
    if one.title and one.title == two.title:
        yield "same_title"
    if one.country and two.country and one.country != two.country:
        yield "other_country"
    if have_other_ids(one, two):
        yield "other_external_id"


def _about_addresses(one: Facts, two: Facts) -> Iterator[str]:
    shared = (one.mailboxes & two.mailboxes) - one.desks
    if shared:
        yield "same_address" if one.emails & two.emails - one.desks else "same_mailbox"
    elif one.desks & two.desks:
        yield "desk_address"
    elif one.local_parts & two.local_parts:
        yield "same_local_part"


def _about_work(one: Facts, two: Facts) -> Iterator[str]:
    if one.company_id and one.company_id == two.company_id:
        yield "same_company"
    elif one.company and one.company == two.company:
        yield "similar_company"
    elif one.domains & two.domains:
        yield "same_domain"
    elif (one.company and two.company) or (one.domains and two.domains):
        yield "other_company"


def have_other_ids(one: Facts, two: Facts) -> bool:
    """True if one tool has different ids for the two."""
    tools = {tool for tool, _ in one.external_ids} & {tool for tool, _ in two.external_ids}
    return any(
        {own for own in one.external_ids if own[0] == tool}.isdisjoint(
            own for own in two.external_ids if own[0] == tool
        )
        for tool in tools
    )


def _is_certain(one: Facts, two: Facts, reasons: list[str]) -> bool:
    if any(_contradictions(one, two, reasons)):
        return False
    if any(reason in reasons for reason in SAME_MAILBOX):
        return True
    is_named = Relation.SAME in reasons and "same_company" in reasons and len(one.name.words) > 1
    return is_named and min(map(len, one.name.words)) > 1 and not _are_two_mailboxes(one, two)


def _are_two_mailboxes(one: Facts, two: Facts) -> bool:
    """john.smith@ and john.smith2@ at one domain may be two people with the same name."""
    return bool(one.domains & two.domains) and not one.mailboxes & two.mailboxes


def _contradictions(one: Facts, two: Facts, reasons: list[str]) -> Iterator[bool]:
    """Yield True for each field that both have with different values: a person must decide then."""
    names = relation(one.name, two.name)
    yield names not in (Relation.SAME, Relation.UNKNOWN)
    yield any(POINTS[reason] < 0 for reason in reasons)
    for said in ("company_id", "phone", "title", "country", "owner_id"):
        mine, theirs = getattr(one, said), getattr(two, said)
        yield bool(mine and theirs and mine != theirs)
    yield bool(one.external_ids and two.external_ids and one.external_ids != two.external_ids)
    yield any(key in two.custom and two.custom[key] != value for key, value in one.custom.items())
