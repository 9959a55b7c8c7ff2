"""Raw bounce mails by the API, and what became of what arrived. In: a mail, an id. Out: an inbox item's state."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bounces.api.bodies import MailBody
from bounces.api.events import source_of
from bounces.intake.events import keep_mail
from bounces.models import Evidence, InboundItem

MOST_BOUNCES = 100


class ItemSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    form = serializers.ChoiceField(choices=InboundItem.Form.values)
    name = serializers.CharField(help_text="The file's name, or the event's id.")
    state = serializers.ChoiceField(choices=InboundItem.State.values)
    why = serializers.CharField(help_text="In plain words, what became of it.")
    facts = serializers.IntegerField(help_text="New facts it gave; of a container, its messages.")
    size = serializers.IntegerField(help_text="Bytes.")
    received_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    bounces = serializers.SerializerMethodField(help_text=f"Ids, for GET bounces/{{id}}/: the first {MOST_BOUNCES}.")

    def get_bounces(self, item: InboundItem) -> list[int]:
        found = (
            Evidence.objects.filter(inbound_item_id=item.pk).order_by("bounce_id").values_list("bounce_id", flat=True)
        )
        return list(found.distinct()[:MOST_BOUNCES])


class MailView(APIView):
    parser_classes = [MailBody]
    required_scopes = {"POST": "events:write"}
    required_permissions = {"POST": "bounces.upload_bounces"}

    @extend_schema(
        operation_id="bounces_upload_mail",
        tags=["events"],
        summary="Pass on one raw bounce mail",
        description="The mail as it came, as the body. It is stored first and read after that: ask GET inbox/{id}/.",
        request={"message/rfc822": OpenApiTypes.BINARY},
        responses={
            202: OpenApiResponse(
                inline_serializer("KeptMail", {"id": serializers.IntegerField(), "is_new": serializers.BooleanField()})
            )
        },
    )
    def post(self, request: Request) -> Response:
        body = request.data
        if not isinstance(body, bytes) or not body.strip():
            raise ValidationError({"non_field_errors": ["The body is empty. Send the mail as it came."]})
        kept = keep_mail(body, "mail.eml", source_of(request.user), request.user, timezone.now())
        url = request.build_absolute_uri(reverse("api:item", args=[kept.item_id]))
        return Response({"id": kept.item_id, "is_new": kept.is_new}, status=202, headers={"Location": url})


class ItemView(APIView):
    required_scopes = {"GET": "events:write"}  # what a tool brought, it may look after
    required_permissions = {"GET": "bounces.view_inbounditem"}

    @extend_schema(
        operation_id="inbox_retrieve",
        tags=["events"],
        summary="What became of an event or a mail",
        responses={200: ItemSerializer},
    )
    def get(self, request: Request, pk: int) -> Response:  # noqa: ARG002 -- DRF's signature
        return Response(ItemSerializer(get_object_or_404(InboundItem, pk=pk)).data)
