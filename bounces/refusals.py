"""Whom nobody may write to: each condition once, as SQL of a set and as a Q.

In: the moment. Out: conditions on addresses. `verdict.py` judges single addresses by the same facts, which
`tests/bounces/test_verdict.py` holds for every combination; imports, filters and campaigns ask for sets.
Suppression is looked up, never stored on the address: expiry needs no job.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from bounces.conditions import HOLD, hold, in_force, in_force_at
from bounces.models import Ruling, Suppression
from bounces.values import Status

HELD_RULE = "hard_bounce_after_reply"
# Of several suppressions the gravest is told: what the recipient asked for comes first.
GRAVITY = ("complaint", "unsubscribe", "bounce", "manual", "cleaning")


def gravest_first(s: str) -> str:
    """The order of suppressions, for ORDER BY."""
    return f"array_position(ARRAY[{', '.join(repr(reason) for reason in GRAVITY)}], {s}.reason), {s}.id"


def is_at_suppressed_domain(domain: str) -> str:
    """`domain`: a column or an expression. Asks for `%(now)s`."""
    return f"""{domain} IN (SELECT s.domain FROM bounces_suppression s
        WHERE s.scope = 'domain' AND {in_force("s")})"""  # noqa: S608  (names of ours)


def is_refused(a: str) -> str:
    """Of addresses with a row, for sets of many. Asks for `%(now)s`."""
    return f"""({a}.status = 'invalid' OR {a}.status_rule = '{HELD_RULE}'
        OR {a}.id IN (SELECT s.address_id FROM bounces_suppression s
                      WHERE s.address_id IS NOT NULL AND {in_force("s")})
        OR {is_at_suppressed_domain(f"{a}.domain")}
        OR {a}.id IN (SELECT r.address_id FROM bounces_ruling r WHERE {hold("r")}))"""  # noqa: S608  (names of ours)


def refused(now: datetime) -> Q:
    """The same for querysets of Address."""
    suppressed = Suppression.objects.filter(in_force_at(now))
    # Two look-ups, each of one column: PostgreSQL then reads them once where it has a million addresses to judge.
    theirs = suppressed.filter(address_id=OuterRef("pk"))
    at_domain = suppressed.filter(scope=Suppression.Scope.DOMAIN, domain=OuterRef("domain"))
    held = Ruling.objects.filter(HOLD, address_id=OuterRef("pk"))
    is_bad = Q(status=Status.INVALID) | Q(status_rule=HELD_RULE)
    return is_bad | Q(Exists(theirs)) | Q(Exists(at_domain)) | Q(Exists(held))
