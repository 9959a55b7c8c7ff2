"""What a contact's fields may hold. In: what people, tools and files wrote. Out: clean values, or errors by field.

The words: first_name, last_name, title, company (its name), owner (a user, or a user's e-mail address), phone, country,
source, external_id, external_ids (pairs of a tool and its id), custom (values by key), tags (names), addresses (e-mail
addresses, the primary one first).
Only the words that are given are cleaned, so that a change may be partial.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model

from bounces.addresses import BadAddress, normalise_reachable
from bounces.plain_text import plain, refuse_lost
from contacts.country_words import country_code
from contacts.custom import clean_custom
from contacts.external_ids import clean_pairs
from contacts.importing.values import read_phone

LONGEST = {
    "first_name": 200,
    "last_name": 200,
    "title": 200,
    "company": 200,
    "phone": 50,
    "source": 200,
    "external_id": 200,
}
LABELS = {
    "first_name": "first name",
    "last_name": "last name",
    "title": "title",
    "company": "company",
    "owner": "owner",
    "phone": "phone",
    "country": "country",
    "source": "source",
    "external_id": "external id",
    "external_ids": "ids in named tools",
    "custom": "custom fields",
    "tags": "tags",
    "addresses": "addresses",
}
MOST_ADDRESSES = 20
MOST_TAGS = 50
MOST_EXTERNAL_IDS = 20
LONGEST_TAG = 60
UNKEEPABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # one class, so it is linear on any text


LONGEST_NOTE = 10_000


class FieldErrors(ValueError):
    """What is wrong, by field: {"addresses": ["…"], "custom.size": ["…"]}; "" is about the contact as a whole."""

    def __init__(self, errors: Mapping[str, Iterable[str]]) -> None:
        self.errors = {field: list(sentences) for field, sentences in errors.items()}
        super().__init__(" ".join(sentence for sentences in self.errors.values() for sentence in sentences))


def clean_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Raises FieldErrors with everything that is wrong at once."""
    cleaned: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    for word, value in fields.items():
        if word not in LABELS:
            errors[word] = [f"There is no field “{word}”."]
            continue
        try:
            cleaned[word] = _CLEANERS[word](word, value)
        except FieldErrors as error:
            errors |= error.errors
        except ValueError as error:
            errors[word] = [str(error)]
    if errors:
        raise FieldErrors(errors)
    return cleaned


def phone_as_kept(text: str, country: str) -> str:
    """As E.164 where its country is certain: written in it, the contact's, or the one that is set. Else as it is."""
    return read_phone(text, country or settings.PHONE_REGION)


def _text(word: str, value: Any) -> str:
    """One line: runs of blanks and line breaks become one blank."""
    text = "" if value is None else " ".join(plain(str(value)).split())
    if len(text) > LONGEST[word]:
        raise ValueError(f"At most {LONGEST[word]} characters fit; these are {len(text):,}.")
    if UNKEEPABLE.search(text):
        raise ValueError("The text holds a control character. Remove it.")
    return refuse_lost(text)


def clean_note(text: str) -> str:
    """What a person or a file says of a contact, in several lines. Raises ValueError for an endless one."""
    text = text.strip().replace("\r\n", "\n")
    if len(text) > LONGEST_NOTE:
        raise ValueError(f"At most {LONGEST_NOTE:,} characters fit; these are {len(text):,}.")
    if UNKEEPABLE.search(text):
        raise ValueError("The text holds a control character. Remove it.")
    return refuse_lost(text)


def _country(word: str, value: Any) -> str:  # noqa: ARG001 -- one signature for all fields
    """Its code or its name, in the languages that `country_words.py` knows."""
    text = "" if value is None else plain(str(value)).strip()
    code = country_code(text)
    if text and not code:
        raise ValueError(f"“{text[:60]}” is not a country. Write its name, or its two letters (ISO 3166), like DE.")
    return code


def _external_id(word: str, value: Any) -> str | None:
    return _text(word, value) or None


def _external_ids(word: str, value: Any) -> list[tuple[str, str]]:  # noqa: ARG001 -- one signature for all fields
    pairs = clean_pairs(value, _external_id)
    if len(pairs) > MOST_EXTERNAL_IDS:
        raise ValueError(f"At most {MOST_EXTERNAL_IDS} external ids fit; these are {len(pairs)}.")
    return pairs


def _owner(word: str, value: Any) -> Any:  # noqa: ARG001 -- one signature for all fields
    users = get_user_model()._default_manager
    if value is None or value == "":
        return None
    if isinstance(value, get_user_model()):
        return value
    email = str(value).strip().lower()
    found = users.filter(email=email, is_active=True).first() if "\x00" not in email else None
    if found is None:
        raise ValueError(f"Nobody with the address “{value}” works here. Write the e-mail address of an active user.")
    return found


def _tags(word: str, value: Any) -> list[str]:  # noqa: ARG001 -- one signature for all fields
    """Each once, whatever its case, as first written."""
    names: dict[str, str] = {}
    for each in _listed(value):
        name = " ".join(plain(each).split())
        if not name:
            continue
        if len(name) > LONGEST_TAG or UNKEEPABLE.search(name) or "," in name:
            raise ValueError(f"“{name[:LONGEST_TAG]}” cannot be a tag: at most {LONGEST_TAG} characters, no commas.")
        names.setdefault(name.lower(), refuse_lost(name))
    if len(names) > MOST_TAGS:
        raise ValueError(f"At most {MOST_TAGS} tags fit; these are {len(names)}.")
    return list(names.values())


def _addresses(word: str, value: Any) -> list[str]:  # noqa: ARG001 -- one signature for all fields
    """Normalised, each once, in the order given."""
    emails: dict[str, None] = {}
    for each in _listed(value):
        each = plain(each)
        if not each.strip():
            continue
        try:
            emails[normalise_reachable(each)] = None
        except BadAddress as error:
            raise ValueError(f"“{each.strip()[:254]}” is not an e-mail address: {error}") from error
    if len(emails) > MOST_ADDRESSES:
        raise ValueError(f"At most {MOST_ADDRESSES} addresses fit; these are {len(emails)}.")
    return list(emails)


def _custom(word: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("Custom values are given by their keys.")
    cleaned, errors = clean_custom(value)
    if errors:
        raise FieldErrors({f"{word}.{key}": [sentence] for key, sentence in errors.items()})
    return cleaned


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise ValueError("A list is needed.")
    return [str(each) for each in value]


_CLEANERS: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(LABELS, _text),
    "country": _country,
    "external_id": _external_id,
    "external_ids": _external_ids,
    "owner": _owner,
    "tags": _tags,
    "addresses": _addresses,
    "custom": _custom,
}
