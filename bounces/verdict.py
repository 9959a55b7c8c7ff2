"""May I write to it? One answer for the pages, the API and the sender.

In: addresses, and the moment. Out: a Verdict each: yes, caution or no, with reason and sentence. Source: DESIGN.md §4.
`no`: suppressed (the address or its domain), held, invalid. `caution`: at risk, silent, disposable, or a desk's.
Else `yes`. What a campaign demands may make a `no` of it (`demands.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import (
    Case,
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)

from bounces.address_kinds import ROLE_PATTERN, disposable_domain_of, is_role_account
from bounces.addresses import (
    BadAddress,
    domain_of,
    normalise,
    normalise_reachable,
    suppression_key,
)
from bounces.conditions import CAME_BACK, came_back, hold, in_force
from bounces.conflicts import ByRow
from bounces.demands import Demand, WritesTo, tighten
from bounces.evaluation import EVIDENCE_OF_DATES
from bounces.models import Address, Bounce, Policy, Silence
from bounces.refusals import HELD_RULE, gravest_first, refused
from bounces.sentences import explain, long_date
from bounces.values import Answer, Status

SUPPRESSED_BECAUSE = {
    "complaint": "the recipient reported a mail as spam",
    "unsubscribe": "the recipient unsubscribed",
    "bounce": "it bounced in another tool",
    "manual": "suppressed by hand",
    "cleaning": "suppressed by cleaning",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is one word for tools, `sentence` one for people; `since` is when the status began, if known."""

    answer: Answer
    reason: str
    sentence: str
    status: Status
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the verdict on one address goes by."""

    email: str
    status: Status = Status.UNVERIFIED
    rule: str = ""
    since: datetime | None = None
    evidence: Mapping[str, Any] | None = None
    bounced_at: datetime | None = None  # the newest bounce that counts
    suppressed: tuple[str, str, datetime] | None = None  # reason, scope, since
    hold: tuple[str, datetime] | None = None  # why, since
    silent: tuple[int, datetime] | None = None  # mails without an answer, since; only where the policy minds them


def judge(facts: Facts) -> Verdict:
    """The verdict, from facts alone."""
    sentence = explain(facts.status, facts.rule, facts.evidence or {}, facts.since)
    if facts.suppressed:
        reason, scope, since = facts.suppressed
        what = "Its domain is suppressed" if scope == "domain" else "Suppressed"
        text = f"{what} since {long_date(since)}: {SUPPRESSED_BECAUSE[reason]}."
        return Verdict(Answer.NO, reason, text, facts.status, since)
    if facts.hold:
        why, since = facts.hold
        return Verdict(Answer.NO, "held", f"Held since {long_date(since)}: {why.rstrip('.')}.", facts.status, since)
    if facts.status == Status.INVALID:
        return Verdict(Answer.NO, _reason_of(facts), sentence, facts.status, facts.since)
    if facts.rule == HELD_RULE:
        return Verdict(Answer.NO, "held", sentence, facts.status, facts.since)
    if facts.status == Status.AT_RISK:
        return Verdict(Answer.CAUTION, _reason_of(facts), sentence, facts.status, facts.since)
    if facts.silent:
        mails, since = facts.silent
        text = f"Silent: {mails} mails delivered since {long_date(since)}, no reply and no click. {sentence}"
        return Verdict(Answer.CAUTION, "silent", text, facts.status, facts.since)
    if domain := disposable_domain_of(facts.email):
        text = f"A disposable address: mailboxes at {domain} are made to be thrown away. {sentence}"
        return Verdict(Answer.CAUTION, "disposable", text, facts.status, facts.since)
    if is_role_account(facts.email):
        text = f"A desk’s address, not a person’s; leave it out unless you mean it. {sentence}"
        return Verdict(Answer.CAUTION, "role_account", text, facts.status, facts.since)
    if facts.status == Status.UNVERIFIED:
        return Verdict(Answer.YES, "not_verified", sentence, facts.status, facts.since)
    return Verdict(Answer.YES, "alive", sentence, facts.status, facts.since)


def _reason_of(facts: Facts) -> str:
    return str((facts.evidence or {}).get("reason") or facts.rule)


def verdicts_of(address_ids: Sequence[int], now: datetime, demand: Demand | None = None) -> dict[int, Verdict]:
    """The verdict on each address row. One query. To ask for a row that is gone raises ObjectDoesNotExist."""
    return ByRow(
        (pk, tighten(judge(facts), facts.bounced_at, demand, now)) for pk, facts in facts_of(address_ids, now).items()
    )


def check(texts: Sequence[str], now: datetime, demand: Demand | None = None) -> dict[str, Verdict]:
    """The verdict on each text that may be an address, known or not, keyed as given. A constant number of queries."""
    emails: dict[str, str] = {}
    verdicts: dict[str, Verdict] = {}
    for text in texts:
        try:
            emails[text] = normalise(text)
        except BadAddress as error:
            verdicts[text] = _no_address(error)
    ids = ids_of(sorted(set(emails.values())))
    judged = verdicts_of(list(ids.values()), now, demand)
    known = {email: judged[pk] for email, pk in ids.items() if pk in judged}  # not those that were erased meanwhile
    strangers = judge_strangers(sorted(set(emails.values()) - set(known)), now)
    for text, email in emails.items():
        verdicts[text] = known[email] if email in known else tighten(strangers[email], None, demand, now)
    return verdicts


def judge_strangers(emails: Sequence[str], now: datetime) -> dict[str, Verdict]:
    """Addresses without a row: suppressed by their domain, or by the hash that outlived their erasure, or unknown."""
    keys = {suppression_key(email): email for email in emails}
    by_email: dict[str, Suppressed] = {}
    by_domain: dict[str, Suppressed] = {}
    given: dict[str, Any] = {"now": now, "keys": list(keys), "domains": sorted({domain_of(email) for email in emails})}
    with connection.cursor() as cursor:
        cursor.execute(SUPPRESSED, given)
        for rank, (reason, scope, created_at, key, domain) in enumerate(cursor.fetchall()):
            found = (rank, (reason, scope, created_at))
            if scope == "domain":
                by_domain.setdefault(domain, found)
            else:
                by_email.setdefault(keys[bytes(key)], found)
    return {
        email: _judge_stranger(email, _gravest(by_email.get(email), by_domain.get(domain_of(email))))
        for email in emails
    }


Suppressed = tuple[int, tuple[str, str, datetime]]  # its place among all, the gravest first; reason, scope, since


def _gravest(*found: Suppressed | None) -> tuple[str, str, datetime] | None:
    """Of what suppresses an address, what is told."""
    return min((each for each in found if each), default=(0, None))[1]


def _judge_stranger(email: str, suppressed: tuple[str, str, datetime] | None) -> Verdict:
    try:
        return judge(Facts(email=normalise_reachable(email), suppressed=suppressed))
    except BadAddress as error:
        return _no_address(error)


def _no_address(error: BadAddress) -> Verdict:
    return Verdict(Answer.NO, "syntax", f"Not an e-mail address: {error}", Status.UNVERIFIED)


# Arrays, not one parameter an address: ten thousand of those cost more than the query.
SUPPRESSED = f"""
SELECT s.reason, s.scope, s.created_at, s.address_key, s.domain FROM bounces_suppression s
WHERE {in_force("s")} AND (s.address_key = ANY(%(keys)s) OR (s.scope = 'domain' AND s.domain = ANY(%(domains)s)))
ORDER BY {gravest_first("s")}
"""  # noqa: S608  (conditions of ours)


def ids_of(emails: Sequence[str]) -> dict[str, int]:
    """The ids of the normalised addresses that have a row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT email, id FROM bounces_address WHERE email = ANY(%s)", [list(emails)])
        return dict(cursor.fetchall())


