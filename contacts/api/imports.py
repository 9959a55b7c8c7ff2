"""Imports by the API: a file or rows in, a preview, the confirmation, the outcome of every row, and the way back.

In: requests. Out: the same runs as the pages'; `contacts/importing/runs.py` decides, and a worker does the work. Row by
row: `import_rows.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, transaction
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from bounces.api.bodies import JsonBody
from bounces.api.pages import ByIdDown
from bounces.api.problems import ErrorsSerializer
from bounces.api.strict import StrictSerializer, refuse_unknown_parameters
from bounces.rulings import NoReason
from contacts.api.exports import NotNow
from contacts.api.import_shapes import (
    FileBody,
    FileSerializer,
    ImportSerializer,
    NeededReasonSerializer,
    PreviewSerializer,
    ReasonSerializer,
    RowsSerializer,
    UndoSerializer,
)
from contacts.api.views import source_of
from contacts.importing import runs
from contacts.importing.holding import held_preview
from contacts.importing.mapping import said_mapping, save_mapping
from contacts.importing.options import Options
from contacts.importing.reading import Manner, UnreadableFile
from contacts.importing.undoing import preview_undo
from contacts.importing.waiting import VIA
from contacts.models import ImportRun, SavedMapping

SEEN = {"GET": "contacts.import_contact"}
DONE = {"POST": "contacts.import_contact"}
READ, WRITE = {"GET": "contacts:read"}, {"POST": "contacts:write"}
NOT_NOW = OpenApiResponse(ErrorsSerializer, "Not in its present state; the sentence says why.")
LONGEST_KEY = 200


def all_runs() -> Any:
    return ImportRun.objects.exclude(via=VIA).select_related("started_by", "released_by", "undone_by")


@contextmanager
def refusals_told(about: str = "file") -> Iterator[None]:
    try:
        yield
    except UnreadableFile as error:
        raise ValidationError({about: [str(error)]}) from error
    except NoReason as error:
        raise ValidationError({"reason": [str(error)]}) from error
    except runs.NotReady as error:
        raise NotNow(str(error)) from error


class ImportsView(GenericAPIView[ImportRun]):
    queryset = ImportRun.objects.none()
    serializer_class = ImportSerializer
    parser_classes = [JsonBody, FileBody]
    pagination_class = ByIdDown
    required_scopes = READ | WRITE
    required_permissions = SEEN | DONE

    @extend_schema(
        operation_id="imports_list",
        tags=["imports"],
        summary="Imports, the newest first",
        responses={200: ImportSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        refuse_unknown_parameters(request, ["cursor", "limit"])
        page = self.paginate_queryset(all_runs()) or []
        return self.get_paginated_response(ImportSerializer(page, many=True).data)

    @extend_schema(
        operation_id="imports_create",
        tags=["imports"],
        summary="Bring a file or rows, to be previewed",
        description="Nothing is written yet: look at the import until its `state` is `ready`, then confirm it. With "
        "`at_once` it goes on by itself, unless the list is quarantined. Columns are guessed where neither `mapping` "
        "nor `saved` says what they mean. The same `Idempotency-Key` again gives the same import.",
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        request={"multipart/form-data": FileSerializer, "application/json": RowsSerializer},
        responses={202: ImportSerializer, 200: ImportSerializer},
        examples=[
            OpenApiExample(
                "Rows",
                request_only=True,
                media_type="application/json",
                value={"rows": [{"email": "ada@example.org", "first_name": "Ada"}], "tags": ["fair-2026"]},
            )
        ],
    )
    def post(self, request: Request) -> Response:
        refuse_unknown_parameters(request, [])
        key = request.headers.get("Idempotency-Key", "")[:LONGEST_KEY].replace("\x00", "")
        if (known := brought_before(request.user, key)) is not None:
            return Response(ImportSerializer(known).data)
        shape = FileSerializer if (request.content_type or "").startswith("multipart/") else RowsSerializer
        asked = shape(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            run = bring(request, asked.validated_data, key)
        except IntegrityError:  # it was sent twice at the same moment
            run = get_object_or_404(ImportRun, started_by=request.user, client_key=key)
        url = request.build_absolute_uri(reverse("api:import", args=[run.pk]))
        return Response(ImportSerializer(run).data, status=202, headers={"Location": url})


def brought_before(user: Any, key: str) -> ImportRun | None:
    return ImportRun.objects.filter(started_by=user, client_key=key).first() if key else None


def bring(request: Request, given: dict[str, Any], key: str) -> ImportRun:
    """The file is kept, and its columns are known: both or nothing."""
    options = options_in(request, given)
    with refusals_told("file" if "file" in given else "rows"), transaction.atomic():
        run = runs.take_file(
            pieces_in(given),
            name_in(given),
            by=request.user,
            via="api",
            now=timezone.now(),
            client_key=key,
            manner=given.get("manner", Manner()),
        )
        runs.begin(run, mapping_in(given, run), options)
        if given["save_as"]:
            save_mapping(given["save_as"], run.mapping, request.user, run.headers)
    return run


def pieces_in(given: dict[str, Any]) -> Iterable[bytes]:
    return given["file"].chunks() if "file" in given else given["rows"]


def name_in(given: dict[str, Any]) -> str:
    if "file" in given:
        return given["file"].name or "a file"
    return f"{given['name'].removesuffix('.jsonl')}.jsonl"


def mapping_in(given: dict[str, Any], run: ImportRun) -> dict[str, str]:
    """As guessed, but for what is said; a column with the word "" is left out."""
    saved = None
    if given["saved"]:
        saved = SavedMapping.objects.filter(name__iexact=given["saved"]).first()
        if saved is None:
            names = ", ".join(SavedMapping.objects.values_list("name", flat=True)[:50]) or "none"
            raise ValidationError({"saved": [f"No mapping is called so. There are: {names}."]})
    return said_mapping(run.headers, run.mapping, saved.mapping if saved else None, given["mapping"])


def options_in(request: Request, given: dict[str, Any]) -> Options:
    user: Any = request.user
    if given["new_fields"] and not user.has_perm("contacts.add_customfield"):
        raise ValidationError({"new_fields": ["Your role makes no custom fields. Leave the column out."]})
    if given["change_others"] and not user.has_perm("contacts.change_everyones_contact"):
        raise ValidationError({"change_others": ["Only managers change the contacts of others."]})
    return Options(
        update=given["update"],
        empties=given["empties"],
        change_others=given["change_others"],
        owner_id=given["owner"].pk if given["owner"] else None,
        source=given["source"] or source_of(request),
        tags=given["tags"],
        new_fields=given["new_fields"],
        at_once=given["at_once"],
        strict=given["strict"],
        opt_outs=given["opt_outs"],
        opt_out_reason=given["opt_out_reason"],
    )


class OneImport(GenericAPIView[ImportRun]):
    queryset = ImportRun.objects.none()

    def run(self, pk: int) -> ImportRun:
        run: ImportRun = get_object_or_404(all_runs(), pk=pk)
        return run


class ImportView(OneImport):
    serializer_class = PreviewSerializer
    required_scopes, required_permissions = READ, SEEN

    @extend_schema(
        operation_id="imports_retrieve",
        tags=["imports"],
        summary="How far an import is, and its preview",
        description="While it is read and once it is `ready`: its first rows by verdict, what each would change, and "
        "those whose address must not be written to.",
    )
    def get(self, request: Request, pk: int) -> Response:  # noqa: ARG002 -- DRF's signature
        run = self.run(pk)
        with held_preview(run):  # else it is in another state now, which is what is told
            return Response(PreviewSerializer(run).data)


class ConfirmView(OneImport):
    serializer_class = ImportSerializer
    required_scopes, required_permissions = WRITE, DONE

    @extend_schema(
        operation_id="imports_confirm",
        tags=["imports"],
        summary="Let the import write what its preview shows",
        description="Once, by whoever brought the file. A quarantined list needs a manager, who says why in `reason`.",
        request=ReasonSerializer,
        responses={200: ImportSerializer, 409: NOT_NOW},
    )
    def post(self, request: Request, pk: int) -> Response:
        run, reason = self.run(pk), reason_in(request)
        with refusals_told():
            runs.confirm(run, request.user, timezone.now(), reason)
        return Response(ImportSerializer(run).data)


class CancelView(OneImport):
    serializer_class = ImportSerializer
    required_scopes, required_permissions = WRITE, DONE

    @extend_schema(
        operation_id="imports_cancel",
        tags=["imports"],
        summary="Stop an import; what it has written stays",
        request=None,
        responses={200: ImportSerializer, 409: NOT_NOW},
    )
    def post(self, request: Request, pk: int) -> Response:
        run = self.run(pk)
        if not runs.cancel(run, request.user, timezone.now()):
            raise NotNow(f"There is nothing to cancel: this import is “{run.get_state_display()}”.")
        return Response(ImportSerializer(run).data)


class NextBatchView(OneImport):
    serializer_class = ImportSerializer
    required_scopes, required_permissions = WRITE, DONE

    @extend_schema(
        operation_id="imports_next_batch",
        tags=["imports"],
        summary="Let the next batch of a quarantined list come",
        request=None,
        responses={200: ImportSerializer, 409: NOT_NOW},
    )
    def post(self, request: Request, pk: int) -> Response:
        run = self.run(pk)
        with refusals_told():
            runs.let_next_batch(run, request.user)
        return Response(ImportSerializer(run).data)


class UndoView(OneImport):
    serializer_class = UndoSerializer
    required_scopes, required_permissions = READ | WRITE, SEEN | DONE

    @extend_schema(
        operation_id="imports_undo_preview",
        tags=["imports"],
        summary="What taking an import back would do",
        responses={200: UndoSerializer, 409: NOT_NOW},
    )
    def get(self, request: Request, pk: int) -> Response:  # noqa: ARG002 -- DRF's signature
        run = self.run(pk)
        check_undoable(run)
        return Response(UndoSerializer(preview_undo(run)).data)

    @extend_schema(
        operation_id="imports_undo",
        tags=["imports"],
        summary="Take a whole import back",
        description="Contacts that it made go, unless something happened with them since; changed ones return.",
        request=NeededReasonSerializer,
        responses={200: ImportSerializer, 409: NOT_NOW},
    )
    def post(self, request: Request, pk: int) -> Response:
        run, reason = self.run(pk), reason_in(request, NeededReasonSerializer)
        with refusals_told():
            runs.undo(run, request.user, reason, timezone.now())
        return Response(ImportSerializer(run).data)


def check_undoable(run: ImportRun) -> None:
    with refusals_told():
        runs.check_undoable(run)


def reason_in(request: Request, shape: type[StrictSerializer] = ReasonSerializer) -> str:
    asked = shape(data=request.data)
    asked.is_valid(raise_exception=True)
    return str(asked.validated_data["reason"])
