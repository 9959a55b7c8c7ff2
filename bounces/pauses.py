"""What is paused by guards, by cause: the campaign, sender and sending domain that the same emails paused are one row.

In: paused guards, the attempts of their campaigns. Out: causes, the newest first. Two queries.
A sender belongs to its domain; a campaign belongs to the senders of its last emails that bounced.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db import connection

from bounces.conditions import failed
from bounces.guards import LATELY
from bounces.models import Guard

Dimension = Guard.Dimension
WIDEST_FIRST = (Dimension.SENDER_DOMAIN, Dimension.SENDER, Dimension.CAMPAIGN)
SENDERS = f"""
SELECT campaign.key, mail.sender FROM unnest(%(keys)s::text[]) AS campaign(key)
CROSS JOIN LATERAL (
    SELECT t.sender, {failed("t")} AS failed FROM bounces_attempt t
    WHERE t.campaign_key = campaign.key AND t.campaign_key <> ''
    ORDER BY t.sent_at DESC, t.id DESC LIMIT %(last)s) AS mail
WHERE mail.failed AND position('@' IN mail.sender) > 0
GROUP BY 1, 2
"""  # noqa: S608  (a condition of ours)


@dataclass(frozen=True, slots=True)
class Cause:
    """Guards that the same emails paused, the widest first: sending domain, sender, campaign."""

    guards: tuple[Guard, ...]

    @property
    def main(self) -> Guard:
        return self.guards[0]

    @property
    def others(self) -> tuple[Guard, ...]:
        return self.guards[1:]

    @property
    def others_words(self) -> str:
        """`and 4 senders, 3 campaigns`."""
        counted = [(len([g for g in self.others if g.dimension == d]), d.label.lower()) for d in WIDEST_FIRST]
        return "and " + ", ".join(f"{n} {one}{'' if n == 1 else 's'}" for n, one in counted if n)

    def keys(self, dimension: str) -> list[str]:
        return [guard.key for guard in self.guards if guard.dimension == dimension]


def paused_causes(hidden: Collection[str] = ()) -> list[Cause]:
    """Everything that is paused now, by cause. `hidden`: keys of campaigns that are left out."""
    guards = Guard.objects.filter(state=Guard.State.PAUSED).order_by("-paused_at", "-id")
    paused = [guard for guard in guards if guard.dimension != Dimension.CAMPAIGN or guard.key not in hidden]
    return group(paused, _domains_of([guard.key for guard in paused if guard.dimension == Dimension.CAMPAIGN]))


def group(paused: Sequence[Guard], domains: dict[str, set[str]]) -> list[Cause]:
    """Guards that share a sending domain, in the order given. `domains` are those of each paused campaign. Pure."""
    groups: list[tuple[set[str], list[Guard]]] = []
    for guard in paused:
        names = _names_of(guard, domains)
        joined = [each for each in groups if each[0] & names]
        groups = [each for each in groups if not each[0] & names]
        members = [member for _, some in joined for member in some]
        groups.append((names.union(*(some for some, _ in joined)), [*members, guard]))
    order = {guard.pk: place for place, guard in enumerate(paused)}
    groups.sort(key=lambda each: min(order[guard.pk] for guard in each[1]))
    return [Cause(tuple(sorted(members, key=_widest_first))) for _, members in groups]


def _names_of(guard: Guard, domains: dict[str, set[str]]) -> set[str]:
    if guard.dimension == Dimension.CAMPAIGN:
        return domains.get(guard.key) or {f"campaign {guard.key}"}
    return {domain_of_sender(guard.key)}


def _widest_first(guard: Guard) -> tuple[int, str]:
    return WIDEST_FIRST.index(Dimension(guard.dimension)), guard.key


def domain_of_sender(sender: str) -> str:
    return sender.rpartition("@")[2].lower()


def _domains_of(campaign_keys: Iterable[str]) -> dict[str, set[str]]:
    keys = list(campaign_keys)
    found: dict[str, set[str]] = {}
    if not keys:
        return found
    with connection.cursor() as cursor:
        cursor.execute(SENDERS, {"keys": keys, "last": LATELY})
        for key, sender in cursor.fetchall():
            found.setdefault(key, set()).add(domain_of_sender(sender))
    return found
