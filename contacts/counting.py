"""The numbers of companies and campaigns: how many may be written to, what share of the addresses is bad, bounce rates.

In: contacts, companies, campaigns. Out: counts, by a constant number of queries. The rates come from the daily
statistics: without attempts a rate is None, "unknown", never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, Q, Sum

from bounces.demands import Demand
from bounces.models import DailyStat
from bounces.paging import COUNT_CAP, CappedCount
from bounces.reputation import BOUNCE_LINES, word_of
from bounces.values import Answer, Status
from bounces.verdict import answered
from contacts.models import Contact, ContactAddress
from contacts.models.people import ContactQuerySet


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
    """Four queries."""
    primary = ContactAddress.objects.filter(is_primary=True, contact__in=contacts.order_by().values("pk"))
    found = {answer: primary.filter(address__in=answered(answer, now, demand)).count() for answer in Answer}
    total = contacts.order_by().count()
    return Answers(found[Answer.YES], found[Answer.CAUTION], found[Answer.NO], total - sum(found.values()))


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
