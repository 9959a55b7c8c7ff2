"""Conditions that several modules ask of the same rows. Each is defined here once: as SQL, and as a Q.

In: the alias of a table in a text, or nothing. Out: a condition. `tests/bounces/test_conditions.py` holds that SQL and
Q choose the same rows, and that no other module spells one of them out.
The SQL is for texts that are executed with parameters: a percent sign is doubled. Some ask for `%(now)s`.

    counts        a bounce that counts: not held by an incident, not discarded, not without proof
    came_back     a failure that counts: what a campaign that asks for days without a bounce means by one
    failed        an attempt that failed for good, and whose failure counts
    hard          a permanent failure of the recipient: no code of the server calls it temporary (4xx)
    counted_hard  both: what makes an address invalid
    counted_soft  a counted failure that may pass: what puts an address at risk, and makes it invalid in the end
    hard_after    until when the hard bounces of an address were taken back
    hold          a person's hold that was not released
    in_force      a suppression that was neither lifted nor has expired
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from bounces.values import Fault, Kind, Standing

# --- bounces


def counts(b: str) -> str:
    return f"{b}.standing = 'counted'"


def came_back(b: str) -> str:
    return f"({counts(b)} AND {b}.kind <> 'deferred')"


def failed(t: str) -> str:
    return f"({t}.bounced_at IS NOT NULL AND {t}.bounce_standing = 'counted')"


def hard(b: str) -> str:
    return f"""({b}.kind = 'hard' AND {b}.fault = 'recipient'
        AND ({b}.smtp_code IS NULL OR {b}.smtp_code >= 500) AND {b}.enhanced_code NOT LIKE '4.%%')"""


def counted_hard(b: str) -> str:
    return f"({counts(b)} AND {hard(b)})"


def counted_soft(b: str) -> str:
    return f"""({counts(b)} AND {b}.fault IN ('recipient', 'unknown', 'infrastructure')
        AND ({b}.kind = 'soft' OR ({b}.kind = 'hard' AND (
            {b}.fault <> 'recipient' OR {b}.smtp_code < 500 OR {b}.enhanced_code LIKE '4.%%'))))"""


_PERMANENT = (Q(smtp_code__isnull=True) | Q(smtp_code__gte=500)) & ~Q(enhanced_code__startswith="4.")
_MAY_PASS = Q(kind=Kind.SOFT) | (
    Q(kind=Kind.HARD) & (~Q(fault=Fault.RECIPIENT) | Q(smtp_code__lt=500) | Q(enhanced_code__startswith="4."))
)
COUNTS = Q(standing=Standing.COUNTED)
CAME_BACK = Q(standing=Standing.COUNTED) & ~Q(kind=Kind.DEFERRED)
FAILED = Q(bounced_at__isnull=False, bounce_standing=Standing.COUNTED)
HARD = Q(kind=Kind.HARD, fault=Fault.RECIPIENT) & _PERMANENT
COUNTED_HARD = Q(standing=Standing.COUNTED, kind=Kind.HARD, fault=Fault.RECIPIENT) & _PERMANENT
COUNTED_SOFT = (
    Q(standing=Standing.COUNTED, fault__in=[Fault.RECIPIENT, Fault.UNKNOWN, Fault.INFRASTRUCTURE]) & _MAY_PASS
)

# --- rulings, suppressions

HARD_RULES = "('hard_bounce', 'hard_bounce_after_reply')"


def hard_after(a: str) -> str:
    """By a restore, or by a waive of their rule. Those that came later are what makes the address invalid."""
    return f"""(SELECT GREATEST({a}.restored_at, max(r.effective_at), '-infinity') FROM bounces_ruling r
        WHERE r.address_id = {a}.id AND r.kind = 'waive' AND r.lifted_at IS NULL AND r.rule IN {HARD_RULES})"""  # noqa: S608  (an alias of ours)


def hold(r: str) -> str:
    return f"({r}.kind = 'hold' AND {r}.lifted_at IS NULL)"


def in_force(s: str) -> str:
    """Asks for `%(now)s`."""
    return f"({s}.lifted_at IS NULL AND ({s}.expires_at IS NULL OR {s}.expires_at > %(now)s))"


HOLD = Q(kind="hold", lifted_at__isnull=True)


def in_force_at(now: datetime) -> Q:
    return Q(lifted_at__isnull=True) & (Q(expires_at__isnull=True) | Q(expires_at__gt=now))
