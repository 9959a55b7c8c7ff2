"""Contacts by the API. In: JSON, an id, the words of a filter. Out: contacts with the verdict on each address.

What a user cannot see is not there (404); what they see and may not change is refused (403).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, transaction
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import APIException, PermissionDenied, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_409_CONFLICT

from bounces.api.pages import ByIdUp
from bounces.api.problems import ErrorSerializer
from bounces.api.strict import refuse_unknown_parameters
from contacts.access import contacts_for
from contacts.api.filtering import WordsFilter
from contacts.api.serializers import ContactSerializer, shown, whole
from contacts.external_ids import ids_of
from contacts.fields import FieldErrors, clean_fields
from contacts.filters import demand_in, read_words
from contacts.models import Contact
from contacts.models.people import ContactQuerySet
from contacts.people import Conflict, NotAllowed, change_contact, delete_contact, ids_in, match_contact, save_contact
from contacts.upserting.saving import UNSEEN

EXAMPLE = OpenApiExample(
    "A contact",
    request_only=True,
    value={
        "first_name": "Ada",
        "last_name": "Lovelace",
        "company": "Analytical Engines",
        "country": "GB",
        "tags": ["newsletter"],
        "external_id": "crm-1815",
        "addresses": [{"email": "ada@example.org", "is_primary": True}],
    },
)
CONFLICT = OpenApiResponse(
    inline_serializer(
        "Conflict",
        {
            "type": serializers.ChoiceField(choices=["client_error"]),
            "errors": ErrorSerializer(many=True),
            "contacts": serializers.ListField(child=serializers.IntegerField(), help_text="Those you see, by id."),
        },
    ),
    description="A contact with this external id or address already exists.",
)


class AlreadyThere(APIException):
    """409, with the ids of those contacts that the user may see."""

    status_code = HTTP_409_CONFLICT
    default_code = "conflict"

    def __init__(self, sentence: str, contacts: Iterable[Contact], user: Any) -> None:
        ids = [contact.pk for contact in contacts]
        seen = list(contacts_for(user).filter(pk__in=ids).order_by("pk").values_list("pk", flat=True))
        super().__init__(sentence if len(seen) == len(ids) else UNSEEN)
        self.extra = {"contacts": seen}


def with_all(contacts: ContactQuerySet) -> ContactQuerySet:
    return contacts.select_related("company", "owner").prefetch_related(
        "tags", "contact_addresses__address", "external_ids"
    )


class ContactsView(GenericAPIView[Contact]):
    queryset = Contact.objects.none()  # says to the schema whose ids these are
    serializer_class = ContactSerializer
    filter_backends = [WordsFilter]
    pagination_class = ByIdUp
    required_scopes = {"GET": "contacts:read", "POST": "contacts:write"}
    required_permissions = {"GET": "contacts.view_contact", "POST": "contacts.add_contact"}

    @extend_schema(
        operation_id="contacts_list",
        tags=["contacts"],
        summary="Contacts that you see, by id",
        responses={200: ContactSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        found = self.filter_queryset(with_all(contacts_for(request.user)))
        page = self.paginate_queryset(found) or []
        words, _ = read_words(request.query_params)
        return self.get_paginated_response(shown(page, timezone.now(), demand_in(words, request.user)))

    @extend_schema(
        operation_id="contacts_create",
        tags=["contacts"],
        summary="Create a contact, or update the one that matches",
        description="If a contact has the same external id, primary address or further address (checked in this "
        "order), the answer is 409. With `upsert=true` that contact is updated instead: given fields are set, and "
        "addresses, tags and ids in named tools are added.",
        parameters=[OpenApiParameter("upsert", bool, description="Update the contact that matches.")],
        request=ContactSerializer,
        responses={201: ContactSerializer, 200: ContactSerializer, 409: CONFLICT},
        examples=[EXAMPLE],
        filters=False,
    )
    def post(self, request: Request) -> Response:
        refuse_unknown_parameters(request, ["upsert"])
        is_upsert = switch(request, "upsert")
        fields = fields_of(request)
        with refusals_told(request.user), transaction.atomic():
            refuse_known(clean_fields(fields), request.user, is_upsert)
            saved = save_contact(fields, by=request.user, now=timezone.now(), source=source_of(request))
            if not (saved.is_new or is_upsert):  # it came while we looked: all of this is rolled back
                raise AlreadyThere(f"{saved.contact} was created at this moment.", [saved.contact], request.user)
        url = request.build_absolute_uri(reverse("api:contact", args=[saved.contact.pk]))
        return answer(saved.contact, 201 if saved.is_new else 200, {"Location": url} if saved.is_new else {})


def source_of(request: Request) -> str:
    """What new contacts say that name no source: the key's name, by which its tool is known."""
    key = getattr(request.auth, "name", "")
    return f"API: {key}" if key else "API"


