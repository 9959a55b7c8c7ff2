"""suppressions/lists/: lists that other tools export, previewed, then recorded. In: a file. Out: what its rows tell.

The same lists as on the pages: kept in the inbox, read by `bounces/intake/exported/`, and nothing of them counts before
they are confirmed.
"""

from __future__ import annotations

import io
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bounces.api.bodies import FileBody, JsonBody
from bounces.api.events import source_of
from bounces.api.problems import ErrorsSerializer
from bounces.api.strict import StrictSerializer, Text, refuse_unknown_parameters
from bounces.intake.exported.layout import TELLS
from bounces.intake.exported.opening import NO_LIST, decide, reopen
from bounces.intake.exported.preview import Preview, preview_of
from bounces.intake.exported.table import HEAD_BYTES
from bounces.intake.keep import WORKBOOK, Door, form_of, is_workbook, keep_stream
from bounces.models import InboundItem
from bounces.values import Trust

MAY = "bounces.upload_bounces"
LONGEST_NAME, LONGEST_TEXT = 200, 4 * 1024 * 1024


class NotWaiting(APIException):
    status_code = 409
    default_code = "not_waiting"


class ListFileSerializer(StrictSerializer):
    file = serializers.FileField(help_text="CSV, JSON or plain text, as the tool exported it.")


class ListTextSerializer(StrictSerializer):
    name = Text(
        max_length=LONGEST_NAME, required=False, default="list.csv", help_text="The file's name: it may say what it is."
    )
    text = Text(max_length=LONGEST_TEXT, help_text="What the file holds.")


class ConfirmSerializer(StrictSerializer):
    tells = serializers.ChoiceField(
        choices=list(TELLS.items()), required=False, default="", help_text="Left out: what the list says itself."
    )


class ListRowSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    email = serializers.CharField(allow_null=True)
    becomes = serializers.CharField(help_text="In words; of a row that nothing is recorded of, why.")
    on = serializers.CharField(allow_null=True, help_text="The day since when it counts.")


class BadListRowSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    detail = serializers.CharField()


class ListPreviewSerializer(serializers.Serializer[Any]):
    layout = serializers.CharField(help_text="The tool and the kind of list, as far as they are known.")
    tells = serializers.CharField(help_text="What its rows are taken for; empty where only a person knows.")
    choices = serializers.ListField(child=serializers.CharField(), help_text="What `tells` may be.")
    rows = serializers.IntegerField()
    is_cut = serializers.BooleanField(help_text="There are more rows than were looked at. All are recorded.")
    becomes = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="How many rows become what: `unsubscribed`, `complained`, `bounced`, `deferred`, `suppressed`; "
        "`cleaned` is a suppression because mail bounced in the other tool.",
    )
    nothing = serializers.IntegerField(help_text="Rows that suppress nobody, such as active ones.")
    not_understood = serializers.IntegerField()
    bad = BadListRowSerializer(many=True, help_text="The first of those.")
    first = ListRowSerializer(many=True, help_text="The first rows.")
    left_out = serializers.ListField(child=serializers.CharField(), help_text="Columns of which nothing is read.")


class SuppressionListSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    state = serializers.ChoiceField(choices=["waiting", *InboundItem.State.values])
    why = serializers.CharField(help_text="In plain words, what became of it.")
    preview = ListPreviewSerializer(allow_null=True, help_text="While it waits to be confirmed.")


def shown(item: InboundItem, tells: str = "") -> dict[str, Any]:
    is_waiting = item.state == InboundItem.State.QUARANTINED
    preview = preview_of(item, tells) if is_waiting else None
    return {
        "id": item.pk,
        "name": item.name,
        "state": "waiting" if preview else item.state,
        "why": item.why,
        "preview": shown_preview(preview) if preview else None,
    }


def shown_preview(preview: Preview) -> dict[str, Any]:
    return {
        "layout": preview.layout.name,
        "tells": preview.tells,
        "choices": [tells for tells, _ in preview.layout.choices],
        "rows": preview.rows,
        "is_cut": preview.is_cut,
        "becomes": dict(sorted(preview.events.items())),
        "nothing": preview.ignored,
        "not_understood": preview.bad_count,
        "bad": [{"line": read.number, "detail": read.why} for read in preview.bad],
        "first": [
            {
                "line": row.read.number,
                "email": row.read.event.get("recipient") or row.read.email or None,
                "becomes": f"{row.judgement.kind} bounce: {row.reason}" if row.judgement else row.words,
                "on": row.day or None,
            }
            for row in preview.shown
        ],
        "left_out": preview.layout.unknown,
    }


def find_list(pk: int) -> InboundItem:
    return get_object_or_404(InboundItem, pk=pk, form=InboundItem.Form.LIST)


