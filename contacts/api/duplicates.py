"""Duplicates in the API: list open pairs, merge a pair, mark it as not the same, undo a merge.

In: a group, ids, the side to keep. Out: pairs and merges. As on the pages, users need the right to merge, and may merge
only what they may change.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from bounces.api.pages import PARAMETERS, ByIdUp
from bounces.api.problems import ErrorsSerializer
from bounces.api.strict import StrictSerializer, Text, refuse_empty_parameters, refuse_unknown_parameters
from contacts.api.exports import NotNow
from contacts.duplicates import queue
from contacts.duplicates.deciding import AlreadyDecided, differences_of, dismiss, merge_pair
from contacts.duplicates.queue import MAY, SIDES, TABS, sides_of
from contacts.duplicates.scoring import in_words
from contacts.merging import CannotUndo, merges_for, undo_merge
from contacts.models import DuplicatePair, Merge
from contacts.people import NotAllowed

GROUPS = [tab for tab in TABS if tab]
NOT_NOW = OpenApiResponse(
    ErrorsSerializer, "Already decided, already undone, or older than 30 days. The message says which."
)
MOST_FIELDS = 200


class PairSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    of = serializers.ChoiceField(choices=["contacts", "companies"])
    group = serializers.ChoiceField(
        choices=[str(kind) for kind in DuplicatePair.Kind], help_text="What the two have in common."
    )
    score = serializers.IntegerField(help_text="60 to 100. Certain pairs have 100.")
    is_certain = serializers.BooleanField(
        help_text="The two share a mailbox, or a full name and company, and no field differs."
    )
    reasons = serializers.ListField(child=serializers.CharField(), help_text="Names of the rules that matched.")
    sentence = serializers.CharField(help_text="The reasons as readable text.")
    state = serializers.ChoiceField(choices=[str(state) for state in DuplicatePair.State])
    ids = serializers.ListField(child=serializers.IntegerField(), help_text="Ids of the two contacts or companies.")


class MergeChoiceSerializer(StrictSerializer):
    keep = serializers.IntegerField(
        min_value=1, help_text="Id of the contact or company to keep. The other one is deleted."
    )
    take = serializers.ListField(
        child=Text(max_length=100),
        required=False,
        max_length=MOST_FIELDS,
        help_text="Fields to take from the other one, such as `phone`, `custom_size` or `primary`.",
    )


class MergeSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    of = serializers.ChoiceField(choices=["contacts", "companies"])
    kept = serializers.IntegerField()
    other = serializers.IntegerField()
    state = serializers.ChoiceField(choices=[str(state) for state in Merge.State])
    at = serializers.DateTimeField()
    stayed = serializers.ListField(child=serializers.CharField(), help_text="What the undo did not restore, and why.")


class DuplicatesView(GenericAPIView[DuplicatePair]):
    queryset = DuplicatePair.objects.none()
    serializer_class = PairSerializer
    pagination_class = ByIdUp
    required_scopes = {"GET": "contacts:read"}
    required_permissions = {"GET": MAY}

    @extend_schema(
        operation_id="duplicates_list",
        tags=["contacts"],
        summary="List possible duplicates",
        parameters=[OpenApiParameter("group", OpenApiTypes.STR, enum=GROUPS)],
        responses={200: PairSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        refuse_unknown_parameters(request, ["group", *PARAMETERS])
        refuse_empty_parameters(request, ["group"])
        group = request.query_params.get("group", "")
        if group and group not in GROUPS:
            raise ValidationError({"group": [f"Use one of {', '.join(GROUPS)}."]})
        page = self.paginate_queryset(queue.open_pairs(request.user, group)) or []
        return self.get_paginated_response([shown(pair) for pair in page])


class DecidingView(GenericAPIView[DuplicatePair]):
    queryset = DuplicatePair.objects.none()
    required_scopes = {"POST": "contacts:write"}
    required_permissions = {"POST": MAY}

    def pair(self, pk: int) -> DuplicatePair:
        return get_object_or_404(queue.pairs_for(self.request.user).select_related(*SIDES), pk=pk)


class MergePairView(DecidingView):
    serializer_class = MergeChoiceSerializer

    @extend_schema(
        operation_id="duplicates_merge",
        tags=["contacts"],
        summary="Merge a pair",
        description="Values that only one of the two has are kept. You can undo the merge for 30 days.",
        request=MergeChoiceSerializer,
        responses={200: MergeSerializer, 409: NOT_NOW},
    )
    def post(self, request: Request, pk: int) -> Response:
        asked = MergeChoiceSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        pair = self.pair(pk)
        kept, other = chosen(pair, asked.validated_data["keep"])
        take = asked.validated_data.get("take", [])
        known = {one.name for one in differences_of(kept, other)}
        if unknown := [name for name in take if name not in known]:
            raise ValidationError({"take": [f"“{name}” is not a field in which the two differ." for name in unknown]})
        with refusals_told():
            merge = merge_pair(pair, kept, other, take, by=request.user, now=timezone.now())
        return Response(shown_merge(merge))


class DismissPairView(DecidingView):
    serializer_class = PairSerializer

    @extend_schema(
        operation_id="duplicates_dismiss",
        tags=["contacts"],
        summary="Mark a pair as not the same",
        description="The pair is not suggested again.",
        request=None,
        responses={200: PairSerializer, 409: NOT_NOW},
    )
    def post(self, request: Request, pk: int) -> Response:
        pair = self.pair(pk)
        with refusals_told():
            dismiss(pair, by=request.user, now=timezone.now())
        pair.refresh_from_db()
        return Response(shown(pair))


class UndoMergeView(GenericAPIView[Merge]):
    queryset = Merge.objects.none()
    serializer_class = MergeSerializer
    required_scopes = {"POST": "contacts:write"}
    required_permissions = {"POST": MAY}

    @extend_schema(
        operation_id="merges_undo",
        tags=["contacts"],
        summary="Undo a merge",
        description="Restores both. Later edits stay with the kept one; `stayed` lists them.",
        request=None,
        responses={200: MergeSerializer, 409: NOT_NOW},
    )
    def post(self, request: Request, pk: int) -> Response:
        merge = get_object_or_404(merges_for(request.user), pk=pk)
        with refusals_told():
            undone = undo_merge(merge, by=request.user, now=timezone.now())
        return Response(shown_merge(undone))


def chosen(pair: DuplicatePair, keep: int) -> tuple[Any, Any]:
    """Return the side to keep and the other one. Raises ValidationError."""
    first, second = sides_of(pair)
    if keep not in (first.pk, second.pk):
        raise ValidationError({"keep": [f"Use {first.pk} or {second.pk}, the two ids of this pair."]})
    return (first, second) if keep == first.pk else (second, first)


@contextmanager
def refusals_told() -> Iterator[None]:
    try:
        yield
    except (AlreadyDecided, CannotUndo) as error:
        raise NotNow(str(error)) from error
    except NotAllowed as error:
        raise PermissionDenied(str(error)) from error


def shown(pair: DuplicatePair) -> dict[str, Any]:
    return {
        "id": pair.pk,
        "of": "companies" if pair.is_of_companies else "contacts",
        "group": pair.kind,
        "score": pair.score,
        "is_certain": pair.is_certain,
        "reasons": pair.reasons,
        "sentence": in_words(pair.reasons),
        "state": pair.state,
        "ids": pair.ids,
    }


def shown_merge(merge: Merge) -> dict[str, Any]:
    return {
        "id": merge.pk,
        "of": "contacts" if merge.subject == Merge.Subject.CONTACT else "companies",
        "kept": merge.kept_id,
        "other": merge.other_id,
        "state": merge.state,
        "at": merge.at,
        "stayed": merge.stayed,
    }
