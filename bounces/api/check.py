"""POST check/: may I write to these addresses? In: up to 10,000 addresses, a campaign's key. Out: a verdict each.

The verdicts stand in the order of the addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string
from drf_spectacular.utils import OpenApiExample, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bounces.api.strict import StrictSerializer
from bounces.demands import Demand
from bounces.unknown import unknown_errors
from bounces.values import Answer, Status
from bounces.verdict import Verdict, check

MOST_ADDRESSES = 10_000
FIELDS = ("addresses", "campaign")


class VerdictSerializer(serializers.Serializer[Any]):
    verdict = serializers.ChoiceField(choices=[str(answer) for answer in Answer])
    reason = serializers.CharField(help_text="One word for tools, like userunknown.")
    sentence = serializers.CharField(help_text="The reason for people.")
    status = serializers.ChoiceField(choices=[str(status) for status in Status])
    since = serializers.DateTimeField(allow_null=True, help_text="When it became so, where that is known.")


class CheckedSerializer(VerdictSerializer):
    address = serializers.CharField(help_text="As you wrote it.")


def as_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "verdict": verdict.answer.value,
        "reason": verdict.reason,
        "sentence": verdict.sentence,
        "status": verdict.status.value,
        "since": verdict.since,
    }


class CheckSerializer(StrictSerializer):
    """The body, for the description: `addresses_of` reads it, at a fraction of what 10,000 fields cost."""

    addresses = serializers.ListField(child=serializers.CharField(allow_blank=True), max_length=MOST_ADDRESSES)
    campaign = serializers.CharField(
        required=False, allow_null=True, help_text="Its key: also leaves out whom the campaign leaves out."
    )


class CheckView(APIView):
    required_scopes = {"POST": "check"}
    required_permissions = {"POST": "bounces.view_bounce"}

    @extend_schema(
        operation_id="check",
        tags=["check"],
        summary="Ask whether addresses may be written to",
        description="One result an address, in the order given, whether we know it or not.",
        request=CheckSerializer,
        responses={200: inline_serializer("CheckResponse", {"results": CheckedSerializer(many=True)})},
        examples=[
            OpenApiExample(
                "Two addresses", request_only=True, value={"addresses": ["ada@example.org", "grace@example.org"]}
            )
        ],
    )
    def post(self, request: Request) -> Response:
        addresses = addresses_of(request.data)
        verdicts = check(addresses, timezone.now(), demand_of(request.data, request.user))
        return Response({"results": [{"address": text, **as_json(verdicts[text])} for text in addresses]})


def addresses_of(data: Any) -> list[str]:
    if not isinstance(data, Mapping) or not isinstance(data.get("addresses"), list):
        raise ValidationError({"addresses": ["A list of e-mail addresses is needed."]})
    unknown = unknown_errors(set(data) - set(FIELDS), FIELDS)
    if unknown:
        raise ValidationError(unknown)
    addresses: list[Any] = data["addresses"]
    if len(addresses) > MOST_ADDRESSES:
        sentence = f"At most {MOST_ADDRESSES:,} addresses fit a request; these are {len(addresses):,}."
        raise ValidationError({"addresses": [sentence]})
    bad = {str(index): ["Not a text."] for index, each in enumerate(addresses) if not isinstance(each, str)}
    if bad:
        raise ValidationError({"addresses": bad})
    return addresses


def demand_of(data: Any, user: Any) -> Demand | None:
    """What the named campaign asks. Whoever has campaigns is named by a setting: this app knows of none."""
    key = data.get("campaign")
    if key is None:
        return None
    if not isinstance(key, str) or not settings.CAMPAIGN_DEMANDS:
        raise ValidationError({"campaign": ["A campaign's key is needed, a text."]})
    demand: Demand | None = import_string(settings.CAMPAIGN_DEMANDS)(key, user)
    if demand is None:
        raise ValidationError({"campaign": [f"There is no campaign “{key[:100]}” that you see."]})
    return demand
