"""The numbers of companies and campaigns: how many may be written to, what share of the addresses is bad, bounce rates.

In: contacts, companies, campaigns. Out: counts, by a constant number of queries. The rates come from the daily
statistics: without attempts a rate is None, "unknown", never 0.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.core.cache import caches
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BigIntegerField, Count, Q, Sum
from django.db.models.expressions import RawSQL

from bounces.demands import Demand
from bounces.models import Address, DailyStat
from bounces.paging import COUNT_CAP, CappedCount
from bounces.reputation import BOUNCE_LINES, word_of
from bounces.values import Answer, Status
from bounces.verdict import answer_of_each
from contacts.models import CampaignMember, Contact
from contacts.models.people import ContactQuerySet

T = TypeVar("T")
# An answer that took 0.3 s is kept for a minute.
REMEMBERED_FOR = 200
FREE = 0.2  # seconds; what takes less is found anew


@dataclass(frozen=True, slots=True)
class Answers:
    """How many contacts may be written to at their primary address."""

    yes: int
    caution: int
    no: int
    without: int  # contacts that have no address

    @property
    def total(self) -> int:
        return self.yes + self.caution + self.no + self.without


def count_answers(contacts: ContactQuerySet, now: datetime, demand: Demand | None = None) -> Answers:
    """Two queries."""
    people = contacts.order_by().values("pk")
    reached = Address.objects.filter(contact_addresses__is_primary=True, contact_addresses__contact__in=people)
    judged = reached.order_by().annotate(answer=answer_of_each(now, demand)).values_list("answer")
    found: dict[str, int] = dict(judged.annotate(number=Count("contact_addresses")))
    yes, caution, no = (found.get(str(answer), 0) for answer in (Answer.YES, Answer.CAUTION, Answer.NO))
    return Answers(yes, caution, no, people.count() - yes - caution - no)


def remembered(name: str, find: Callable[[], dict[Any, T]]) -> dict[Any, T]:
    """The answer, kept in proportion to what it cost: counting a million contacts takes a second.

    What costs next to nothing is found anew, so that people see at once what they have just changed.
    """
    key = f"counted-{name}"
    known: dict[Any, T] | None = caches["process"].get(key)
    if known is not None:
        return known
    start = time.monotonic()
    answer = find()
    spent = time.monotonic() - start
    if spent > FREE:
        caches["process"].set(key, answer, timeout=REMEMBERED_FOR * spent)
    return answer


def sizes_of(lists: Sequence[ContactQuerySet], of: Any) -> list[CappedCount]:
    """How many contacts each list has, remembered. `of` says as JSON which lists, and who looks."""
    digest = hashlib.sha256(json.dumps(of, sort_keys=True, default=str).encode()).hexdigest()
    found = remembered(f"sizes-{digest}", lambda: dict(enumerate(count_each(lists))))
    return [found[at] for at in range(len(lists))]


def members_by_campaign() -> dict[int, int]:
    """Contacts that are there, by campaign. One query, remembered."""
    rows = CampaignMember.objects.filter(contact__deleted_at__isnull=True).order_by().values_list("campaign_id")
    return remembered("members", lambda: dict(rows.annotate(number=Count("pk"))))


class NumberOf(RawSQL):
    """A number by the row's id, of numbers that are known already: what a list is sorted by."""

    def __init__(self, table: str, numbers: dict[int, int]) -> None:
        known = json.dumps({key: number for key, number in numbers.items() if number})
        # The table's name is ours.
        super().__init__(f"COALESCE((%s::jsonb ->> {table}.id::text)::bigint, 0)", [known], BigIntegerField())


def count_each(lists: Sequence[ContactQuerySet]) -> list[CappedCount]:
    """How many contacts each list has, as `capped_count` says it. One query for all of them."""
    counts: list[str] = []
    params: list[Any] = []
    for contacts in lists:
        try:
            sql, values = contacts.order_by().values("pk")[: COUNT_CAP + 1].query.sql_with_params()
        except EmptyResultSet:  # a list that Django knows to be empty
            sql, values = "SELECT 1 WHERE false", ()
        counts.append(f"(SELECT count(*) FROM ({sql}) AS list)")  # noqa: S608 -- the text is Django's own
        params += values
    if not counts:
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(counts)}", params)
        numbers = cursor.fetchone()
    return [CappedCount(min(number, COUNT_CAP), number > COUNT_CAP) for number in numbers]


@dataclass(frozen=True, slots=True)
class CompanyCounts:
    contacts: int = 0
    addresses: int = 0
    bad: int = 0  # invalid ones


def count_by_company(contacts: ContactQuerySet, company_ids: Iterable[int]) -> dict[int, CompanyCounts]:
    """The present contacts of each company, their primary addresses, and the invalid ones of those. One query."""
    primary = Q(contact_addresses__is_primary=True)
    rows = (
        Contact.objects.filter(pk__in=contacts.filter(company__in=list(company_ids)).values("pk"))
        .order_by()
        .values_list("company_id")
        .annotate(
            contacts=Count("pk", distinct=True),
            addresses=Count("contact_addresses", filter=primary),
            bad=Count("contact_addresses", filter=primary & Q(contact_addresses__address__status=Status.INVALID)),
        )
    )
    return {company_id: CompanyCounts(*counts) for company_id, *counts in rows if company_id is not None}


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a campaign's messages, as far as anybody told us."""

    attempted: int = 0
    bounced: int = 0
    delivered: int = 0
    complaints: int = 0
    held: int = 0  # by an incident: not in the rate

    @property
    def bounce_rate(self) -> float | None:
        return self.bounced / self.attempted if self.attempted else None

    @property
    def rate_word(self) -> str:
        """healthy, watch, stop, or unknown: by the same lines as the dashboard's rate."""
        return word_of(self.bounce_rate, BOUNCE_LINES)


def count_sent(campaign_keys: Iterable[str]) -> dict[str, Sent]:
    """By the campaign's key; a campaign without attempts is not in it. One query."""
    rows = (
        DailyStat.objects.filter(dimension="campaign", key__in=list(campaign_keys))
        .order_by()
        .values_list("key")
        .annotate(Sum("attempted"), Sum("bounced"), Sum("delivered"), Sum("complaints"), Sum("held"))
    )
    return {key: Sent(*counts) for key, *counts in rows}