def facts_of(address_ids: Sequence[int], now: datetime) -> dict[int, Facts]:
    with connection.cursor() as cursor:
        cursor.execute(FACTS, {"ids": list(address_ids), "now": now})
        return {row[0]: _facts(row) for row in cursor.fetchall()}


def _facts(row: tuple[Any, ...]) -> Facts:
    _, email, status, rule, since, evidence, reason, scope, suppressed_at, hold_reason, held_at, *rest = row
    mails, silent_at, bounced_at = rest
    return Facts(
        email=email,
        status=Status(status),
        rule=rule,
        since=since,
        evidence=json.loads(evidence) if evidence else None,
        bounced_at=bounced_at,
        suppressed=(reason, scope, suppressed_at) if reason else None,
        hold=(hold_reason, held_at) if hold_reason else None,
        silent=(mails, silent_at) if mails else None,
    )


EVIDENCE = EVIDENCE_OF_DATES.format(a="a", rule="status_rule")
# Not the address' own date, which tells of what arrived: a bounce may be held or discarded later, or let count later.
LAST_CAME_BACK = f"""SELECT b.occurred_at FROM bounces_bounce b
    WHERE b.address_id = a.id AND {came_back("b")} ORDER BY b.occurred_at DESC LIMIT 1"""  # noqa: S608  (conditions of ours)
