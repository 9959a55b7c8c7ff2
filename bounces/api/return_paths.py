"""POST return-paths/: for tools that send themselves. In: whom they are about to write to. Out: return paths.

Each message gets an envelope sender of its own, to which its bounces come back and by which they are proved. Answered
only after COMMIT of the attempts (invariant I1); the same `event_id` of the same user again gives the same return path.
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bounces import issuing
from bounces.api.bodies import JsonBatch
from bounces.api.events import MOST_EVENTS, AllBad, many_of, source_of
from bounces.api.problems import ErrorsSerializer
from bounces.intake.event_shape import ID_LENGTH, LINE_LENGTH, MESSAGE_ID_LENGTH, read_sending

TAKEN = "This event_id belongs to something else that you reported: give each message one of its own."


class MessageSerializer(serializers.Serializer[Any]):
    event_id = serializers.CharField(
        max_length=ID_LENGTH, help_text="Your tool's id of this sending: the same one again gives the same answer."
    )
    recipient = serializers.CharField(max_length=LINE_LENGTH, help_text="The e-mail address you are about to write to.")
    message_id = serializers.CharField(
        required=False, allow_blank=True, max_length=MESSAGE_ID_LENGTH, help_text="Message-ID of the mail, if known."
    )
    provider_id = serializers.CharField(
        required=False, allow_blank=True, max_length=ID_LENGTH, help_text="Your own id of the mail."
    )
    campaign = serializers.CharField(
        required=False, allow_blank=True, max_length=ID_LENGTH, help_text="The campaign's key."
    )
    sender = serializers.CharField(
        required=False, allow_blank=True, max_length=LINE_LENGTH, help_text="The mailbox or tool that sends it."
    )
    occurred_at = serializers.DateTimeField(required=False, help_text="When it is sent; left out: now.")


class MessagesSerializer(serializers.Serializer[Any]):
    messages = MessageSerializer(many=True, min_length=1, max_length=MOST_EVENTS)  # type: ignore[call-arg]  # with many


ISSUED = inline_serializer(
    "ReturnPaths",
    {
        "return_paths": inline_serializer(
            "ReturnPath",
            {
                "event_id": serializers.CharField(),
                "return_path": serializers.CharField(help_text="The envelope sender (MAIL FROM) of this message."),
                "expires_at": serializers.DateTimeField(help_text="A bounce that comes later is not proved by it."),
                "is_new": serializers.BooleanField(),
            },
            many=True,
        ),
        "rejected": inline_serializer(
            "RejectedMessage",
            {
                "index": serializers.IntegerField(help_text="Its place in the batch, from 0."),
                "errors": serializers.DictField(child=serializers.ListField(child=serializers.CharField())),
            },
            many=True,
        ),
    },
)
EXAMPLE = OpenApiExample(
    "Two messages",
    request_only=True,
    value={
        "messages": [
            {"event_id": "7781-sent", "recipient": "ada@example.org", "message_id": "7781@mail.example.com"},
            {"event_id": "7782-sent", "recipient": "grace@example.org", "message_id": "7782@mail.example.com"},
        ]
    },
)


class NoDomain(APIException):
    status_code = 503
    default_code = "no_return_path_domain"


class ReturnPathsView(APIView):
    parser_classes = [JsonBatch]
    required_scopes = {"POST": "events:write"}
    required_permissions = {"POST": "bounces.upload_bounces"}

    @extend_schema(
        operation_id="return_paths_issue",
        tags=["events"],
        summary="Get return paths for messages that you are about to send",
        description="One message as the body itself, or up to 1,000 in `messages`. Records that each is sent, and "
        "gives its envelope sender. 200 when at least one was good, 400 when all are bad; 503 until an operator has "
        "set REBOUND_RETURN_PATH_DOMAIN.",
        request=PolymorphicProxySerializer("MessageOrMessages", [MessageSerializer, MessagesSerializer], None),
        responses={
            200: ISSUED,
            503: OpenApiResponse(ErrorsSerializer, "No return path domain, or no database."),
        },
        examples=[EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        now = timezone.now()
        is_batch, given = many_of(request.data, "messages")
        read = [read_sending(each, now) for each in given]
        good = {index: message for index, (message, errors) in enumerate(read) if not errors}
        rejected = [{"index": index, "errors": errors} for index, (_, errors) in enumerate(read) if errors]
        try:
            issued = issuing.issue_tokens(list(good.values()), source_of(request.user), request.user, now)
        except issuing.NoDomain as error:
            raise NoDomain(str(error)) from error
        taken = [index for index, each in zip(good, issued, strict=True) if not each.return_path]
        rejected += [{"index": index, "errors": {"event_id": [TAKEN]}} for index in taken]
        if len(rejected) == len(given):
            raise AllBad(rejected, is_batch, "messages", {"return_paths": []})
        body = [
            {
                "event_id": each.event_id,
                "return_path": each.return_path,
                "expires_at": each.expires_at,
                "is_new": each.is_new,
            }
            for each in issued
            if each.return_path
        ]
        return Response({"return_paths": body, "rejected": sorted(rejected, key=lambda each: each["index"])})
