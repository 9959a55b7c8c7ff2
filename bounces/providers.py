"""Who receives: the provider behind an address or a bounce.

In: the host that refused (`remote_mta`), a domain, and what is known of the domain's MX (`Domain`). Out: the provider's
name in `providers.toml`, or the domain itself where no row fits: Google alone receives for thousands of domains.
The network is asked by `learn_operators` only, on a worker, never while recording; a look-up that fails is kept as
failed, tried again after a day, and a reason for nothing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.db import connection

from bounces.models import Domain
from bounces.statements import run

OTHER = "other"  # in the daily counts: everybody without a row in the table
BATCH = 300
FAILURES_IN_A_ROW = 5  # then it is our DNS, and asking on would only take time
KEPT_FOR = timedelta(days=30)
FAILURE_KEPT_FOR = timedelta(days=1)
Resolver = Callable[[str], Sequence[str]]


class LookUpFailed(Exception):
    """The DNS gave no answer: it may be ours that is out of order."""


@dataclass(frozen=True, slots=True)
class Provider:
    key: str
    name: str
    domains: tuple[str, ...]
    hosts: tuple[str, ...]  # endings of host names, whole labels


@cache
def load_providers() -> dict[str, Provider]:
    table = tomllib.loads((Path(__file__).parent / "providers.toml").read_text())
    return {
        key: Provider(key, row["name"], tuple(row.get("domains", ())), tuple(row.get("hosts", ())))
        for key, row in table.items()
    }


@cache
def _by_host() -> dict[str, str]:
    return {host: provider.key for provider in load_providers().values() for host in provider.hosts}


@cache
def _by_domain() -> dict[str, str]:
    return {domain: provider.key for provider in load_providers().values() for domain in provider.domains}


def provider_of_host(host: str) -> str:
    """The provider whose mail server this is; empty where the table has none. The longest ending wins."""
    labels = host.lower().rstrip(".").split(".")
    for start in range(len(labels)):
        found = _by_host().get(".".join(labels[start:]))
        if found:
            return found
    return ""


def providers_of(domains: Iterable[str]) -> dict[str, str]:
    """The provider of each domain: by the table, else by its known MX, else the domain itself. At most one query."""
    found = {domain: _by_domain().get(domain, "") for domain in domains}
    unknown = [domain for domain, provider in found.items() if not provider]
    if unknown:
        found.update(run(OPERATORS, {"domains": unknown}))
    return {domain: provider or domain for domain, provider in found.items()}


OPERATORS = """
SELECT domain, operator FROM bounces_domain WHERE domain = ANY(%(domains)b::text[]) AND operator <> ''
"""


def provider_name(key: str) -> str:
    """As people read it: "Google"; a domain stands for itself."""
    provider = load_providers().get(key)
    return provider.name if provider else ("Everyone else" if key == OTHER else key)


def counted_as(provider: str) -> str:
    """The key of the daily counts: single domains have rows of their own elsewhere, and would be as many as events."""
    return provider if provider in load_providers() else OTHER


# Domains in no table, most often the own domains of companies: those that bounced lately first, then those that were
# written to this month and last, the most mail first. An incident needs both: its mails are counted by who receives.
TO_LOOK_UP = """
WITH wanted AS (
    SELECT DISTINCT a.domain, NULL::bigint AS mails FROM bounces_bounce b JOIN bounces_address a ON a.id = b.address_id
    WHERE b.occurred_at > %(since)s
    UNION ALL
    SELECT key, attempted FROM bounces_dailystat
    WHERE dimension = 'recipient_domain' AND day >= date_trunc('month', %(since)s::timestamptz AT TIME ZONE 'UTC')::date
      AND attempted > 0
)
SELECT w.domain FROM wanted w LEFT JOIN bounces_domain d ON d.domain = w.domain
WHERE NOT w.domain = ANY(%(known)s)
  AND (d.id IS NULL OR d.looked_up_at < CASE WHEN d.failed THEN %(failed_before)s ELSE %(known_before)s END)
GROUP BY w.domain
ORDER BY bool_or(w.mails IS NULL) DESC, sum(w.mails) DESC NULLS LAST, w.domain LIMIT %(limit)s
"""


def learn_operators(now: datetime, resolve: Resolver | None = None) -> int:
    """Looks up the MX of domains that bounced in the last week, or were written to; returns how many it asked for.

    May run twice. What was known of a domain whose look-up fails stays.
    """
    given: dict[str, Any] = {
        "since": now - timedelta(days=7),
        "known": list(_by_domain()),
        "failed_before": now - FAILURE_KEPT_FOR,
        "known_before": now - KEPT_FOR,
        "limit": BATCH,
    }
    with connection.cursor() as cursor:
        cursor.execute(TO_LOOK_UP, given)
        domains = [row[0] for row in cursor.fetchall()]
    rows: list[Domain] = []
    for domain in domains:
        rows.append(_look_up(domain, resolve or mail_servers, now))
        if len(rows) >= FAILURES_IN_A_ROW and all(row.failed for row in rows[-FAILURES_IN_A_ROW:]):
            break
    _keep([row for row in rows if row.failed], ["looked_up_at", "failed"])
    _keep([row for row in rows if not row.failed], ["operator", "mx_host", "looked_up_at", "failed"])
    return len(rows)


def _keep(rows: list[Domain], fields: list[str]) -> None:
    Domain.objects.bulk_create(rows, update_conflicts=True, unique_fields=["domain"], update_fields=fields)


def _look_up(domain: str, resolve: Resolver, now: datetime) -> Domain:
    try:
        hosts = resolve(domain)
    except LookUpFailed:
        return Domain(domain=domain, looked_up_at=now, failed=True)
    operator = next(filter(None, map(provider_of_host, hosts)), "")
    return Domain(domain=domain, operator=operator, mx_host=hosts[0] if hosts else "", looked_up_at=now)


def mail_servers(domain: str) -> list[str]:
    """The hosts of a domain's MX records, the preferred first. Raises LookUpFailed."""
    import dns.exception
    import dns.resolver

    try:
        answer = dns.resolver.resolve(domain, "MX", lifetime=2)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except dns.exception.DNSException as error:
        raise LookUpFailed(str(error)) from error
    records = sorted((record.preference, str(record.exchange).rstrip(".").lower()) for record in answer)
    return [host for _, host in records]