FACTS = f"""
SELECT a.id, a.email, a.status, a.status_rule, a.status_changed_at, COALESCE(a.evidence, {EVIDENCE}),
       s.reason, s.scope, s.created_at, hold.reason, hold.at, silence.delivered, silence.since, ({LAST_CAME_BACK})
FROM bounces_address a
LEFT JOIN LATERAL (
    SELECT s.reason, s.scope, s.created_at FROM bounces_suppression s
    WHERE (s.address_id = a.id OR (s.scope = 'domain' AND s.domain = a.domain))
      AND {in_force("s")}
    ORDER BY {gravest_first("s")} LIMIT 1
) s ON true
LEFT JOIN LATERAL (
    SELECT r.reason, r.at FROM bounces_ruling r
    WHERE r.address_id = a.id AND {hold("r")} ORDER BY r.id DESC LIMIT 1
) hold ON true
LEFT JOIN bounces_policy p ON p.is_active
LEFT JOIN bounces_silence silence ON silence.address_id = a.id AND p.silent_count > 0
    AND silence.delivered >= p.silent_count AND silence.since <= %(now)s - make_interval(days => p.silent_days)
WHERE a.id = ANY(%(ids)s)
"""  # noqa: S608  (conditions of ours)


def answered(answer: Answer, now: datetime, demand: Demand | None = None) -> QuerySet[Address]:
    """The addresses with that answer, as a set: the same rules as `judge` and `tighten`, which a test holds."""
    no, careful = _no_and_caution(now, demand)
    if answer == Answer.NO:
        return Address.objects.filter(no)
    if answer == Answer.CAUTION:
        return Address.objects.filter(careful).exclude(no)
    return Address.objects.exclude(no | careful)


def answer_of_each(now: datetime, demand: Demand | None = None) -> Case:
    """The same as a value of each address: a million are judged once, not once an answer."""
    no, careful = _no_and_caution(now, demand)
    return Case(
        When(no, then=Value(str(Answer.NO))),
        When(careful, then=Value(str(Answer.CAUTION))),
        default=Value(str(Answer.YES)),
        output_field=TextField(),
    )


def _no_and_caution(now: datetime, demand: Demand | None) -> tuple[Q, Q]:
    """Whom nobody may write to, and who takes caution unless refused."""
    no = refused(now)
    careful = Q(status=Status.AT_RISK) | Q(email__regex=ROLE_PATTERN) | Q(domain__is_disposable=True) | silent(now)
    return (no if demand is None else no | left_out(demand, careful, now)), careful


def left_out(demand: Demand, careful: Q, now: datetime) -> Q:
    """The addresses that only this caller refuses: `tighten` as a set."""
    fits = Q(pk__in=[])
    if demand.writes_to != WritesTo.ANY:
        fits |= careful
    if demand.writes_to == WritesTo.VALID:
        fits |= ~Q(status=Status.VALID)
    if demand.quiet_days:
        recent = Bounce.objects.filter(CAME_BACK, address_id=OuterRef("pk"), occurred_at__gt=demand.quiet_since(now))
        fits |= Q(Exists(recent))
    return fits


# The words of a filter: an answer, or the reason of a caution.
WORDS = (*(str(answer) for answer in Answer), "silent", "role_account", "disposable")


def answered_by(word: str, now: datetime, demand: Demand | None = None) -> QuerySet[Address]:
    """The addresses that one of WORDS names; those of a reason may be cautioned for another one too."""
    if word == "silent":
        return answered(Answer.CAUTION, now, demand).filter(silent(now))
    if word == "role_account":
        return answered(Answer.CAUTION, now, demand).filter(email__regex=ROLE_PATTERN)
    if word == "disposable":
        return answered(Answer.CAUTION, now, demand).filter(domain__is_disposable=True)
    return answered(Answer(word), now, demand)


def silent(now: datetime) -> Q:
    """Whether an address is silent by the numbers in force; asks nothing of any address where that is off."""
    active = Policy.objects.filter(is_active=True)
    ago = ExpressionWrapper(Value(timedelta(days=1)) * F("silent_days"), DurationField())
    count, border = active.values("silent_count"), active.values(border=ExpressionWrapper(now - ago, DateTimeField()))
    rows = Silence.objects.filter(
        address_id=OuterRef("pk"), delivered__gte=Subquery(count), since__lte=Subquery(border)
    )
    return Q(Exists(active.filter(silent_count__gt=0))) & Q(Exists(rows))


def sendable_addresses(now: datetime) -> QuerySet[Address]:
    """The addresses whose answer is yes."""
    return answered(Answer.YES, now)
