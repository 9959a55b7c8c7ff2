"""The rows of an import by the API: what would become of each, what became of it, and what undo would leave.

In: a run's number, a cursor. Out: pages in the order of the file; the failed rows as a file.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import Cursor
from rest_framework.request import Request
from rest_framework.response import Response

from bounces.api.pages import ByIdUp
from bounces.api.strict import refuse_unknown_parameters
from contacts.api.exports import NotNow
from contacts.api.import_shapes import RowSerializer
from contacts.api.imports import NOT_NOW, READ, SEEN, OneImport, check_undoable
from contacts.importing.holding import held_preview
from contacts.importing.outcomes import RowShown, kept_rows, outcome_of, preview_rows, refusals
from contacts.importing.undoing import LOOKED_AT, would_stay
from contacts.models import ImportOutcome, ImportRow, ImportRun
from contacts.views.importing import sent_failed

UNJUDGED = (ImportRun.State.UPLOADED, ImportRun.State.STAGING, ImportRun.State.JUDGING)


class RowsByNumber(ByIdUp):
    """Of ORM rows as DRF does it; of rows that one statement finds behind a number, by `answer`."""

    ordering = "number"

    def begin(self, request: Request) -> tuple[int, int]:
        """Behind which number, and how many."""
        cursor = self.decode_cursor(request)
        self.base_url = request.build_absolute_uri()
        return int(cursor.position or 0) if cursor else 0, self.get_page_size(request)

    def answer(self, rows: Iterable[RowShown], following: int | None) -> Response:
        link = None if following is None else self.encode_cursor(Cursor(0, False, following))
        return Response({"next": link, "previous": None, "results": [RowSerializer(row).data for row in rows]})


class ImportRowsView(OneImport):
    serializer_class = RowSerializer
    pagination_class = RowsByNumber
    required_scopes, required_permissions = READ, SEEN

    @extend_schema(
        operation_id="imports_rows",
        tags=["imports"],
        summary="What would become of each row, or what became of it",
        description="In the order of the file. Of an import that is `ready`, what its preview says; later what was "
        "done. A row that is not there changes nothing.",
        parameters=[OpenApiParameter("verdict", str, enum=ImportRow.Verdict.values)],
        responses={200: RowSerializer(many=True), 409: NOT_NOW},
    )
    def get(self, request: Request, pk: int) -> Response:
        refuse_unknown_parameters(request, ["cursor", "limit", "verdict"])
        run, now = self.run(pk), timezone.now()
        verdicts = list(ImportRow.Verdict.values)
        if (verdict := request.query_params.get("verdict")) is not None:
            if verdict not in verdicts:
                raise ValidationError({"verdict": [f"One of {', '.join(verdicts)} is needed."]})
            verdicts = [verdict]
        with held_preview(run) as is_there:
            if is_there:
                pages = RowsByNumber()
                after, most = pages.begin(request)
                found = preview_rows(run, verdicts, most + 1, now, after)
                return pages.answer(found[:most], found[most - 1].number if len(found) > most else None)
        if run.state in UNJUDGED and run.applied_at is None:
            raise NotNow(f"Its rows are not judged yet: this import is “{run.get_state_display()}”. Ask again later.")
        rows = ImportOutcome.objects.filter(run_id=run.pk, verdict__in=verdicts)
        page: Any = self.paginate_queryset(rows) or []  # type: ignore[arg-type]  # of another model than the view's
        refused = refusals([row.email for row in page if row.known], now)
        return self.get_paginated_response([RowSerializer(outcome_of(row, refused)).data for row in page])


class FailedRowsView(OneImport):
    required_scopes, required_permissions = READ, SEEN

    @extend_schema(
        operation_id="imports_failed_rows",
        tags=["imports"],
        summary="The rows that failed, as a file to mend and bring again",
        description="With the file's own columns, and `error`.",
        responses={(200, "text/csv"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:  # noqa: ARG002 -- DRF's signature
        return sent_failed(self.run(pk))


class UndoRowsView(OneImport):
    serializer_class = RowSerializer
    pagination_class = RowsByNumber
    required_scopes, required_permissions = READ, SEEN

    @extend_schema(
        operation_id="imports_undo_rows",
        tags=["imports"],
        summary="The rows whose contacts would stay",
        description=f"Before it is taken back: `kept` says why. Each page looks at {LOOKED_AT:,} rows at most, so that "
        "one may hold less than `limit`, even nothing, while there is a `next`.",
        responses={200: RowSerializer(many=True), 409: NOT_NOW},
    )
    def get(self, request: Request, pk: int) -> Response:
        refuse_unknown_parameters(request, ["cursor", "limit"])
        run, pages = self.run(pk), RowsByNumber()
        check_undoable(run)
        stay = would_stay(run, *pages.begin(request))
        return pages.answer(kept_rows(run, stay.reasons), stay.following)