class ContactView(GenericAPIView[Contact]):
    queryset = Contact.objects.none()
    serializer_class = ContactSerializer
    required_scopes = {
        "GET": "contacts:read",
        "PATCH": "contacts:write",
        "PUT": "contacts:write",
        "DELETE": "contacts:write",
    }
    required_permissions = {
        "GET": "contacts.view_contact",
        "DELETE": "contacts.delete_contact",
        "PATCH": "contacts.change_contact",
        "PUT": "contacts.change_contact",
    }

    @extend_schema(operation_id="contacts_retrieve", tags=["contacts"], summary="A contact")
    def get(self, request: Request, pk: int) -> Response:
        return answer(self.find(request, pk))

    @extend_schema(
        operation_id="contacts_change",
        tags=["contacts"],
        summary="Change the given fields",
        description="`addresses` and `tags` replace what was there; `custom` changes the given keys.",
        responses={200: ContactSerializer, 409: CONFLICT},
    )
    def patch(self, request: Request, pk: int) -> Response:
        contact = self.find(request, pk)
        return self.change(request, contact, fields_of(request))

    @extend_schema(
        operation_id="contacts_replace",
        tags=["contacts"],
        summary="Set all fields; what is not given becomes empty",
        responses={200: ContactSerializer, 409: CONFLICT},
    )
    def put(self, request: Request, pk: int) -> Response:
        contact = self.find(request, pk)
        return self.change(request, contact, whole(fields_of(request), contact))

    @extend_schema(
        operation_id="contacts_delete",
        tags=["contacts"],
        summary="Delete a contact",
        description="Removes the contact from lists, segments and campaigns, and frees its external ids. The status "
        "and history of its addresses are kept. To erase a person, an admin uses the contact's page.",
        responses={204: None},
    )
    def delete(self, request: Request, pk: int) -> Response:
        delete_contact(self.find(request, pk), by=request.user, now=timezone.now())
        return Response(status=204)

    def find(self, request: Request, pk: int) -> Contact:
        return get_object_or_404(contacts_for(request.user), pk=pk)

    def change(self, request: Request, contact: Contact, fields: dict[str, Any]) -> Response:
        with refusals_told(request.user), transaction.atomic():
            saved = change_contact(contact, fields, by=request.user, now=timezone.now())
            if not (saved.contact.name or saved.contact.contact_addresses.exists()):
                raise FieldErrors({"": ["A contact needs a name or an address."]})
        return answer(saved.contact)


def fields_of(request: Request) -> dict[str, Any]:
    """What was given, and nothing else. Raises ValidationError."""
    serializer = ContactSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def switch(request: Request, name: str) -> bool:
    word = request.query_params.get(name, "false")
    if word not in ("true", "false"):
        raise ValidationError({name: ["Write true or false."]})
    return word == "true"


def refuse_known(cleaned: dict[str, Any], user: Any, is_upsert: bool) -> None:
    """Somebody who is there is a conflict; with upsert only where the user does not see them."""
    email = next(iter(cleaned.get("addresses", [])), None)
    found = match_contact(ids_in(cleaned), email)
    if found is None:
        return
    if not is_upsert:
        is_same_id = not set(ids_in(cleaned)).isdisjoint(ids_of(found))
        which = "external id" if is_same_id else "address"
        sentence = f"A contact with this {which} is there. Change it, or send upsert=true."
        raise AlreadyThere(sentence, [found], user)
    if not contacts_for(user).filter(pk=found.pk).exists():
        raise PermissionDenied(UNSEEN)


@contextmanager
def refusals_told(user: Any) -> Iterator[None]:
    """The domain's refusals as the API's: 400 with the fields, 403, 409."""
    try:
        yield
    except FieldErrors as error:
        raise ValidationError({field or "non_field_errors": told for field, told in error.errors.items()}) from error
    except Conflict as error:
        raise AlreadyThere(str(error), error.contacts, user) from error
    except NotAllowed as error:
        raise PermissionDenied(str(error)) from error
    except IntegrityError as error:
        if "contact_external_id_unique" not in str(error) and "contactexternalid_unique" not in str(error):
            raise
        raise AlreadyThere("Another contact got this external id at this moment.", [], user) from error


def answer(contact: Contact, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    fresh = with_all(Contact.objects.all()).get(pk=contact.pk)
    return Response(shown([fresh], timezone.now())[0], status=status, headers=headers)
