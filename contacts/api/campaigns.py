"""Campaigns by the API: which there are, whether they may send now, and how their emails fare. Read only.

In: a state, a key. Out: campaigns with the state that every page shows, and why a guard has paused them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from bounces.api.pages import PARAMETERS, ByIdUp
from bounces.api.strict import refuse_empty_parameters, refuse_unknown_parameters
from bounces.demands import WritesTo
from contacts import guarding
from contacts.access import campaigns_for
from contacts.counting import Sent, count_sent
from contacts.models import Campaign


class PauseSerializer(serializers.Serializer[Any]):
    dimension = serializers.ChoiceField(choices=["campaign", "sender", "sender_domain"])
    key = serializers.CharField(help_text="The campaign's key, the sender or the sending domain.")
    sentence = serializers.CharField(help_text="Why it was paused.")
    paused_at = serializers.DateTimeField()


class CampaignSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    key = serializers.CharField()
    name = serializers.CharField()
    state = serializers.ChoiceField(
        choices=list(guarding.STATES), help_text="`running` may send. `paused_by_guard` must not send until resumed."
    )
    paused_by = PauseSerializer(many=True, help_text="The guards that stop it. Empty unless paused by a guard.")
    writes_to = serializers.ChoiceField(choices=[str(word) for word in WritesTo])
    quiet_days = serializers.IntegerField(allow_null=True)
    starts_on = serializers.DateField(allow_null=True)
    ends_on = serializers.DateField(allow_null=True)
    attempted = serializers.IntegerField()
    bounced = serializers.IntegerField()
    bounce_rate = serializers.FloatField(allow_null=True, help_text="Null without attempts: the rate is unknown.")


class CampaignsView(GenericAPIView[Campaign]):
    queryset = Campaign.objects.none()
    serializer_class = CampaignSerializer
    pagination_class = ByIdUp
    required_scopes = {"GET": "contacts:read"}
    required_permissions = {"GET": "contacts.view_campaign"}

    @extend_schema(
        operation_id="campaigns_list",
        tags=["contacts"],
        summary="Campaigns, and whether they may send",
        parameters=[OpenApiParameter("state", OpenApiTypes.STR, enum=list(guarding.STATES))],
        responses={200: CampaignSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        refuse_unknown_parameters(request, ["state", *PARAMETERS])
        refuse_empty_parameters(request, ["state"])
        state = request.query_params.get("state", "")
        if state and state not in guarding.STATES:
            raise ValidationError({"state": [f"Use one of {', '.join(guarding.STATES)}."]})
        page = self.paginate_queryset(guarding.in_state(campaigns_for(request.user), state))
        return self.get_paginated_response(shown(page or []))


class CampaignView(GenericAPIView[Campaign]):
    queryset = Campaign.objects.none()
    serializer_class = CampaignSerializer
    required_scopes = {"GET": "contacts:read"}
    required_permissions = {"GET": "contacts.view_campaign"}

    @extend_schema(operation_id="campaigns_retrieve", tags=["contacts"], summary="A campaign, by its key")
    def get(self, request: Request, key: str) -> Response:
        return Response(shown([get_object_or_404(campaigns_for(request.user), key=key)])[0])


def shown(campaigns: Sequence[Campaign]) -> list[dict[str, Any]]:
    states = guarding.shown_states(campaigns)
    sent = count_sent([campaign.key for campaign in campaigns])
    return [_campaign(each, states[each.pk], sent.get(each.key, Sent())) for each in campaigns]


def _campaign(campaign: Campaign, state: guarding.Shown, sent: Sent) -> dict[str, Any]:
    return {
        "id": campaign.pk,
        "key": campaign.key,
        "name": campaign.name,
        "state": state.state,
        "paused_by": [
            {"dimension": each.dimension, "key": each.key, "sentence": each.sentence, "paused_at": each.paused_at}
            for each in state.guards
        ],
        "writes_to": campaign.writes_to,
        "quiet_days": campaign.quiet_days,
        "starts_on": campaign.starts_on,
        "ends_on": campaign.ends_on,
        "attempted": sent.attempted,
        "bounced": sent.bounced,
        "bounce_rate": sent.bounce_rate,
    }
