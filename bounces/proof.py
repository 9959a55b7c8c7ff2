"""Proof: is a report about our mail? Only what reaches the level of its source may change a status.

In: what the inbox tells, the return path it came to, our attempts. Out: the same, each with the attempt that its token
names, and proved or with what it lacks. Stage: between parse and record.

    trusted    counts as it is
    match      counts where it is about an attempt of ours of the last 14 days: the same message, the same address
    token      counts where it came to a return path that we gave to a message to that very address, and in time
    unproved   counts by a token alone

A true token is proof from any source. What lacks proof is recorded as unverified and waits; when an attempt is told
afterwards, the items that it may prove are read again, so that every order ends with the same facts (invariant I4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache

from django.conf import settings
from django.db import connection

from bounces.addresses import keep_addresses
from bounces.models import Attempt, Bounce, MergedAttempt, Unproved
from bounces.recording import Told, lock_addresses
from bounces.recording.names import find_bearers
from bounces.return_path import Keys, Token, TokenState, find_token, judge_token, parse_keys
from bounces.statements import run
from bounces.values import Reading, Report, Shortcoming, Standing, Trust, change

WINDOW = timedelta(days=14)
CLOCK_SKEW = timedelta(days=1)  # how far a tool's clock may be ahead of ours
TRUE = (TokenState.VALID, TokenState.EXPIRED)


def keys() -> Keys:
    """Raises ValueError where the settings make no sense (`check` says so: rebound.E005)."""
    return _parsed(tuple(settings.RETURN_PATH_KEYS))


_parsed = lru_cache(maxsize=4)(parse_keys)


def shortcoming_of(trust: Trust, token: TokenState, *, is_ours: bool, is_others: bool) -> Shortcoming | None:
    """What a report lacks; None where it counts. Pure.

    `is_ours`: an attempt matches it. `is_others`: its token was given to a message to somebody else.
    """
    if trust == Trust.TRUSTED or token == TokenState.VALID or (trust == Trust.MATCH and is_ours):
        return None
    if is_others:
        return Shortcoming.OTHER_RECIPIENT
    if token == TokenState.EXPIRED:
        return Shortcoming.EXPIRED_TOKEN
    if token in (TokenState.WRONG, TokenState.UNKNOWN_KEY):
        return Shortcoming.FORGED_TOKEN
    return LACKING[trust]


LACKING = {
    Trust.MATCH: Shortcoming.NO_ATTEMPT,
    Trust.TOKEN: Shortcoming.NO_TOKEN,
    Trust.UNPROVED: Shortcoming.NOT_BELIEVED,
}


def is_recent(attempt: Attempt, received_at: datetime) -> bool:
    """Whether a report that came at that moment may be about it. More facts about an attempt never make this untrue."""
    newest = max(attempt.sent_at, attempt.newest_at or attempt.sent_at)
    return newest >= received_at - WINDOW and attempt.sent_at <= received_at + CLOCK_SKEW


def name_recipients(readings: Mapping[int, Reading]) -> dict[int, Reading]:
    """Reports that hide their recipient are about whom their token was made for."""
    named = dict(readings)
    tokens: dict[int, Token] = {}
    for pk, reading in readings.items():
        reports = reading.reports
        token = find_token(reports[0].return_path) if len(reports) == 1 and not reports[0].recipient else None
        if token is not None:
            tokens[pk] = token
    owners = owners_of(token.attempt_id for token in tokens.values())
    for pk, token in tokens.items():
        owner = owners.get(token.attempt_id, "")
        if owner and judge_token(token, owner, keys(), token.expires_at) in TRUE:
            (report,) = readings[pk].reports
            named[pk] = replace(readings[pk], reports=(replace(report, recipient=owner),))
    return named


def name_addressees(readings: Mapping[int, Reading]) -> dict[int, Reading]:
    """A failure of what an address forwards to is about that address: we wrote to it, and know nobody behind it.

    The mail that came back tells which of the two we wrote to, or a true token. Nothing else does: an attempt may be
    told before its report or after it, and both must end with the same facts.
    """
    forwards = {pk: each for pk, each in readings.items() if any(is_elsewhere(report) for report in each.reports)}
    if not forwards:
        return dict(readings)
    tokens = {pk: token for pk, each in forwards.items() if (token := find_token(each.reports[0].return_path))}
    owners = owners_of(token.attempt_id for token in tokens.values())
    owned = {
        pk: owner
        for pk, token in tokens.items()
        if (owner := owners.get(token.attempt_id, "")) and judge_token(token, owner, keys(), token.expires_at) in TRUE
    }
    return dict(readings) | {
        pk: replace(each, reports=tuple(readdressed(report, owned.get(pk, "")) for report in each.reports))
        for pk, each in forwards.items()
    }


def is_elsewhere(report: Report) -> bool:
    return bool(report.original_recipient and report.recipient and report.original_recipient != report.recipient)


def readdressed(report: Report, owner: str) -> Report:
    """About whom we wrote to. `owner`: whom the token of its return path was made for. Pure."""
    original = report.original_recipient
    if not is_elsewhere(report) or original not in (report.addressee, owner):
        return report
    return change(report, recipient=original, forwarded_to=report.recipient)


def owners_of(attempt_ids: Iterable[int]) -> dict[int, str]:
    """Whom each attempt was sent to, those that were merged into others too."""
    wanted = sorted(set(attempt_ids))
    if not wanted:
        return {}
    heirs = dict(MergedAttempt.objects.filter(attempt_id__in=wanted).values_list("attempt_id", "into_id"))
    today = {pk: heirs.get(pk, pk) for pk in wanted}
    emails = dict(Attempt.objects.filter(pk__in=today.values()).values_list("pk", "address__email"))
    return {pk: emails[heir] for pk, heir in today.items() if heir in emails}


def prove(told: Sequence[Told]) -> list[Told]:
    """The same in their order, each proved or with what it lacks. Locks their addresses. May run twice."""
    waiting = {(row.item_id, row.event_key): row for row in _waiting_of({one.item_id for one in told})}
    tokens = [find_token(one.report.return_path) if one.report.return_path else None for one in told]
    states = [judge_token(token, one.email, keys(), one.received_at) for token, one in zip(tokens, told, strict=True)]
    named = [
        replace(one, attempt_id=token.attempt_id) if token is not None and state in TRUE else one
        for one, token, state in zip(told, tokens, states, strict=True)
    ]
    if not waiting and all(one.trust == Trust.TRUSTED for one in named):
        return named
    address_ids = keep_addresses(one.email for one in named)
    # Until the end of the transaction: who tells an attempt waits for us, and finds what waits for it afterwards.
    lock_addresses([*address_ids.values(), *[row.address_id for row in waiting.values()]])
    matched = [one for one in named if one.trust == Trust.MATCH]
    known = dict(zip(map(id, matched), find_bearers(matched, address_ids), strict=True))
    wrong = [
        token.attempt_id for token, state in zip(tokens, states, strict=True) if token and state == TokenState.WRONG
    ]
    owners = owners_of(wrong)
    proved = [
        _judged(one, token, state, known.get(id(one), []), owners)
        for one, token, state in zip(named, tokens, states, strict=True)
    ]
    _withdraw([row for one in proved if one.is_trusted and (row := waiting.get((one.item_id, one.event_key)))])
    _keep_waiting([one for one in proved if not one.is_trusted], address_ids)
    return proved


def _judged(
    one: Told,
    token: Token | None,
    state: TokenState,
    found: Sequence[Attempt],
    owners: Mapping[int, str],
) -> Told:
    is_ours = any(is_recent(attempt, one.received_at) for attempt in found)
    owner = owners.get(token.attempt_id, "") if token is not None and state == TokenState.WRONG else ""
    is_others = bool(owner) and judge_token(token, owner, keys(), one.received_at) in TRUE
    lacks = shortcoming_of(one.trust, state, is_ours=is_ours, is_others=is_others)
    return replace(one, is_proved=lacks is None, shortcoming=lacks)


def _waiting_of(item_ids: set[int]) -> list[Unproved]:
    rows = run(WAITING, {"ids": sorted(item_ids)})
    return list(Unproved.objects.filter(pk__in=[pk for (pk,) in rows])) if rows else []


def _keep_waiting(told: Sequence[Told], address_ids: Mapping[str, int]) -> None:
    Unproved.objects.bulk_create(
        [
            Unproved(
                item_id=one.item_id,
                event_key=one.event_key,
                event=one.report.event,
                address_id=address_ids[one.email],
                shortcoming=one.shortcoming or Shortcoming.NOT_BELIEVED,
                occurred_at=one.occurred_at,
            )
            for one in told
        ],
        update_conflicts=True,
        unique_fields=["item_id", "event_key"],
        update_fields=["shortcoming"],
    )


def _withdraw(rows: Sequence[Unproved]) -> None:
    """Takes back what was recorded of reports that have their proof now: they are about to be recorded with it."""
    if not rows:
        return
    Unproved.objects.filter(pk__in=[row.pk for row in rows]).delete()
    items, addresses = [row.item_id for row in rows], [row.address_id for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(WITHDRAW_EVIDENCE, [items, addresses])
        bounce_ids = {row[0] for row in cursor.fetchall()}
        cursor.execute(WITHDRAW_COMPLAINTS, [items, addresses])
    Bounce.objects.filter(pk__in=bounce_ids, standing=Standing.UNVERIFIED, evidence__isnull=True).delete()


WITHDRAW_EVIDENCE = """
DELETE FROM bounces_evidence e
USING unnest(%s::bigint[], %s::bigint[]) AS one(item_id, address_id), bounces_bounce b
WHERE e.inbound_item_id = one.item_id AND b.id = e.bounce_id AND b.address_id = one.address_id
  AND NOT starts_with(e.rank, '1')
