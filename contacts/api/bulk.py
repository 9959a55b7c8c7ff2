"""Up to 10,000 contacts saved by one request. In: JSON. Out: a result a row, once all of them are committed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bounces.api.bodies import JsonBatch
from bounces.api.strict import refuse_unknown_parameters
from bounces.unknown import unknown_errors
from contacts.api.views import source_of
from contacts.external_ids import LONGEST_TOOL, tool_named
from contacts.fields import FieldErrors
from contacts.upserting.reading import Reader, Staged
from contacts.upserting.saving import MOST, Outcome, save_contacts

RESULTS = ("created", "updated", "unchanged", "conflict", "error")
EXAMPLE = OpenApiExample(
    "Two contacts",
    request_only=True,
    value={
        "contacts": [
            {"external_id": "1815", "first_name": "Ada", "addresses": [{"email": "ada@example.org"}]},
            {"external_id": "1906", "first_name": "Grace", "addresses": [{"email": "grace@example.org"}]},
        ]
    },
)
RESULT = inline_serializer(
    "ContactResult",
    {
        "index": serializers.IntegerField(help_text="Of the row in your list; the first is 0."),
        "result": serializers.ChoiceField(choices=RESULTS),
        "id": serializers.IntegerField(
            allow_null=True, help_text="The contact\u2019s, where there is one that you see."
        ),
        "message": serializers.CharField(help_text="What is wrong, for people; empty where nothing is."),
        "errors": serializers.DictField(
            child=serializers.ListField(child=serializers.CharField()), help_text="The same by field."
        ),
    },
    many=True,
)
SAVED = inline_serializer(
    "SavedContacts",
    {**{result: serializers.IntegerField() for result in RESULTS}, "results": RESULT},
)


@extend_schema_field(
    {
        "type": "array",
        "minItems": 1,
        "maxItems": MOST,
        "items": {"anyOf": [{"$ref": "#/components/schemas/ContactRequest"}, {}]},
        "description": "Contacts as in `POST contacts/`, without `external_ids`. What is no such contact gets the "
        "result `error`, and spoils no other.",
    }
)
class Rows(serializers.Field[Any, Any, Any, Any]):
    """Read one by one (`upserting/reading.py`)."""


GIVEN = inline_serializer(
    "ContactsToSave",
    {
        "contacts": Rows(),
        "tool": serializers.CharField(
            required=False,
            allow_blank=True,
            max_length=LONGEST_TOOL,
            help_text="Whose ids the contacts have as `external_id`, like hubspot. Leave it out for your own tool.",
        ),
    },
)


class ContactsBulkView(APIView):
    parser_classes = [JsonBatch]
    required_scopes = {"POST": "contacts:write"}
    required_permissions = {"POST": "contacts.add_contact"}

    @extend_schema(
        operation_id="contacts_bulk",
        tags=["contacts"],
        summary="Create or update up to 10,000 contacts",
        description="Each row updates the contact that it is about, else creates one, as `POST contacts/?upsert=true` "
        "does. A row that is wrong costs itself alone. Every row has a result, in the order given. The same body again "
        "changes nothing.",
        request=GIVEN,
        responses={200: SAVED},
        examples=[EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        refuse_unknown_parameters(request, [])
        contacts, tool = read_body(request.data)
        if not request.user.has_perm("contacts.change_contact"):
            raise PermissionDenied("You may not change contacts. Ask an admin for the right role.")
        rows, outcomes = read_rows(contacts)
        if rows:
            now, source = timezone.now(), source_of(request)
            outcomes |= save_contacts(rows, by=request.user, now=now, source=source, tool=tool)
        counts = Counter(outcome.result for outcome in outcomes.values())
        results = [shown(index, outcomes[index]) for index in range(len(contacts))]
        return Response({**{result: counts[result] for result in RESULTS}, "results": results})


def read_body(data: Any) -> tuple[list[Any], str]:
    """The contacts, and the tool whose ids they have. Raises ValidationError."""
    if not isinstance(data, Mapping):
        raise ValidationError({"non_field_errors": ["The body is an object with a list in \u201ccontacts\u201d."]})
    errors = unknown_errors(set(data) - {"contacts", "tool"}, ["contacts", "tool"])
    contacts, tool = data.get("contacts"), data.get("tool")
    if not isinstance(contacts, list) or not contacts:
        errors["contacts"] = ["A list of contacts is needed."]
    elif len(contacts) > MOST:
        errors["contacts"] = [f"At most {MOST:,} contacts fit into a request; these are {len(contacts):,}."]
    try:
        named = tool_named(tool if isinstance(tool, str) else "") if tool else ""
    except ValueError as error:
        named, errors["tool"] = "", [str(error)]
    if errors:
        raise ValidationError(errors)
    return contacts if isinstance(contacts, list) else [], named


def read_rows(contacts: list[Any]) -> tuple[dict[int, Staged], dict[int, Outcome]]:
    """Those that can be judged by their index, and what is wrong with the others."""
    reader = Reader(contacts)
    rows: dict[int, Staged] = {}
    wrong: dict[int, Outcome] = {}
    for index, data in enumerate(contacts):
        try:
            rows[index] = reader.read(data)
        except FieldErrors as error:
            wrong[index] = Outcome("error", None, error.errors)
    return rows, wrong


def shown(index: int, outcome: Outcome) -> dict[str, Any]:
    errors = {field or "non_field_errors": list(said) for field, said in (outcome.errors or {}).items()}
    message = " ".join(
        sentence if field == "non_field_errors" else f"{field}: {sentence}"
        for field, said in errors.items()
        for sentence in said
    )
    return {
        "index": index, "result": outcome.result, "id": outcome.contact_id, "message": message, "errors": errors,
    }  # fmt: skip
