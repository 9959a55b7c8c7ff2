"""Exports by the API: the lists that the pages export. In: a list, the words of its filter. Out: an Export, its file.

A key needs the scope of the list that it asks for, and its user what the list's page asks for.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_409_CONFLICT

from bounces.api.problems import ErrorsSerializer
from bounces.api.strict import StrictSerializer
from contacts.exporting.files import TYPES
from contacts.exporting.layouts import BadPreset
from contacts.exporting.presets import PROTECTED, targets
from contacts.exporting.runs import TooManyOpen, begin, body_of
from contacts.exporting.subjects import SUBJECTS, BadColumn, BadFilter, Subject
from contacts.models import Export
from contacts.views.exporting import sent

CONTACTS = SUBJECTS["contacts"]
MOST_COLUMNS = 300


class NotNow(APIException):
    """409: there is no file yet or any more, or too much is open."""

    status_code = HTTP_409_CONFLICT
    default_code = "conflict"


class ExportSerializer(StrictSerializer, serializers.ModelSerializer[Export]):
    what = serializers.ChoiceField(
        source="subject", choices=[(key, each.name) for key, each in SUBJECTS.items()], default="contacts"
    )
    format = serializers.ChoiceField(source="form", choices=Export.Form.choices, default=Export.Form.CSV)
    preset = serializers.ChoiceField(
        choices=list(targets().items()),
        default=PROTECTED,
        help_text="The tool that will read the file. Empty: a spreadsheet or Rebound. Cells that a spreadsheet would "
        "run as a formula start with an apostrophe. `tool`: any other tool, cells unchanged. The other presets use the "
        "tool's own headers and export contacts only. Do not open a file with a preset in a spreadsheet if contacts "
        "come from strangers.",
    )
    filter = serializers.DictField(
        source="params",
        default=dict,
        help_text="The words of the list's filter, such as `{“status”: [“invalid”]}` of contacts, or `{“run”: 12}` of "
        "a cleaning run, which it needs. Empty: all that you see; of suppressions, those in force.",
    )
    columns = serializers.ListField(
        child=serializers.CharField(max_length=200), default=list, max_length=MOST_COLUMNS, help_text="Empty: all."
    )
    rows = serializers.IntegerField(source="done", read_only=True, help_text="Written so far.")
    file = serializers.SerializerMethodField(help_text="Where it can be downloaded; null until it is done.")

    class Meta:
        model = Export
        fields = ("id", "what", "state", "format", "preset", "filter", "columns", "rows", "total", "size", "error",
                  "created_at", "expires_at", "file")  # fmt: skip
        read_only_fields = ("state", "total", "size", "error", "created_at", "expires_at")

    def to_representation(self, export: Export) -> dict[str, Any]:
        """The filter in the words it was asked for; what is stored of it are ids."""
        shown = super().to_representation(export)
        with suppress(BadFilter):
            shown["filter"] = SUBJECTS[export.subject].recall(export.params)
        return dict(shown)

    def get_file(self, export: Export) -> str | None:
        return reverse("api:export_file", args=[export.pk]) if export.is_ready else None


class OfSomeList(GenericAPIView[Export]):
    """Which scope and permission count is known once it is known which list is asked for."""

    queryset = Export.objects.none()
    serializer_class = ExportSerializer
    required_scopes: dict[str, str]
    required_permissions: dict[str, str]

    def check_permissions(self, request: Request) -> None:
        subject = self.subject_of(request) if request.user.is_authenticated else CONTACTS
        self.required_scopes = dict.fromkeys(self.required_scopes, subject.scope)
        self.required_permissions = dict.fromkeys(self.required_permissions, subject.permission)
        super().check_permissions(request)

    def subject_of(self, request: Request) -> Subject:
        """Of an export of the person's own."""
        own = Export.objects.filter(pk=self.kwargs["pk"], by=request.user.pk).first()
        return SUBJECTS[own.subject] if own else CONTACTS


class ExportsView(OfSomeList):
    required_scopes = {"POST": CONTACTS.scope}
    required_permissions = {"POST": CONTACTS.permission}

    def subject_of(self, request: Request) -> Subject:
        what = request.data.get("what") if isinstance(request.data, dict) else None
        return SUBJECTS.get(what, CONTACTS) if isinstance(what, str) else CONTACTS

    @extend_schema(
        operation_id="exports_create",
        tags=["exports"],
        summary="Export a list",
        description="Exports contacts (of a segment: `{“segment”: 3}`), campaigns with their numbers, bounces, "
        "suppressions, or the rows of a cleaning run: those that you see and that match the filter. The key needs "
        "`contacts:read` for contacts and campaigns, `bounces:read` for bounces and cleaning runs, or "
        "`suppressions:read`. A worker writes the file. Poll the export until its `state` is `done`, then download its "
        "`file`, which is kept for a few days. You can import a file of contacts again.",
        responses={
            202: ExportSerializer,
            409: OpenApiResponse(ErrorsSerializer, "Too many of yours are not done."),
        },
        examples=[
            OpenApiExample(
                "Invalid ones", request_only=True, value={"format": "csv", "filter": {"status": ["invalid"]}}
            ),
            OpenApiExample(
                "For HubSpot", request_only=True, value={"preset": "hubspot", "filter": {"tag": ["customer"]}}
            ),
            OpenApiExample("Hard bounces", request_only=True, value={"what": "bounces", "filter": {"kind": "hard"}}),
        ],
    )
    def post(self, request: Request) -> Response:
        asked = ExportSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        what = asked.validated_data["subject"]
        subject = SUBJECTS[what]
        try:
            params = subject.read(subject.checked(asked.validated_data["params"]), request.user)
            export = begin(
                what,
                asked.validated_data["form"],
                params,
                asked.validated_data["columns"],
                request.user,
                timezone.now(),
                asked.validated_data["preset"],
            )
        except BadPreset as error:
            raise ValidationError({"preset": [str(error)]}) from error
        except BadColumn as error:
            raise ValidationError({"columns": [str(error)]}) from error
        except BadFilter as error:
            raise ValidationError({"filter": [str(error)]}) from error
        except TooManyOpen as error:
            raise NotNow(str(error)) from error
        url = request.build_absolute_uri(reverse("api:export", args=[export.pk]))
        return Response(ExportSerializer(export).data, status=202, headers={"Location": url})


class ExportView(OfSomeList):
    required_scopes = {"GET": CONTACTS.scope}
    required_permissions = {"GET": CONTACTS.permission}

    @extend_schema(operation_id="exports_retrieve", tags=["exports"], summary="How far an export of yours is")
    def get(self, request: Request, pk: int) -> Response:
        return Response(ExportSerializer(own_export(request, pk)).data)


class ExportFileView(OfSomeList):
    required_scopes = {"GET": CONTACTS.scope}
    required_permissions = {"GET": CONTACTS.permission}

    @extend_schema(
        operation_id="exports_file",
        tags=["exports"],
        summary="The file of an export of yours",
        responses={
            **{(200, kind.partition(";")[0]): OpenApiTypes.BINARY for kind in TYPES.values()},
            409: OpenApiResponse(ErrorsSerializer, "It is not done yet, or has expired."),
        },
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        export = own_export(request, pk)
        if not export.is_ready or (export.expires_at and export.expires_at <= timezone.now()):
            raise NotNow(f"There is no file: the export is “{export.get_state_display().lower()}”.")
        return sent(body_of(export), export.file_name, TYPES[export.form], export.size)


def own_export(request: Request, pk: int) -> Export:
    return get_object_or_404(Export, pk=pk, by=request.user)