RETURNING e.bounce_id
"""
WITHDRAW_COMPLAINTS = """
DELETE FROM bounces_complaint c USING unnest(%s::bigint[], %s::bigint[]) AS one(item_id, address_id)
WHERE c.inbound_item_id = one.item_id AND c.address_id = one.address_id AND c.standing = 'unverified'
"""


def reopen(address_ids: Iterable[int]) -> int:
    """Lets the unverified items be read again that may be proved by news of an attempt to these addresses."""
    wanted = sorted(set(address_ids))
    if not wanted:
        return 0
    return len(run(REOPEN, {"addresses": wanted, "trust": str(Trust.MATCH)}))


# Most of the time nothing waits. The planner weighs no list of 2,000 that it cannot see, and that takes it longer.
WAITING = """
SELECT id FROM bounces_unproved WHERE item_id = ANY(ARRAY(SELECT unnest(%(ids)b::bigint[])))
"""
REOPEN = """
WITH waiting AS (
    SELECT item.id FROM bounces_inbounditem item
    WHERE item.id IN (
        SELECT item_id FROM bounces_unproved WHERE address_id = ANY(ARRAY(SELECT unnest(%(addresses)b::bigint[])))
    ) AND item.state = 'unverified' AND item.trust = %(trust)s
    ORDER BY item.id FOR NO KEY UPDATE
)
UPDATE bounces_inbounditem item SET state = 'pending', tries = 0, finished_at = NULL
FROM waiting WHERE item.id = waiting.id
RETURNING item.id
"""