class SuppressionListsView(APIView):
    parser_classes = [JsonBody, FileBody]
    required_scopes = {"POST": "suppressions:write"}
    required_permissions = {"POST": MAY}

    @extend_schema(
        operation_id="suppressions_lists_create",
        tags=["suppressions"],
        summary="Bring a list that another tool exported, to be previewed",
        description="Nothing counts yet: look at the `preview`, then confirm it. Unsubscribes and complaints keep "
        "their reason and date, bounces with the words of a server are judged like any other, and rows that the tool "
        "calls active suppress nobody. The same list may be sent again.",
        request={"multipart/form-data": ListFileSerializer, "application/json": ListTextSerializer},
        responses={201: SuppressionListSerializer, 200: SuppressionListSerializer},
        examples=[
            OpenApiExample(
                "People who unsubscribed in Mailchimp",
                request_only=True,
                media_type="application/json",
                value={
                    "name": "unsubscribed.csv",
                    "text": "Email Address,UNSUB_TIME\nada@example.org,2026-04-01 10:00:00\n",
                },
            )
        ],
    )
    def post(self, request: Request) -> Response:
        refuse_unknown_parameters(request, [])
        is_form = (request.content_type or "").startswith("multipart/")
        asked = (ListFileSerializer if is_form else ListTextSerializer)(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        file: Any = given["file"] if is_form else io.BytesIO(given["text"].encode())
        name = (file.name if isinstance(file, UploadedFile) else given["name"]) or ""
        kept_id, is_new = keep_list(file, name, "file" if is_form else "text", request)
        item = find_list(kept_id)
        url = request.build_absolute_uri(reverse("api:suppression_list", args=[item.pk]))
        return Response(shown(item), status=201 if is_new else 200, headers={"Location": url})


def keep_list(file: Any, name: str, field: str, request: Request) -> tuple[int, bool]:
    """Raises ValidationError for what is no list: nothing of it is kept."""
    head = file.read(HEAD_BYTES)
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if is_workbook(head) or form_of(head, name) != InboundItem.Form.LIST:
        raise ValidationError({field: [WORKBOOK if is_workbook(head) else NO_LIST]})
    user: Any = request.user
    door = Door(source=source_of(user), trust=Trust.TRUSTED, now=timezone.now(), by_id=user.pk)
    kept = keep_stream(file, size, name, door)
    reopen([kept.item_id])
    return kept.item_id, kept.is_new


class SuppressionListView(APIView):
    required_scopes = {"GET": "suppressions:read"}
    required_permissions = {"GET": MAY}

    @extend_schema(
        operation_id="suppressions_lists_retrieve",
        tags=["suppressions"],
        summary="A list: its preview, or what became of it",
        parameters=[OpenApiParameter("tells", str, enum=list(TELLS), description="Preview it as that.")],
        responses={200: SuppressionListSerializer},
    )
    def get(self, request: Request, pk: int) -> Response:
        refuse_unknown_parameters(request, ["tells"])
        tells = request.query_params.get("tells", "")
        if tells and tells not in TELLS:
            raise ValidationError({"tells": [f"There are: {', '.join(TELLS)}."]})
        return Response(shown(find_list(pk), tells))


class ConfirmListView(APIView):
    required_scopes = {"POST": "suppressions:write"}
    required_permissions = {"POST": MAY}

    @extend_schema(
        operation_id="suppressions_lists_confirm",
        tags=["suppressions"],
        summary="Record what the preview of a list shows",
        description="`tells` says what its rows are, where the list does not say so itself. A worker records them: "
        "GET suppressions/lists/{id}/ says how it ended.",
        request=ConfirmSerializer,
        responses={202: SuppressionListSerializer, 409: OpenApiResponse(ErrorsSerializer, "It does not wait.")},
    )
    def post(self, request: Request, pk: int) -> Response:
        refuse_unknown_parameters(request, [])
        asked = ConfirmSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        item = find_list(pk)
        if item.state != InboundItem.State.QUARANTINED:
            raise NotWaiting("The list was confirmed or discarded before. Nothing was changed.")
        preview = preview_of(item)
        tells = asked.validated_data["tells"] or (preview.tells if preview else "")
        if preview is None or tells not in dict(preview.layout.choices):
            choices = ", ".join(word for word, _ in preview.layout.choices) if preview else ""
            raise ValidationError({"tells": [f"Nothing in the list says what its rows are. Say one of: {choices}."]})
        if not decide(item.pk, tells, request.user):
            raise NotWaiting("The list was confirmed or discarded before. Nothing was changed.")
        item.refresh_from_db()
        return Response(shown(item), status=202)
