"""Values of custom fields: what people and files write, as `Contact.custom` keeps it.

In: values by key, and the declared CustomFields. Out: JSON values of the declared types, or errors by key. Pure, apart
from reading the declarations. An empty value removes the key.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from bounces.plain_text import plain, refuse_lost
from contacts.models import CustomField

LONGEST_TEXT = 2000
_YES = """
yes y true t 1 on x ✓ ✔ ☑ ✅ ja j wahr oui vrai sí si verdadero vero sim verdadeiro tak prawda да истина evet doğru ano
はい 是 예 네
"""
_NO = """
no n false f 0 off ✗ ✘ ☐ ❌ nein falsch non faux falso não nao nie нет ложь hayır ne いいえ 否 不 아니오 아니요
"""
WORDS = {**dict.fromkeys(_YES.split(), True), **dict.fromkeys(_NO.split(), False)}


def clean_custom(
    values: Mapping[str, Any], declared: Iterable[CustomField] | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Returns the cleaned values (None: remove the key) and the errors, both by key."""
    fields = {field.key: field for field in (CustomField.objects.all() if declared is None else declared)}
    cleaned: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for key, value in values.items():
        if key not in fields:
            errors[key] = f"There is no custom field with the key “{key}”. An admin can add one."
            continue
        try:
            cleaned[key] = clean_value(fields[key], value)
        except ValueError as error:
            errors[key] = str(error)
    return cleaned, errors


def clean_value(field: CustomField, value: Any) -> Any:
    """Raises ValueError with a sentence for people."""
    if isinstance(value, str):
        value = plain(value).strip()
    if value is None or value == "":
        return None
    return _CLEANERS[CustomField.Type(field.type)](field, value)


def _text(field: CustomField, value: Any) -> str:  # noqa: ARG001 -- one signature for all types
    text = str(value)
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"At most {LONGEST_TEXT:,} characters fit; these are {len(text):,}.")
    if "\x00" in text:
        raise ValueError("The text holds a NUL character, which cannot be kept.")
    return refuse_lost(text)


def _number(field: CustomField, value: Any) -> int | float:  # noqa: ARG001 -- one signature for all types
    try:
        number = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"“{value}” is not a number. Write it like 12 or 12.5.")
    return int(number) if number.is_integer() else number


def _date(field: CustomField, value: Any) -> str:  # noqa: ARG001 -- one signature for all types
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise ValueError(f"“{value}” is not a date. Write it as year-month-day, like 2026-05-31.") from None


def _yes_no(field: CustomField, value: Any) -> bool:  # noqa: ARG001 -- one signature for all types
    word = "1" if value == 1 else "0" if value == 0 else str(value).strip().casefold()
    if word not in WORDS:
        raise ValueError(f"“{value}” is neither yes nor no.")
    return WORDS[word]


def _choice(field: CustomField, value: Any) -> str:
    for option in field.options:
        if option.lower() == str(value).lower():
            return str(option)
    raise ValueError(f"“{value}” is not one of: {', '.join(field.options)}.")


_CLEANERS: dict[CustomField.Type, Callable[[CustomField, Any], Any]] = {
    CustomField.Type.TEXT: _text,
    CustomField.Type.NUMBER: _number,
    CustomField.Type.DATE: _date,
    CustomField.Type.YES_NO: _yes_no,
    CustomField.Type.CHOICE: _choice,
}
