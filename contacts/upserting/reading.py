"""What a tool wrote of contacts -> values that can be judged. In: JSON values. Out: a Staged each, or FieldErrors.

What a field may hold is said by `contacts/fields.py`. Owners and custom fields are looked up once for all contacts. A
field that is left out says nothing; an empty text empties it. For `owner` and `external_id` null says nothing, too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth import get_user_model

from bounces.unknown import unknown_errors
from contacts.custom import clean_custom
from contacts.fields import FieldErrors, clean_fields, phone_as_kept
from contacts.models import CustomField

Staged = dict[str, Any]  # by the columns of the stage

TEXTS = ("first_name", "last_name", "title", "company", "phone", "country", "source", "external_id")
LISTS = ("tags", "addresses")
KNOWN = (*TEXTS, "owner", "custom", *LISTS)
# What an answer has and nobody writes: what was got can be sent.
UNREAD = frozenset({"id", "created_at", "updated_at"})
OF_ADDRESS = frozenset({"email", "is_primary", "verdict", "status", "sentence"})
NO_KEY = "Give an address or an external id, so that the contact is found again."
NAMED_IDS = "Give one tool for all beside the list (“tool”), and the contact’s id there as “external_id”."
UNKEEPABLE = "A text holds a character that cannot be kept: \\u0000, or half of a surrogate pair."


class Reader:
    """Made once for all contacts of a request."""

    def __init__(self, contacts: Sequence[Any]) -> None:
        self.declared = list(CustomField.objects.all())
        owners = [each.get("owner") for each in contacts if isinstance(each, Mapping)]
        self.owners = _owners(owners)

    def read(self, data: Any) -> Staged:
        """Raises FieldErrors with everything that is wrong at once."""
        if not isinstance(data, Mapping):
            raise FieldErrors({"": ["A contact is a JSON object."]})
        if not _is_keepable(data):
            raise FieldErrors({"": [UNKEEPABLE]})
        errors: dict[str, list[str]] = dict(unknown_errors(set(data) - {*KNOWN, *UNREAD, "external_ids"}, KNOWN))
        if data.get("external_ids"):
            errors["external_ids"] = [NAMED_IDS]
        given: dict[str, Any] = {}
        for name in (*TEXTS, *LISTS):
            if name in data:
                try:
                    given[name] = _shaped(name, data[name])
                except ValueError as error:
                    errors[name] = [str(error)]
        staged = self._cleaned(data, given, errors)
        if errors:
            raise FieldErrors(errors)
        if not (staged.get("email") or staged.get("external_id")):
            raise FieldErrors({"": [NO_KEY]})
        return staged

    def _cleaned(self, data: Mapping[str, Any], given: dict[str, Any], errors: dict[str, list[str]]) -> Staged:
        try:
            staged = clean_fields(given)
        except FieldErrors as error:
            errors |= error.errors
            return {}
        if staged.get("phone"):
            staged["phone"] = phone_as_kept(staged["phone"], staged.get("country", ""))
        emails = staged.pop("addresses", [])
        staged |= {"email": emails[0] if emails else None, "others": emails[1:] or None}
        staged["tags"] = staged.get("tags") or None
        if data.get("owner") not in (None, ""):
            staged["owner_id"] = self._owner(data["owner"], errors)
        if "custom" in data:
            staged["custom"] = self._custom(data["custom"], errors)
        return staged

    def _owner(self, value: Any, errors: dict[str, list[str]]) -> int | None:
        key = value.strip().lower() if isinstance(value, str) else value
        found = self.owners.get(key) if isinstance(key, str | int) and not isinstance(key, bool) else None
        if found is None:
            errors["owner"] = [f"No active user is “{str(value)[:254]}”. Write the e-mail address of one, or the id."]
        return found

    def _custom(self, value: Any, errors: dict[str, list[str]]) -> str | None:
        if not isinstance(value, Mapping):
            errors["custom"] = ["Custom values are given by their keys."]
            return None
        cleaned, wrong = clean_custom(value, self.declared)
        errors |= {f"custom.{key}": [sentence] for key, sentence in wrong.items()}
        return json.dumps(cleaned) if cleaned and not wrong else None


def _shaped(name: str, value: Any) -> Any:
    """Of the type that the field has: a number is not quietly written as text. Raises ValueError."""
    if name in TEXTS:
        if not isinstance(value, str) and not (value is None and name in ("company", "external_id")):
            raise ValueError("A text is needed.")
        return value
    if not isinstance(value, list):
        raise ValueError("A list is needed.")
    if name == "tags":
        if not all(isinstance(each, str) for each in value):
            raise ValueError("A tag is a text.")
        return value
    return _emails(value)


def _emails(value: list[Any]) -> list[str]:
    """The primary one first."""
    for each in value:
        if not isinstance(each, Mapping) or not isinstance(each.get("email"), str):
            raise ValueError("An address is an object with a text “email”.")
        if unknown := set(each) - OF_ADDRESS:
            raise ValueError(f"An address has no “{str(min(unknown, key=str))[:100]}”.")
        if not isinstance(each.get("is_primary", False), bool):
            raise ValueError("“is_primary” is true or false.")
    if sum(each.get("is_primary", False) for each in value) > 1:
        raise ValueError("Only one address can be the primary one.")
    return [each["email"] for each in sorted(value, key=lambda each: not each.get("is_primary", False))]


def _owners(given: Sequence[Any]) -> dict[str | int, int]:
    """The ids of active users by what was written: their address or their id."""
    emails = {each.strip().lower() for each in given if isinstance(each, str) and "\x00" not in each}
    ids = {each for each in given if isinstance(each, int) and not isinstance(each, bool) and 0 < each < 2**63}
    if not (emails or ids):
        return {}
    active = get_user_model()._default_manager.filter(is_active=True)
    by_email = active.filter(email__in=emails).values_list("email", "pk")
    return dict(by_email) | {pk: pk for pk in active.filter(pk__in=ids).values_list("pk", flat=True)}


def _is_keepable(data: Mapping[str, Any]) -> bool:
    """Whether PostgreSQL can hold every text in it."""
    try:
        return b"\\u0000" not in json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
