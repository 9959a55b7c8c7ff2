"""GET bounces/ and bounces/{id}/: what came back, and the evidence. In: filters, an id. Out: bounces, newest first."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django_filters import rest_framework as filters  # type: ignore[import-untyped]  # it brings no types
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bounces.addresses import BadAddress, normalise
from bounces.api.check import VerdictSerializer, as_json
from bounces.api.pages import PARAMETERS, ByIdDown
from bounces.api.strict import refuse_empty_parameters, refuse_unknown_parameters
from bounces.classification import load_reasons
from bounces.models import Address, Attempt, Bounce
from bounces.models.constraints import choices
from bounces.moments import read_day_or_moment
from bounces.sentences import explain_bounce
from bounces.sight import bounces_for
from bounces.values import Fault, Kind, Standing, Trust
from bounces.verdict import verdicts_of

MOST_EVIDENCE = 100


class MomentField(forms.DateTimeField):
    def to_python(self, value: Any) -> datetime | None:
        try:
            return read_day_or_moment(value) if value else None
        except ValueError as error:
            raise forms.ValidationError(str(error), code="invalid") from error


class MomentFilter(filters.IsoDateTimeFilter):
    field_class = MomentField


class BounceFilters(filters.FilterSet):
    kind = filters.ChoiceFilter(choices=choices(Kind))
    fault = filters.ChoiceFilter(choices=choices(Fault))
    reason = filters.ChoiceFilter(choices=lambda: choices(load_reasons()))
    standing = filters.ChoiceFilter(choices=choices(Standing))
    domain = filters.CharFilter(method="by_domain", help_text="Of the address, like example.org.")
    email = filters.CharFilter(method="by_email", help_text="The whole address.")
    since = MomentFilter("occurred_at", "gte", help_text="Occurred at this moment or after it.")
    until = MomentFilter("occurred_at", "lt", help_text="Occurred before this moment.")

    def by_domain(self, bounces: QuerySet[Bounce], name: str, value: str) -> QuerySet[Bounce]:  # noqa: ARG002 -- django-filter's signature
        return bounces.filter(address__in=Address.objects.filter(domain=value.strip().lower()).values("pk"))

    def by_email(self, bounces: QuerySet[Bounce], name: str, value: str) -> QuerySet[Bounce]:
        try:
            return bounces.filter(address__in=Address.objects.filter(email=normalise(value)).values("pk"))
        except BadAddress as error:
            raise ValidationError({name: [f"Not an e-mail address: {error}"]}) from error


class StrictFilters(filters.DjangoFilterBackend):
    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        refuse_unknown_parameters(request, [*BounceFilters.base_filters, *PARAMETERS])
        refuse_empty_parameters(request, BounceFilters.base_filters)
        return super().filter_queryset(request, queryset, view)


class BounceSerializer(serializers.ModelSerializer[Bounce]):
    email = serializers.CharField(source="address.email")
    campaign = serializers.CharField(source="campaign_key")
    sentence = serializers.SerializerMethodField()

    class Meta:
        model = Bounce
        fields: tuple[str, ...] = (
            "id",
            "email",
            "kind",
            "fault",
            "reason",
            "standing",
            "smtp_code",
            "enhanced_code",
            "diagnostic",
            "remote_mta",
            "forwarded_to",
            "campaign",
            "occurred_at",
            "recorded_at",
            "rule",
            "sentence",
        )
        read_only_fields = fields

    def get_sentence(self, bounce: Bounce) -> str:
        return explain_bounce(bounce)


class EvidenceSerializer(serializers.Serializer[Any]):
    source = serializers.CharField(help_text="The door it came through.")  # type: ignore[assignment]  # hides an attribute
    trust = serializers.ChoiceField(choices=choices(Trust))
    kind = serializers.ChoiceField(choices=choices(Kind))
    fault = serializers.ChoiceField(choices=choices(Fault))
    reason = serializers.CharField()
    smtp_code = serializers.IntegerField(allow_null=True)
    enhanced_code = serializers.CharField()
    diagnostic = serializers.CharField()
    reporting_mta = serializers.CharField()
    rule = serializers.CharField(help_text="The classification rule that decided.")
    occurred_at = serializers.DateTimeField()
    claimed_at = serializers.DateTimeField(allow_null=True, help_text="The date it gave, where that cannot be.")
    recorded_at = serializers.DateTimeField()
    inbox_item = serializers.IntegerField(source="inbound_item_id", allow_null=True)


ATTEMPT = inline_serializer(
    "Attempt",
    {
        "sent_at": serializers.DateTimeField(),
        "sender": serializers.CharField(),
        "campaign": serializers.CharField(source="campaign_key"),
        "message_id": serializers.CharField(),
        "provider_id": serializers.CharField(),
        "outcome": serializers.CharField(),
    },
    allow_null=True,
)


class BounceDetailSerializer(BounceSerializer):
    """With what every source said of it (the best first), the message that failed, and the verdict on the address."""

    evidence = EvidenceSerializer(many=True)
    attempt = ATTEMPT
    verdict = VerdictSerializer()

    class Meta(BounceSerializer.Meta):
        fields = (*BounceSerializer.Meta.fields, "evidence", "attempt", "verdict")
        read_only_fields = fields

    def to_representation(self, bounce: Bounce) -> dict[str, Any]:
        attempt = Attempt.objects.filter(pk=bounce.attempt_id).first() if bounce.attempt_id else None
        evidence = bounce.evidence.order_by("-rank", "pk")[:MOST_EVIDENCE]
        return {
            **BounceSerializer(bounce).data,
            "evidence": EvidenceSerializer(evidence, many=True).data,
            "attempt": ATTEMPT.to_representation(attempt) if attempt else None,
            "verdict": as_json(verdicts_of([bounce.address_id], timezone.now())[bounce.address_id]),
        }


class BouncesView(ListAPIView[Bounce]):
    queryset = Bounce.objects.select_related("address")  # for the schema
    serializer_class = BounceSerializer
    filter_backends = [StrictFilters]
    filterset_class = BounceFilters
    pagination_class = ByIdDown
    required_scopes = {"GET": "bounces:read"}
    required_permissions = {"GET": "bounces.view_bounce"}

    @extend_schema(operation_id="bounces_list", tags=["bounces"], summary="Bounces, the newest recorded first")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Bounce]:
        return bounces_for(self.request.user)


class BounceView(APIView):
    required_scopes = {"GET": "bounces:read"}
    required_permissions = {"GET": "bounces.view_bounce"}

    @extend_schema(
        operation_id="bounces_retrieve",
        tags=["bounces"],
        summary="A bounce with its evidence",
        responses={200: BounceDetailSerializer},
    )
    def get(self, request: Request, pk: int) -> Response:
        bounce = get_object_or_404(bounces_for(request.user), pk=pk)
        return Response(BounceDetailSerializer(bounce).data)
