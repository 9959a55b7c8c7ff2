"""What a list looks like before it is imported. In: a judged stage. Out: shares, and why it is quarantined, if it is.

An estimate, from a sample of SAMPLE rows. A list that looks bought or stale is imported in small batches only, each
after the one before has shown how it bounces: that is what keeps one bad list from burning a sender's reputation.
Lists from SMALLEST rows on are judged. Below FIRM rows the lower end of a 95% confidence interval (Wilson's) has to
reach the limit, so that one bad address too many does not accuse a list of twenty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

from django.conf import settings
from django.db import connection

from bounces.address_kinds import FREE_DOMAINS, ROLE_LOCAL_PARTS, disposable_keys, is_at_disposable_domain
from contacts.importing.staging import judged_of, stage_of
from contacts.models import ImportRow, ImportRun

SAMPLE = 20_000
SMALLEST = 20  # rows that a share must be of before it is judged
FIRM = 100  # rows from which a share is judged as it is
Z = 1.96  # standard deviations: 95% confidence


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that tells of a list's health. `limit`: the share from which on it is quarantined; None: only told.

    `of_rows`: the share is of all rows, not of those with an address alone.
    """

    key: str
    label: str
    because: str
    limit: float | None
    of_rows: bool

    def share(self, health: Mapping[str, Any]) -> float:
        return float(health.get(self.key, 0.0))

    def is_bad(self, health: Mapping[str, Any]) -> bool:
        """Whether the share reaches the limit; of a small list, whether it does so beyond reasonable doubt."""
        rows = health.get("rows", 0)
        judged = rows if self.of_rows else health.get("addressed", rows)
        if self.limit is None or judged < SMALLEST:
            return False
        share = self.share(health)
        return (share if judged >= FIRM else at_least(share, judged)) >= self.limit


def signs() -> list[Sign]:
    limits: Mapping[str, float] = settings.IMPORT_LIMITS
    told = [
        ("invalid", "Not an address", "are no addresses"),
        ("bad", "Known to bounce or suppressed", "are known to bounce or are suppressed"),
        ("disposable", "Disposable", "are at disposable domains"),
        ("role", "Shared mailboxes (info@, sales@)", "are shared mailboxes"),
        ("repeated", "Repeated names", "repeat a name of another row"),
        ("free", "Free email providers", "are at free providers"),
        ("unknown", "New domains", "are at domains that are new here"),
    ]
    return [Sign(key, label, because, limits.get(key), key in OF_ROWS) for key, label, because in told]


def at_least(share: float, rows: int) -> float:
    """The lower end of Wilson's 95% confidence interval for a share that `rows` rows show."""
    square = Z * Z / rows
    doubt = Z * sqrt((share * (1 - share) + square / 4) / rows)
    return (share + square / 2 - doubt) / (1 + square)


OF_ROWS = frozenset({"bad", "repeated"})


def reasons_of(health: Mapping[str, Any]) -> str:
    """Why a list is quarantined, for people; empty where it is not."""
    bad = [f"{sign.share(health):.0%} {sign.because}" for sign in signs() if sign.is_bad(health)]
    return f"{'; '.join(bad)}." if bad else ""


def sampled(rows: int) -> str:
    """What the shares are of, for people."""
    if rows < SMALLEST:
        return f"{rows} rows. Lists below {SMALLEST} rows are not rated."
    return f"Share of all {rows:,} rows." if rows <= SAMPLE else f"Estimated from about {SAMPLE:,} rows."


def estimate(run: ImportRun) -> dict[str, Any]:
    """Shares of the sampled rows by the keys of `signs`; how many `rows` the file has, and `addressed` ones of them."""
    percent = min(100.0, 100 * SAMPLE / run.total) if run.total else 100.0
    with connection.cursor() as cursor:
        cursor.execute(
            ESTIMATE.format(stage=stage_of(run), judged=judged_of(run)),
            {
                "percent": percent,
                "role": sorted(ROLE_LOCAL_PARTS),
                "free": sorted(FREE_DOMAINS),
                "disposable": disposable_keys(),
            },
        )
        columns = [column.name for column in cursor.description or ()]
        found = {key: int(number or 0) for key, number in zip(columns, cursor.fetchone(), strict=True)}
    addressed, sampled = found.pop("addressed"), found.pop("sampled") or 1
    shares = {key: round(number / (addressed or 1), 4) for key, number in found.items() if key != "repeated"}
    bad = sum(run.known.get(each, 0) for each in ImportRow.Known.values)
    return {
        **shares,
        "repeated": round(found["repeated"] / sampled, 4),
        "bad": round(bad / run.total, 4) if run.total else 0.0,
        "rows": run.total,
        "addressed": round(addressed * 100 / percent),
    }


# A row without a problem has an address; one with a problem counts as none where the problem is about its address.
ESTIMATE = f"""
WITH sample AS MATERIALIZED (
    SELECT s.number, s.email, s.problems, split_part(s.email, '@', 1) AS local, split_part(s.email, '@', -1) AS domain,
           nullif(lower(concat_ws(' ', s.first_name, s.last_name)), '') AS name
    FROM {{stage}} s TABLESAMPLE SYSTEM (%(percent)s) REPEATABLE (1)
), domain AS (
    SELECT domain, count(*) AS rows,
           domain = ANY(%(free)s) AS is_free, {is_at_disposable_domain("sample.domain")} AS is_disposable,
           EXISTS (SELECT FROM bounces_address a WHERE a.domain = sample.domain) AS is_known
    FROM sample WHERE problems IS NULL AND email IS NOT NULL GROUP BY domain
), repeated AS (
    SELECT sum(rows) AS rows FROM (
        SELECT count(*) AS rows FROM sample WHERE name IS NOT NULL GROUP BY name HAVING count(*) > 3
    ) AS often
)
SELECT (SELECT count(*) FROM sample) AS sampled,
       (SELECT count(*) FROM sample WHERE email IS NOT NULL OR problems IS NOT NULL) AS addressed,
       (SELECT count(*) FROM sample WHERE problems::text LIKE '%%is not an e-mail address%%') AS invalid,
       (SELECT count(*) FROM sample WHERE problems IS NULL AND local = ANY(%(role)s)) AS role,
       (SELECT sum(rows) FROM domain WHERE is_disposable) AS disposable,
       (SELECT sum(rows) FROM domain WHERE is_free) AS free,
       (SELECT sum(rows) FROM domain WHERE NOT is_known) AS unknown,
       (SELECT rows FROM repeated) AS repeated
"""  # noqa: S608 -- conditions of ours
