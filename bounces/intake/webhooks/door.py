"""A provider's request: refused, a handshake, or kept.

In: a source and an `Arrival`. Out: an `Answer`. What is kept is committed before it is answered (invariant I1), and
nothing else happens here. The same request again is a duplicate (I2). Stage: intake.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from bounces.intake.keep import Door, Kept, Piece, keep_pieces
from bounces.intake.webhooks import sns
from bounces.intake.webhooks.arrival import Arrival, Refused, pack
from bounces.intake.webhooks.opening import note_refusal
from bounces.intake.webhooks.providers import PROVIDERS
from bounces.intake.webhooks.signatures import Given, as_bytes, mailgun_block
from bounces.models import InboundItem, IntakeSource, RawChunk
from bounces.sealing import CannotOpen
from bounces.values import Trust


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    said: Mapping[str, Any] = field(default_factory=dict)


def receive(source: IntakeSource, arrival: Arrival, now: datetime) -> Answer:
    """Raises what the database raises: our own fault is answered by 5xx (I8). May run twice."""
    try:
        PROVIDERS[source.kind].check(arrival, given_by(source), now)
        said = shake_hands(source, arrival)
        if said is None:
            keep(source, arrival, now)
    except Refused as error:
        note_refusal(source, str(error), now)
        return Answer(error.status, {"error": "refused"})
    return Answer(200, said or {})


def given_by(source: IntakeSource) -> Given:
    """Raises Refused where our key is gone: the provider shall try again."""
    try:
        secrets = source.secrets
    except CannotOpen as error:
        raise Refused(str(error), status=503) from None
    return Given({name: listed(value) for name, value in secrets.items()}, source.options)


def listed(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def shake_hands(source: IntakeSource, arrival: Arrival) -> dict[str, Any] | None:
    """What a provider asks before it sends events; None where it asks nothing. Raises Refused."""
    if source.kind == "amazon_ses" and sns.read_message(arrival)["Type"] == "SubscriptionConfirmation":
        sns.confirm(arrival)
        return {}
    if source.kind == "azure" and arrival.headers.get("aeg-event-type") == "SubscriptionValidation":
        try:
            return {"validationResponse": str(json.loads(arrival.body)[0]["data"]["validationCode"])}
        except (ValueError, KeyError, IndexError, TypeError, RecursionError):
            raise Refused("The handshake holds no code.", status=400) from None
    return None


def keep(source: IntakeSource, arrival: Arrival, now: datetime) -> Kept:
    """One INSERT, committed when it returns. Raises Refused for a token that was used for something else."""
    body = pack(arrival)
    piece = Piece(body=body, name=source.kind, form=InboundItem.Form.EVENTS, identity=identity(source, arrival))
    with transaction.atomic():
        (kept,) = keep_pieces([piece], Door(source=source.door, trust=Trust(source.trust), now=now))
    if source.kind == "mailgun" and not kept.is_new and not is_the_same(kept, body):
        raise Refused("This token came before, with something else: a request was made up from an old one.")
    return kept


def identity(source: IntakeSource, arrival: Arrival) -> bytes:
    """What makes two requests one. Mailgun's signature is over its token alone, so the token is."""
    if source.kind == "mailgun":
        return b"mailgun\0" + as_bytes(mailgun_block(arrival)["token"])
    return arrival.headers.get("svix-id", "").encode() + b"\0" + arrival.body


def is_the_same(kept: Kept, body: bytes) -> bool:
    """Whether what was kept before is this. What retention has pruned counts as the same: it was answered before."""
    chunk = RawChunk.objects.filter(item_id=kept.item_id, position=0).first()
    return chunk is None or bytes(chunk.body) == body
