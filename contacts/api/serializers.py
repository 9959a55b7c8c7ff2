"""A contact as JSON. In: what a tool wrote, or contacts. Out: fields by the words of `contacts/fields.py`, or JSON.

Only shapes and types are checked here; what a field may hold is said by `contacts/fields.py`, for pages and files too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bounces.api.strict import StrictSerializer, Text
from bounces.demands import Demand
from bounces.values import Answer, Status
from bounces.verdict import Verdict, verdicts_of
from contacts.external_ids import LONGEST_TOOL, pairs_of
from contacts.fields import LONGEST, LONGEST_TAG, MOST_ADDRESSES, MOST_EXTERNAL_IDS, MOST_TAGS
from contacts.models import Contact, CustomField


@extend_schema_field(
    {
        "oneOf": [{"type": "string", "format": "email"}, {"type": "integer", "minimum": 1}],
        "nullable": True,
        "description": "The e-mail address of an active user, or the user's id; read as the address.",
    }
)
class Owner(serializers.Field[Any, Any, Any, Any]):
    default_error_messages = {
        "invalid": "An e-mail address or an id is needed.",
        "unknown": "No active user has the id {id}.",
    }

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str):
            return data
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        found = get_user_model()._default_manager.filter(pk=data, is_active=True).first()
        if found is None:
            self.fail("unknown", id=str(data)[:30])
        return found


class AddressSerializer(StrictSerializer):
    email = Text(max_length=1000)
    is_primary = serializers.BooleanField(required=False, help_text="Where none is, the first one is.")
    verdict = serializers.ChoiceField(
        choices=[str(answer) for answer in Answer], read_only=True, help_text="Can we email them?"
    )
    status = serializers.ChoiceField(choices=[str(status) for status in Status], read_only=True)
    sentence = serializers.CharField(read_only=True, help_text="Why the verdict is so, for people.")


class ExternalIdSerializer(StrictSerializer):
    tool = Text(max_length=LONGEST_TOOL, help_text="The tool's name in lower case, such as hubspot.")
    id = Text(max_length=LONGEST["external_id"])


def text(word: str, **options: Any) -> Text:
    return Text(required=False, allow_blank=True, max_length=LONGEST[word], **options)


class ContactSerializer(StrictSerializer):
    id = serializers.IntegerField(read_only=True)
    first_name = text("first_name")
    last_name = text("last_name")
    title = text("title", help_text="Of their job.")
    company = text("company", allow_null=True, help_text="By name; made where it is missing.")
    owner = Owner(required=False, allow_null=True)
    phone = text("phone", help_text="Stored in E.164 format (+4930901820) if its country is certain.")
    country = Text(
        required=False, allow_blank=True, max_length=100, help_text="ISO code, such as DE, or the country's name."
    )
    custom = serializers.DictField(required=False, help_text="By the keys of the custom fields; null removes one.")
    tags = serializers.ListField(child=Text(max_length=LONGEST_TAG), required=False, max_length=MOST_TAGS)
    source = text("source", help_text="Where it came from.")  # type: ignore[assignment]  # hides the field's attribute
    external_id = text("external_id", allow_null=True, help_text="Its id in your tool.")
    external_ids = ExternalIdSerializer(  # type: ignore[call-arg]  # with many
        many=True,
        required=False,
        max_length=MOST_EXTERNAL_IDS,
        help_text="Its ids in named tools. Imports of a tool's export and API clients set them.",
    )
    addresses = AddressSerializer(many=True, required=False, max_length=MOST_ADDRESSES)  # type: ignore[call-arg]  # with many
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)

    def validate_addresses(self, addresses: list[dict[str, Any]]) -> list[str]:
        """As the domain has them: texts, the primary one first."""
        if sum(bool(each.get("is_primary")) for each in addresses) > 1:
            raise serializers.ValidationError("Only one address can be the primary one.")
        return [each["email"] for each in sorted(addresses, key=lambda each: not each.get("is_primary"))]


WRITABLE = [name for name, field in ContactSerializer().fields.items() if not field.read_only]
EMPTY: dict[str, Any] = {
    "custom": {},
    "tags": [],
    "addresses": [],
    "owner": None,
    "external_id": None,
    "external_ids": [],
}


def whole(fields: Mapping[str, Any], contact: Contact) -> dict[str, Any]:
    """The fields of a PUT: what is not given becomes empty. Custom values merge, so the others are removed by name.

    The value of a custom field that an admin has removed since is left alone, as pages and imports leave it.
    """
    given = {**{name: EMPTY.get(name, "") for name in WRITABLE}, **fields}
    declared = CustomField.objects.filter(key__in=list(contact.custom)).values_list("key", flat=True)
    return {**given, "custom": {**dict.fromkeys(declared), **given["custom"]}}


def shown(contacts: Sequence[Contact], now: datetime, demand: Demand | None = None) -> list[dict[str, Any]]:
    """Contacts as JSON. One query beside those of `views.with_all`, whose querysets it needs."""
    ids = {reached.address_id for contact in contacts for reached in contact.contact_addresses.all()}
    verdicts = verdicts_of(sorted(ids), now, demand)
    return [_contact(contact, verdicts) for contact in contacts]


def _contact(contact: Contact, verdicts: Mapping[int, Verdict]) -> dict[str, Any]:
    reached = sorted(contact.contact_addresses.all(), key=lambda each: (not each.is_primary, each.pk))
    return {
        "id": contact.pk,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "title": contact.title,
        "company": contact.company.name if contact.company else None,
        "owner": contact.owner.email if contact.owner else None,
        "phone": contact.phone,
        "country": contact.country,
        "custom": contact.custom,
        "tags": sorted(tag.name for tag in contact.tags.all()),
        "source": contact.source,
        "external_id": contact.external_id,
        "external_ids": [{"tool": tool, "id": external_id} for tool, external_id in pairs_of(contact)],
        "addresses": [
            {
                "email": each.address.email,
                "is_primary": each.is_primary,
                "verdict": verdicts[each.address_id].answer.value,
                "status": each.address.status,
                "sentence": verdicts[each.address_id].sentence,
            }
            for each in reached
        ],
        "created_at": contact.created_at,
        "updated_at": contact.updated_at,
    }
