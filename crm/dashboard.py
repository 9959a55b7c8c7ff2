"""What the dashboard says, in a constant number of queries.

In: the user and the moment. Out: a frozen Dashboard. What could grow without end is read from the daily roll-up
(`DailyStat`), looked at up to a bound, or remembered for a while in proportion to what it cost. Days are UTC days.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from math import ceil
from typing import Any

from django.db.models import Count, F, Sum

from bounces.conditions import CAME_BACK
from bounces.lists import FaultCounts, count_faults
from bounces.models import Bounce, CleaningRun, DailyStat, InboundItem, StatusChange
from bounces.paging import CappedCount, capped_count
from bounces.sentences import explain_change
from bounces.sight import only_seen
from bounces.values import Status
from contacts.access import campaigns_for, contacts_for
from contacts.counting import Answers, count_answers, remembered
from contacts.models import Campaign, ContactAddress
from crm.attention import Matter, matters
from crm.wording import STOP_RATE, rate_word

DAYS = 30
CHANGES_SHOWN = 8
CAMPAIGNS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class StatusCount:
    status: str
    number: int


@dataclass(frozen=True, slots=True)
class Rate:
    """Failed for good out of attempted. `value` is None where nothing was attempted: unknown, not 0."""

    attempted: int
    bounced: int
    held: int = 0  # by an incident: counted against nobody, and shown apart

    @property
    def with_held(self) -> float | None:
        """What the rate would be if the provider were right."""
        return (self.bounced + self.held) / self.attempted if self.attempted else None

    @property
    def value(self) -> float | None:
        return self.bounced / self.attempted if self.attempted else None

    @property
    def word(self) -> str:
        return rate_word(self.value)

    @property
    def left(self) -> int:
        """How many more failures, of what was attempted, would reach the line. 0 where it is reached."""
        return max(0, ceil(self.attempted * STOP_RATE) - self.bounced)


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    hard: int = 0
    soft: int = 0
    deferred: int = 0

    @property
    def total(self) -> int:
        return self.hard + self.soft + self.deferred


@dataclass(frozen=True, slots=True)
class Change:
    change: StatusChange
    sentence: str
    contact: Any  # the contact whose address it is, None where there is none that the user sees


@dataclass(frozen=True, slots=True)
class CampaignRate:
    campaign: Campaign
    rate: Rate


@dataclass(frozen=True, slots=True)
class Dashboard:
    answers: Answers  # to "Can we email them?"
    statuses: list[StatusCount]
    contacts: int
    rate: Rate
    days: list[Day]
    faults: FaultCounts
    changes: list[Change]
    pending: CappedCount
    quarantined: CappedCount
    run: CleaningRun | None
    campaigns: list[CampaignRate]
    has_arrivals: bool
    matters: list[Matter]  # what needs attention

    @property
    def bounces(self) -> int:
        return sum(day.total for day in self.days)

    @property
    def is_empty(self) -> bool:
        """Nobody to write to and nothing came back: only the first steps make sense."""
        return not (self.contacts or self.has_arrivals or self.rate.attempted)

    @property
    def is_set_up(self) -> bool:
        return bool(self.contacts and self.has_arrivals and self.run)


def look(user: Any, now: datetime) -> Dashboard:
    today = now.astimezone(UTC).date()
    statuses = count_statuses(user)
    days, rate = bounces_a_day(today)
    over = campaigns_to_stop(user, today)
    return Dashboard(
        answers=answers_about(user, now),
        statuses=statuses,
        contacts=sum(each.number for each in statuses),
        rate=rate,
        days=days,
        faults=count_faults(Bounce.objects.filter(CAME_BACK, occurred_at__gte=now - timedelta(days=DAYS))),
        changes=latest_changes(user),
        pending=capped_count(InboundItem.objects.filter(state=InboundItem.State.PENDING)),
        quarantined=capped_count(InboundItem.objects.filter(state=InboundItem.State.QUARANTINED)),
        run=CleaningRun.objects.filter(what_if=False).select_related("started_by").order_by("-id").first(),
        campaigns=over,
        has_arrivals=InboundItem.objects.exists(),
        matters=matters(user, now, [(str(each.campaign), each.campaign.get_absolute_url()) for each in over]),
    )


def answers_about(user: Any, now: datetime) -> Answers:
    """How many of the user's contacts can be emailed. Two queries."""
    return Answers(**remembered(f"answers-{user.pk}", lambda: asdict(count_answers(contacts_for(user), now))))


def count_statuses(user: Any) -> list[StatusCount]:
    """The user's contacts by the status of their primary address, best first. One query."""
    rows = contacts_for(user).filter(contact_addresses__is_primary=True).order_by()
    counted = rows.values_list("contact_addresses__address__status").annotate(n=Count("pk"))
    found = remembered(f"statuses-{user.pk}", lambda: dict(counted))
    order = (Status.VALID, Status.AT_RISK, Status.INVALID, Status.UNVERIFIED)
    return [StatusCount(str(status), found.get(status, 0)) for status in order]


def bounces_a_day(today: date) -> tuple[list[Day], Rate]:
    """The last days, today included, one entry each, and the rate over them. One query on the roll-up."""
    first = today - timedelta(days=DAYS - 1)
    stats = {row.day: row for row in DailyStat.objects.filter(dimension="all", key="", day__range=(first, today))}
    rate = Rate(*(sum(getattr(row, name) for row in stats.values()) for name in ("attempted", "bounced", "held")))
    every_day = [first + timedelta(days=n) for n in range(DAYS)]
    return [_day(day, stats.get(day)) for day in every_day], rate


def _day(day: date, row: DailyStat | None) -> Day:
    return Day(day, row.hard, row.soft, row.deferred) if row else Day(day)


def latest_changes(user: Any) -> list[Change]:
    """The newest transitions with their sentences, and whose addresses they are. Two queries."""
    changes = list(
        only_seen(StatusChange.objects.select_related("address"), user).order_by("-at", "-id")[:CHANGES_SHOWN]
    )
    links = ContactAddress.objects.select_related("contact").filter(
        address__in=[change.address_id for change in changes], contact__in=contacts_for(user)
    )
    contacts = {link.address_id: link.contact for link in links.order_by("is_primary", "-id")}
    return [Change(change, explain_change(change), contacts.get(change.address_id)) for change in changes]


def campaigns_to_stop(user: Any, today: date) -> list[CampaignRate]:
    """Campaigns at or above the line, those that lose most addresses first. Two queries on the roll-up."""
    totals = (
        DailyStat.objects.filter(dimension="campaign", day__gt=today - timedelta(days=DAYS))
        .values("key")
        .annotate(sent=Sum("attempted"), failed=Sum("bounced"))
        .filter(sent__gt=0, failed__gte=F("sent") * STOP_RATE)
        .order_by("-failed", "key")[:CAMPAIGNS_SHOWN]
    )
    rates = {row["key"]: Rate(row["sent"], row["failed"]) for row in totals}
    named = {campaign.key: campaign for campaign in campaigns_for(user).filter(key__in=list(rates))}
    return [CampaignRate(named[key], rate) for key, rate in rates.items() if key in named]
