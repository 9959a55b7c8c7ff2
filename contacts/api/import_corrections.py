"""Correcting wrong cells of a preview by the API. In: a wrong cell, its new text. Out: the import, judged again."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api.import_shapes import CorrectionSerializer, ImportSerializer
from contacts.api.imports import DONE, NOT_NOW, WRITE, OneImport, refusals_told
from contacts.importing.correcting import AT_ONCE, Correction, NotCorrectable, correct


class CorrectionsView(OneImport):
    serializer_class = ImportSerializer
    required_scopes, required_permissions = WRITE, DONE

    @extend_schema(
        operation_id="imports_correct",
        tags=["imports"],
        summary="Correct a wrong cell of a preview",
        description="By whoever brought the file. The file is read and judged again with the correction: at once up to "
        f"{AT_ONCE:,} rows; above that the answer's `state` is `staging`, and the preview is ready later. An import "
        "that was to go on `at_once` then waits to be confirmed.",
        request=CorrectionSerializer,
        responses={200: ImportSerializer, 409: NOT_NOW},
    )
    def post(self, request: Request, pk: int) -> Response:
        run = self.run(pk)
        asked = CorrectionSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        is_domain = given["scope"] == "domain"
        row = None if is_domain else given["row"]
        wanted = Correction(given["column"], given["value"], given["correction"], row, is_domain=is_domain)
        try:
            with refusals_told():
                correct(run, request.user, [wanted], timezone.now)
        except NotCorrectable as error:
            raise ValidationError({"correction": [str(error)]}) from error
        return Response(ImportSerializer(run).data)
