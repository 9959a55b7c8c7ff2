"""suppressions/: whom we never write to. In: filters; addresses and domains; ids with a reason. Out: suppressions.

A tool may suppress, which only ever says no. What it lifts, its user lifts, by name and with a reason; a complaint and
an unsubscribe it cannot lift at all: a person does so on the page (invariant I5).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django_filters import rest_framework as filters  # type: ignore[import-untyped]  # it brings no types
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bounces import suppressions
from bounces.addresses import BadAddress, domain_of, normalise, suppression_key
from bounces.api.bounces import MomentFilter
from bounces.api.events import source_of
from bounces.api.pages import PARAMETERS, ByIdDown
from bounces.api.strict import StrictSerializer, Text, refuse_empty_parameters, refuse_unknown_parameters
from bounces.models import Suppression
from bounces.moments import read_moment
from bounces.suppression_lists import look_at, read_targets, suppress_list

MOST_TARGETS = 10_000
MOST_LIFTED = 1_000
STATES = [(state, state.replace("_", " ").capitalize()) for state in ("in_force", "expired", "lifted", "all")]
MAY = "bounces.change_suppression"


class SuppressionFilters(filters.FilterSet):
    scope = filters.ChoiceFilter(choices=Suppression.Scope.choices)
    reason = filters.ChoiceFilter(choices=Suppression.Reason.choices)
    state = filters.ChoiceFilter(choices=STATES, method="by_state", help_text="`in_force` where it is left out.")
    domain = filters.CharFilter(method="by_domain", help_text="Suppressed as a whole, or of the address.")
    email = filters.CharFilter(method="by_email", help_text="The whole address; its domain's count too.")
    since = MomentFilter("created_at", "gte", help_text="Suppressed at this moment or after it.")
    until = MomentFilter("created_at", "lt", help_text="Suppressed before this moment.")

    def filter_queryset(self, queryset: QuerySet[Suppression]) -> QuerySet[Suppression]:
        found: QuerySet[Suppression] = super().filter_queryset(queryset)
        state = self.form.cleaned_data["state"] or "in_force"
        return found if state == "all" else suppressions.in_state(found, state, timezone.now())

    def by_state(self, rows: QuerySet[Suppression], name: str, value: str) -> QuerySet[Suppression]:  # noqa: ARG002 -- django-filter's signature
        return rows  # narrowed above: what is left out means something too

    def by_domain(self, rows: QuerySet[Suppression], name: str, value: str) -> QuerySet[Suppression]:
        try:
            domain = domain_of(normalise(f"postmaster@{value.strip().removeprefix('@')}"))
        except BadAddress as error:
            raise ValidationError({name: ["Not a domain. Write it as in example.org."]}) from error
        return rows.filter(Q(domain=domain) | Q(address__domain=domain))

    def by_email(self, rows: QuerySet[Suppression], name: str, value: str) -> QuerySet[Suppression]:
        """By its hash, so that an erased address is found too."""
        try:
            email = normalise(value)
        except BadAddress as error:
            raise ValidationError({name: [f"Not an e-mail address: {error}"]}) from error
        return rows.filter(Q(address_key=suppression_key(email)) | Q(scope="domain", domain=domain_of(email)))


class StrictFilters(filters.DjangoFilterBackend):
    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        refuse_unknown_parameters(request, [*SuppressionFilters.base_filters, *PARAMETERS])
        refuse_empty_parameters(request, SuppressionFilters.base_filters)
        return super().filter_queryset(request, queryset, view)


class SuppressionSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    scope = serializers.ChoiceField(choices=Suppression.Scope.choices)
    email = serializers.CharField(allow_null=True, help_text="Null for a domain, and for an erased address.")
    domain = serializers.CharField(allow_null=True, help_text="Of a suppressed domain.")
    reason = serializers.ChoiceField(choices=Suppression.Reason.choices)
    state = serializers.ChoiceField(choices=STATES[:3])
    note = serializers.CharField()
    source = serializers.CharField(help_text="The door it came through.")  # type: ignore[assignment]  # hides an attribute
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    lifted_at = serializers.DateTimeField(allow_null=True)
    lifted_by = serializers.CharField(allow_null=True)
    lift_reason = serializers.CharField()


def shown(row: Suppression, now: datetime) -> dict[str, Any]:
    return {
        "id": row.pk,
        "scope": row.scope,
        "email": row.address.email if row.address else None,
        "domain": row.domain or None,
        "reason": row.reason,
        "state": row.state_at(now),
        "note": row.note,
        "source": row.source,
        "created_at": row.created_at,
        "created_by": row.created_by and str(row.created_by),
        "expires_at": row.expires_at,
        "lifted_at": row.lifted_at,
        "lifted_by": row.lifted_by and str(row.lifted_by),
        "lift_reason": row.lift_reason,
    }


class Moment(serializers.DateTimeField):
    def to_internal_value(self, value: Any) -> datetime:
        try:
            return read_moment(value)
        except ValueError as error:
            raise ValidationError(str(error)) from error


class SuppressSerializer(StrictSerializer):
    targets = serializers.ListField(
        child=Text(max_length=320),
        min_length=1,
        max_length=MOST_TARGETS,
        help_text="Addresses; a domain (b.example, @b.example, *@b.example) suppresses everyone there.",
    )
    note = Text(max_length=500, help_text="Why. Others read it before they lift it.")
    expires_at = Moment(required=False, allow_null=True, help_text="Left out or null: until a person lifts it.")

    dry_run = serializers.BooleanField(default=False, help_text="Only say what would happen.")

    def validate_expires_at(self, at: datetime | None) -> datetime | None:
        if at is not None and at <= timezone.now():
            raise ValidationError("That moment has passed: choose a later one, or leave it out.")
        return at


class LiftSerializer(StrictSerializer):
    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=2**63 - 1), min_length=1, max_length=MOST_LIFTED
    )
    reason = Text(max_length=500, help_text="Why. Kept with your name.")


class RejectedSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField(help_text="Its place in what you sent, from 0.")
    detail = serializers.CharField(help_text="What is wrong, for people.")


ADDED = inline_serializer(
    "Suppressed",
    {
        "added": serializers.IntegerField(),
        "already": serializers.IntegerField(help_text="Suppressed by hand already; of two ends the later one stands."),
        "rejected": RejectedSerializer(many=True),
    },
)
LIFTED = inline_serializer(
    "Lifted",
    {
        "lifted": serializers.IntegerField(),
        "already": serializers.IntegerField(help_text="Lifted before: they stay as they were."),
        "rejected": RejectedSerializer(many=True),
    },
)


class SuppressionsView(GenericAPIView[Suppression]):
    queryset = Suppression.objects.select_related("address", "created_by", "lifted_by")
    serializer_class = SuppressionSerializer
    filter_backends = [StrictFilters]
    filterset_class = SuppressionFilters
    pagination_class = ByIdDown
    required_scopes = {"GET": "suppressions:read", "POST": "suppressions:write"}
    required_permissions = {"GET": MAY, "POST": MAY}

    @extend_schema(
        operation_id="suppressions_list",
        tags=["suppressions"],
        summary="Suppressions in force, the newest first",
        description="`state` asks for the expired and lifted ones.",
        responses={200: SuppressionSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:  # noqa: ARG002 -- DRF's signature
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        now = timezone.now()
        return self.get_paginated_response([shown(row, now) for row in page])

    @extend_schema(
        operation_id="suppressions_create",
        tags=["suppressions"],
        summary="Suppress addresses and domains",
        description="May be sent again: what is suppressed stays as it was. Complaints and unsubscribes are events; "
        "lists of other tools are brought to `suppressions/lists/`, where they are previewed.",
        request=SuppressSerializer,
        responses={200: ADDED},
        filters=False,
        examples=[
            OpenApiExample(
                "An address and a domain",
                request_only=True,
                value={"targets": ["ada@example.org", "example.net"], "note": "They asked us on the phone"},
            )
        ],
    )
    def post(self, request: Request) -> Response:
        refuse_unknown_parameters(request, [])
        wanted = SuppressSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        listed = read_targets(wanted.validated_data["targets"])
        rejected = [{"index": bad.number, "detail": bad.why} for bad in listed.bad]
        refuse_if_nothing_is_left(len(listed), "targets", rejected)
        if wanted.validated_data["dry_run"]:
            outlook = look_at(listed, timezone.now())
            return Response({"added": outlook.new, "already": outlook.already, "rejected": rejected})
        new = suppress_list(
            listed,
            source_of(request.user),
            by=request.user,
            note=wanted.validated_data["note"],
            expires_at=wanted.validated_data.get("expires_at"),
            now=timezone.now(),
        )
        return Response({"added": new, "already": len(listed) - new, "rejected": rejected})


class SuppressionView(APIView):
    required_scopes = {"GET": "suppressions:read"}
    required_permissions = {"GET": MAY}

    @extend_schema(
        operation_id="suppressions_retrieve",
        tags=["suppressions"],
        summary="A suppression",
        responses={200: SuppressionSerializer},
    )
    def get(self, request: Request, pk: int) -> Response:  # noqa: ARG002 -- DRF's signature
        rows = Suppression.objects.select_related("address", "created_by", "lifted_by")
        return Response(shown(get_object_or_404(rows, pk=pk), timezone.now()))


class LiftView(APIView):
    required_scopes = {"POST": "suppressions:write"}
    required_permissions = {"POST": MAY}

    @extend_schema(
        operation_id="suppressions_lift",
        tags=["suppressions"],
        summary="Lift suppressions, in your name and with a reason",
        description="Never a complaint or an unsubscribe: the recipient asked for those, and only a person lifts them, "
        "on the page. May be sent again: the first lift stands.",
        request=LiftSerializer,
        responses={200: OpenApiResponse(LIFTED)},
    )
    def post(self, request: Request) -> Response:
        wanted = LiftSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        ids = wanted.validated_data["ids"]
        told = suppressions.lift_by_tool(ids, request.user, wanted.validated_data["reason"], timezone.now())
        rejected = [{"index": index, "detail": told.refused[pk]} for index, pk in enumerate(ids) if pk in told.refused]
        refuse_if_nothing_is_left(told.lifted + told.already, "ids", rejected)
        return Response({"lifted": told.lifted, "already": told.already, "rejected": rejected})


def refuse_if_nothing_is_left(good: int, field: str, rejected: list[dict[str, Any]]) -> None:
    """A tool that does not look at what was rejected must not think that something happened."""
    if not good:
        raise ValidationError({field: {str(one["index"]): [one["detail"]] for one in rejected[:MOST_LIFTED]}})
