"""POST events/: what outreach tools report. In: one event, or up to 1,000. Out: which were kept, and what is wrong.

A good event is kept whatever its neighbours are. Answered only after COMMIT (invariant I1); the same `event_id` of
the same user again is a duplicate and changes nothing (I2). Stage: intake.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, PolymorphicProxySerializer, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bounces.api.bodies import JsonBatch
from bounces.intake.event_shape import EVENTS, FEEDBACK_TYPES, ID_LENGTH, LINE_LENGTH, MESSAGE_ID_LENGTH, read_event
from bounces.intake.events import keep_events
from bounces.unknown import unknown_errors

MOST_EVENTS = 1000


def source_of(user: Any) -> str:
    """The door's name: event ids are unique within it, whichever key of the user brings them."""
    return f"api:{user.pk}"


class SmtpSerializer(serializers.Serializer[Any]):
    """Documents what event_shape.py checks; a test holds the two together."""

    code = serializers.IntegerField(required=False, min_value=200, max_value=599, help_text="Reply code, like 550.")
    enhanced = serializers.RegexField(
        r"^[245]\.[0-9]{1,3}\.[0-9]{1,3}$", required=False, help_text="Enhanced status code, like 5.1.1."
    )
    text = serializers.CharField(required=False, allow_blank=True, help_text="What the server said; 2,000 are kept.")
    remote_mta = serializers.CharField(
        required=False, allow_blank=True, max_length=LINE_LENGTH, help_text="The host that said it."
    )


class EventSerializer(serializers.Serializer[Any]):
    event_id = serializers.CharField(max_length=ID_LENGTH, help_text="Your tool's id: the same one again is ignored.")
    event = serializers.ChoiceField(choices=EVENTS)
    recipient = serializers.CharField(max_length=LINE_LENGTH, help_text="The e-mail address it was about.")
    occurred_at = serializers.DateTimeField(help_text="ISO 8601 with its time zone.")
    message_id = serializers.CharField(
        required=False, allow_blank=True, max_length=MESSAGE_ID_LENGTH, help_text="Message-ID of the mail."
    )
    provider_id = serializers.CharField(
        required=False, allow_blank=True, max_length=ID_LENGTH, help_text="The sending provider's id of the mail."
    )
    campaign = serializers.CharField(
        required=False, allow_blank=True, max_length=ID_LENGTH, help_text="The campaign's key."
    )
    sender = serializers.CharField(
        required=False, allow_blank=True, max_length=LINE_LENGTH, help_text="The mailbox or tool that sent it."
    )
    smtp = SmtpSerializer(required=False)
    feedback_type = serializers.ChoiceField(choices=FEEDBACK_TYPES, required=False, help_text="Of a complaint.")


class EventsSerializer(serializers.Serializer[Any]):
    events = EventSerializer(many=True, min_length=1, max_length=MOST_EVENTS)  # type: ignore[call-arg]  # with many


KEPT = inline_serializer(
    "KeptEvents",
    {
        "accepted": serializers.IntegerField(),
        "duplicates": serializers.IntegerField(),
        "rejected": inline_serializer(
            "RejectedEvent",
            {
                "index": serializers.IntegerField(help_text="Its place in the batch, from 0."),
                "errors": serializers.DictField(child=serializers.ListField(child=serializers.CharField())),
            },
            many=True,
        ),
        "items": inline_serializer(
            "KeptEvent",
            {
                "event_id": serializers.CharField(),
                "id": serializers.IntegerField(help_text="For GET inbox/{id}/."),
                "is_new": serializers.BooleanField(),
            },
            many=True,
        ),
    },
)
EXAMPLE = OpenApiExample(
    "A bounce and a delivery",
    request_only=True,
    value={
        "events": [
            {
                "event_id": "msg-7781-bounce",
                "event": "bounced",
                "recipient": "ada@example.org",
                "occurred_at": "2026-05-03T09:12:44Z",
                "message_id": "7781@mail.example.com",
                "campaign": "spring-launch",
                "sender": "jo@example.com",
                "smtp": {
                    "code": 550,
                    "enhanced": "5.1.1",
                    "text": "550 5.1.1 No such user here",
                    "remote_mta": "mx.example.org",
                },
            },
            {
                "event_id": "msg-7782-delivery",
                "event": "delivered",
                "recipient": "grace@example.org",
                "occurred_at": "2026-05-03T09:12:45Z",
            },
        ]
    },
)


class EventsView(APIView):
    parser_classes = [JsonBatch]
    required_scopes = {"POST": "events:write"}
    required_permissions = {"POST": "bounces.upload_bounces"}

    @extend_schema(
        operation_id="events_report",
        tags=["events"],
        summary="Report what happened to messages",
        description="One event as the body itself, or up to 1,000 in `events`. Good ones are kept, bad ones are "
        "reported by their index: 202 when at least one was kept or known, 400 when all are bad.",
        request=PolymorphicProxySerializer("EventOrEvents", [EventSerializer, EventsSerializer], None),
        responses={202: KEPT},
        examples=[EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        now = timezone.now()
        is_batch, given = many_of(request.data, "events")
        read = [read_event(each, now) for each in given]
        rejected = [{"index": index, "errors": errors} for index, (_, errors) in enumerate(read) if errors]
        good = [event for event, errors in read if not errors]
        if not good:
            raise AllBad(rejected, is_batch, "events", {"accepted": 0, "duplicates": 0})
        kept = keep_events(good, source_of(request.user), request.user, now)
        accepted = sum(each.is_new for each in kept)
        body = {
            "accepted": accepted,
            "duplicates": len(kept) - accepted,
            "rejected": rejected,
            "items": [{"event_id": each.event_id, "id": each.item_id, "is_new": each.is_new} for each in kept],
        }
        return Response(body, status=202)


class AllBad(ValidationError):
    """Field errors in the usual shape, and in the shape of a batch's answer beside it."""

    def __init__(self, rejected: list[dict[str, Any]], is_batch: bool, name: str, answer: dict[str, Any]) -> None:
        by_index = {str(each["index"]): each["errors"] for each in rejected}
        super().__init__({name: by_index} if is_batch else rejected[0]["errors"])
        self.extra = {**answer, "rejected": rejected}


def many_of(data: Any, name: str) -> tuple[bool, list[Any]]:
    """Whether it is a batch, and what was given: in the list of that name, or one as the body itself."""
    one = name.removesuffix("s")
    if not isinstance(data, Mapping):
        raise ValidationError({"non_field_errors": [f"The body is one {one}, or an object with a list in “{name}”."]})
    if name not in data:
        return False, [data]
    unknown = unknown_errors(set(data) - {name}, [name])
    if unknown:
        raise ValidationError(unknown)
    given = data[name]
    if not isinstance(given, list) or not given:
        raise ValidationError({name: [f"A list of 1 to {MOST_EVENTS:,} {name} is needed."]})
    if len(given) > MOST_EVENTS:
        raise ValidationError({name: [f"At most {MOST_EVENTS:,} {name} fit a request; these are {len(given):,}."]})
    return True, given
