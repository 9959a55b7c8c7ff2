"""A filter as it is stored: the tags, companies, campaigns, owners and segments it names stand there by their ids.

In: the words of a filter (`contacts/filters.py`), in which people name tags, companies and campaigns. Out: JSON for
`Segment.filter` and `Export.params`, and the words again. Renaming a row changes nothing for either: in the JSON a
number is a row's id, a text is itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet, Value
from django.db.models.functions import Lower

from contacts.access import User, campaigns_for
from contacts.models import Campaign, Company, Tag

Words = dict[str, list[str]]
Stored = dict[str, Any]

NONE = "none"
BY_ID = ("owner", "segment", "company", "import")  # words whose values people's filters give as ids, too
NAMED = ("tag", "company", "campaign")


class UnknownName(ValueError):
    """The filter names a row that does not exist. The message is for people."""


def store(words: Words, user: User | None) -> Stored:
    """`user=None` is the system, which sees every campaign. Raises UnknownName."""
    return {word: [_id_of(word, value, user) for value in values] for word, values in words.items()}


def _id_of(word: str, value: str, user: User | None) -> str | int:
    if word in BY_ID and value.isdecimal():
        return int(value)
    if word not in NAMED or (value == NONE and word == "company"):
        return value
    found = FIND[word](value, user).values_list("pk", flat=True).first()
    if found is None:
        raise UnknownName(f"There is no {word} “{value}”.")
    return int(found)


FIND: dict[str, Callable[[str, User | None], QuerySet[Any]]] = {
    "tag": lambda name, user: Tag.objects.alias(lower=Lower("name")).filter(lower=Lower(Value(name))),  # noqa: ARG005
    "company": lambda name, user: Company.objects.alias(lower=Lower("name")).filter(lower=Lower(Value(name))),  # noqa: ARG005
    "campaign": lambda key, user: campaigns_for(user).filter(key=key),
}


def recall(stored: Mapping[str, Any]) -> tuple[Stored, list[str]]:
    return recall_each([stored])[0]


def recall_each(filters: Sequence[Mapping[str, Any]]) -> list[tuple[Stored, list[str]]]:
    """The words that were stored, for `read_words`; and of each filter what is gone since, in sentences for people.

    One query a word, however many filters there are.
    """
    names = {word: _names(word, {pk for each in filters for pk in _ids(each.get(word))}) for word in NAMED}
    return [_recalled(each, names) for each in filters]


def _names(word: str, ids: set[int]) -> dict[int, str]:
    model, column = NAMES[word]
    rows = model._default_manager.filter(pk__in=ids).values_list("pk", column) if ids else ()
    return {pk: str(name) for pk, name in rows}


NAMES: dict[str, tuple[Any, str]] = {"tag": (Tag, "name"), "company": (Company, "pk"), "campaign": (Campaign, "key")}


def _recalled(stored: Mapping[str, Any], names: Mapping[str, Mapping[int, str]]) -> tuple[Stored, list[str]]:
    words, gone = dict(stored), []
    for word in NAMED:
        listed = _listed(stored.get(word))
        if any(_is_id(each) and each not in names[word] for each in listed):
            gone.append(f"The {word} that it names was deleted.")
        gone += [f"There is no {word} “{each}”." for each in listed if _is_name(word, each)]
        if listed:
            words[word] = [names[word].get(each, each) if _is_id(each) else each for each in listed]
    return words, gone


def _ids(values: Any) -> list[int]:
    return [each for each in _listed(values) if _is_id(each)]


def _listed(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [] if values in (None, "") else [values]


def _is_name(word: str, value: Any) -> bool:
    """Of a filter that was stored by names, what nothing is called any more."""
    is_id_or_none = word == "company" and isinstance(value, str) and (value == NONE or value.isdecimal())
    return isinstance(value, str) and value.strip() != "" and not is_id_or_none


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63
