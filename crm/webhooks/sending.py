"""Sending what is due until it is taken or given up: several endpoints at once, each its messages one by one.

In: WebhookDelivery rows. Out: POST requests, and what became of each. Stage: announce. A message is claimed before it
is sent: a worker that is killed sends it again, under the same id. A deadline bounds the whole request, so that an
endpoint that hangs or drips delays its own messages alone. Redirects are not followed; of an answer the beginning is
kept.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import urlsplit

from django.db import connection as database
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from bounces import network
from bounces.parsing.text import clean_line
from bounces.sealing import CannotOpen, unseal
from crm import abreast
from crm.alarms import tell_of_stopped_endpoint
from crm.models import WebhookDelivery, WebhookEndpoint
from crm.webhooks.signing import signed_headers

WAITS = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 1800, 2 * 3600, 5 * 3600, 10 * 3600, 24 * 3600))
CLAIMED_FOR = timedelta(minutes=2)  # longer than any request may take
DEADLINE = 15.0  # seconds of a whole request
AT_ONCE = 16  # endpoints
ANSWER_KEPT = 300
KEPT_FOR = timedelta(days=30)

State = WebhookDelivery.State


@dataclass(frozen=True, slots=True)
class Answer:
    is_taken: bool
    text: str
    is_gone: bool = False  # 410: the tool wants no more


def is_due(now: datetime) -> bool:
    """Whether an endpoint that is asked nothing at this moment has something due."""
    due = WebhookDelivery.objects.filter(endpoint=OuterRef("pk"), state=State.WAITING, due_at__lte=now)
    is_free = Q(busy_until__isnull=True) | Q(busy_until__lte=now)
    return WebhookEndpoint.objects.filter(is_free, Exists(due), is_enabled=True).exists()


def send_due(clock: Callable[[], datetime], patience: float) -> int:
    """Sends what is due until nothing is; begins no more once patience (seconds) has ended. Returns how many."""
    work = abreast.Work(
        claim=lambda: claim(clock()),
        do=lambda delivery: post(delivery, clock()),
        settle=lambda delivery, answer: settle(delivery, answer, clock()),
        late=Answer(False, LATE),
    )
    return abreast.run(work, most=AT_ONCE, deadline=DEADLINE + 5, patience=patience)


def send_next(now: datetime) -> bool:
    """Sends the one that has waited longest; False where none is due."""
    delivery = claim(now)
    if delivery is None:
        return False
    settle(delivery, post(delivery, now), now)
    return True


def claim(now: datetime) -> WebhookDelivery | None:
    """The oldest of an endpoint that is asked nothing else meanwhile."""
    with database.cursor() as cursor:
        cursor.execute(CLAIM, {"now": now, "until": now + CLAIMED_FOR})
        row = cursor.fetchone()
    return WebhookDelivery.objects.select_related("endpoint").get(pk=row[0]) if row else None


CLAIM = """
WITH next AS (
    SELECT e.id AS endpoint_id, oldest.id
    FROM crm_webhookendpoint e CROSS JOIN LATERAL (
        SELECT d.id, d.due_at FROM crm_webhookdelivery d
        WHERE d.endpoint_id = e.id AND d.state = 'waiting' AND d.due_at <= %(now)s
        ORDER BY d.due_at, d.id LIMIT 1
    ) oldest
    WHERE e.is_enabled AND (e.busy_until IS NULL OR e.busy_until <= %(now)s)
    ORDER BY oldest.due_at, oldest.id LIMIT 1 FOR UPDATE OF e SKIP LOCKED
), busy AS (
    UPDATE crm_webhookendpoint e SET busy_until = %(until)s FROM next WHERE e.id = next.endpoint_id
)
UPDATE crm_webhookdelivery d SET due_at = %(until)s, tries = tries + 1 FROM next WHERE d.id = next.id
RETURNING d.id
"""

LATE = f"No complete answer within {DEADLINE:.0f} seconds."


def post(delivery: WebhookDelivery, now: datetime) -> Answer:
    """One request. Never raises: what went wrong is the answer."""
    body = json.dumps(delivery.payload, ensure_ascii=False, separators=(",", ":"))
    headers = {"content-type": "application/json", "user-agent": "Rebound"}
    with network.Deadline(DEADLINE) as deadline:
        try:
            headers |= signed_headers(unseal(delivery.endpoint.sealed_secret), delivery.message_id, now, body)
            return ask(delivery.endpoint.url, body.encode(), headers, deadline)
        except (network.Unreachable, CannotOpen) as error:
            return Answer(False, LATE if deadline.is_over else str(error))
        except (OSError, http.client.HTTPException, ValueError) as error:
            is_late = deadline.is_over or isinstance(error, TimeoutError)
            return Answer(False, LATE if is_late else f"No answer: {type(error).__name__}.")


def ask(url: str, body: bytes, headers: dict[str, str], deadline: network.Deadline) -> Answer:
    """One POST to an address that was looked at. Raises Unreachable, OSError, HTTPException, ValueError."""
    parts = urlsplit(url)
    host, is_tls = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    connection = http.client.HTTPConnection(host, port, timeout=deadline.seconds)
    connection.sock = deadline.connect(host, port)
    try:
        if is_tls:
            connection.sock = network.secure(connection.sock, host, port, network.tls_context())
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, headers | {"host": parts.netloc.rpartition("@")[2]})
        response = connection.getresponse()
        if deadline.is_over:  # to http.client, headers that were cut off are complete
            raise TimeoutError
        return read_answer(response.status, _beginning_of(response))
    finally:
        connection.close()


def _beginning_of(response: http.client.HTTPResponse) -> str:
    """What it says beside its status; that one is decided, whatever becomes of the rest."""
    try:
        return response.read1(ANSWER_KEPT).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException, ValueError):
        return ""


def read_answer(status: int, said: str) -> Answer:
    text = f"{status} {clean_line(said)}".strip()
    if 300 <= status < 400:
        text = f"{status}: redirects are not followed; give the address where it leads."
    return Answer(200 <= status < 300, text, is_gone=status == HTTPStatus.GONE)


def settle(delivery: WebhookDelivery, answer: Answer, now: datetime) -> None:
    """Writes down what became of a try; may stop the endpoint."""
    endpoint = delivery.endpoint
    delivery.answer = answer.text
    with transaction.atomic():
        if answer.is_taken:
            delivery.state, delivery.done_at = State.TAKEN, now
            asked = {"last_success_at": now, "last_error": ""}
        else:
            asked = {"last_error": answer.text}
            if delivery.tries > len(WAITS):
                delivery.state, delivery.done_at = State.GIVEN_UP, now
            else:
                delivery.due_at = now + WAITS[delivery.tries - 1]
        delivery.save(update_fields=["state", "answer", "due_at", "done_at"])
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(busy_until=None, **asked)
    if answer.is_gone:
        stop(endpoint, "It answered 410: it wants no more.", now)
    elif delivery.state == State.GIVEN_UP and not was_taken_since(endpoint, delivery.created_at):
        stop(endpoint, f"It has taken nothing since {delivery.created_at:%d %b %Y}. Last answer: {answer.text}", now)


def was_taken_since(endpoint: WebhookEndpoint, moment: datetime) -> bool:
    return WebhookEndpoint.objects.filter(pk=endpoint.pk, last_success_at__gt=moment).exists()


def stop(endpoint: WebhookEndpoint, why: str, now: datetime) -> None:
    """Switches an endpoint off, says why, and tells the admins once. May run twice."""
    with transaction.atomic():
        stopped = WebhookEndpoint.objects.filter(pk=endpoint.pk, is_enabled=True)
        if stopped.update(is_enabled=False, stopped_why=why):
            forget_waiting(endpoint, now)
            tell_of_stopped_endpoint(endpoint.pk, now)


def forget_waiting(endpoint: WebhookEndpoint, now: datetime) -> int:
    """What an endpoint that is switched off was to be told: given up. Returns how many messages."""
    waiting = endpoint.deliveries.filter(state=State.WAITING)
    return waiting.update(state=State.GIVEN_UP, done_at=now, answer="The endpoint is switched off.")


def send_again(delivery: WebhookDelivery, now: datetime) -> None:
    """A person wants it sent once more, whatever became of it: under the same id."""
    WebhookDelivery.objects.filter(pk=delivery.pk).update(state=State.WAITING, tries=0, due_at=now, done_at=None)


def prune(now: datetime) -> int:
    """Forgets what ended long ago. Returns how many."""
    old = WebhookDelivery.objects.filter(~Q(state=State.WAITING), done_at__lt=now - KEPT_FOR)
    return old.delete()[0]
