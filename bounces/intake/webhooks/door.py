"""A provider's request: refused, a handshake, or kept.

In: a `Known` source and an `Arrival`. Out: an `Answer`. What is kept is committed before it is answered (invariant
I1), and nothing else happens here. The same request again is a duplicate (I2). Stage: intake.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings

from bounces.intake.keep import megabytes
from bounces.intake.webhooks import sns
from bounces.intake.webhooks.arrival import Arrival, Refused, pack
from bounces.intake.webhooks.known import VERSION, Known, given_by, load
from bounces.intake.webhooks.opening import note_refusal
from bounces.intake.webhooks.providers import PROVIDERS
from bounces.intake.webhooks.signatures import greets
from bounces.models import InboundItem, IntakeSource, RawChunk
from bounces.statements import commit


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    said: Mapping[str, Any] = field(default_factory=dict)


NOT_THERE = Answer(404, {"error": "There is no such source."})
TOO_LARGE = Answer(413, {"error": "This is more than one request may hold: send several."})


class Outdated(Exception):
    """The source has changed since it was remembered."""


def receive(known: Known, arrival: Arrival, now: datetime) -> Answer:
    """Raises what the database raises: our own fault is answered by 5xx (I8). May run twice."""
    try:
        return accept(known, arrival, now)
    except (Refused, Outdated):
        today = load(known.source.token)
    if today is None:
        return NOT_THERE
    try:
        return accept(today, arrival, now)
    except Outdated:
        return Answer(503, {"error": "This source is being changed: try again."})
    except Refused as error:
        note_refusal(today.source, str(error), now)
        return Answer(error.status, {"error": "refused"})


def turn_away(token: str, now: datetime) -> Answer:
    """A request above the cap, unread. Counted as refused."""
    today = load(token)
    if today is None:
        return NOT_THERE
    most = megabytes(settings.WEBHOOK_CAP)
    note_refusal(today.source, f"A request had more than {most}, the most that is read of one. Nothing was read.", now)
    return TOO_LARGE


def accept(known: Known, arrival: Arrival, now: datetime) -> Answer:
    """By what is known of the source. Raises Refused, Outdated."""
    source = known.source
    PROVIDERS[source.kind].check(arrival, known.given or given_by(source), now)
    if asks_for_hands(source, arrival):
        return Answer(200, shake_hands(known, arrival))
    keep(known, arrival, now)
    return Answer(200)


def asks_for_hands(source: IntakeSource, arrival: Arrival) -> bool:
    """Whether it is what a provider asks before it sends events."""
    if source.kind == "amazon_ses":
        return bool(sns.read_message(arrival)["Type"] == "SubscriptionConfirmation")
    if source.kind == "mandrill":
        return greets(arrival)
    return source.kind == "azure" and arrival.headers.get("aeg-event-type") == "SubscriptionValidation"


def shake_hands(known: Known, arrival: Arrival) -> dict[str, Any]:
    """What it is answered. Raises Refused, Outdated."""
    today = load(known.source.token)
    if today is None or today.version != known.version:
        raise Outdated
    if known.source.kind == "amazon_ses":
        sns.confirm(arrival)
    if known.source.kind != "azure":
        return {}
    try:
        return {"validationResponse": str(json.loads(arrival.body)[0]["data"]["validationCode"])}
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        raise Refused("The handshake holds no code.", status=400) from None


def keep(known: Known, arrival: Arrival, now: datetime) -> bool:
    """One statement, committed when it returns; whether it was new. Raises Outdated, and Refused for a signature
    that was used for something else."""
    source, body = known.source, pack(arrival)
    digest = hashlib.sha256(PROVIDERS[source.kind].identity(arrival)).digest()
    given = {
        "source_id": source.pk,
        "version": known.version,
        "source": source.door,
        "trust": str(source.trust),
        "kind": source.kind,
        "digest": digest,
        "body": body,
        "now": now,
    }
    ((is_current, is_new),) = commit(KEEP, given)
    if not is_current:
        raise Outdated
    if source.kind == "mailgun" and not is_new and not is_the_same(source, digest, body):
        raise Refused("This signature came before with another body: somebody made this request from an old one.")
    return bool(is_new)


# Keeps it only while the source is as it is known: its secrets, its trust, whether it is there at all.
KEEP = f"""
WITH source AS (
    SELECT FROM bounces_intakesource WHERE id = %(source_id)s::bigint AND {VERSION} = %(version)s
), item AS (
    INSERT INTO bounces_inbounditem
        (source, digest, form, trust, name, size, state, why, facts, tries, received_at)
    SELECT %(source)s, %(digest)s::bytea, 'events', %(trust)s, %(kind)s, length(%(body)s::bytea), 'pending', '', 0, 0,
           %(now)s::timestamptz
    FROM source
    ON CONFLICT (source, digest) DO NOTHING
    RETURNING id
), chunk AS (
    INSERT INTO bounces_rawchunk (item_id, position, body) SELECT id, 0, %(body)s::bytea FROM item
)
SELECT EXISTS (SELECT FROM source), EXISTS (SELECT FROM item)
"""  # noqa: S608  (VERSION is a constant of ours)


def is_the_same(source: IntakeSource, digest: bytes, body: bytes) -> bool:
    """Whether what was kept before is this. What retention has pruned counts as the same: it was answered before."""
    kept = InboundItem.objects.filter(source=source.door, digest=digest)
    chunk = RawChunk.objects.filter(item_id__in=kept.values("pk"), position=0).first()
    return chunk is None or bytes(chunk.body) == body
