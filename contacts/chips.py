"""A filter as people read it: one chip a value, with the filter that is left when it is taken away.

In: the words of a filter. Out: chips, and the query string of a filter. A constant number of queries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from bounces.sentences import ANSWER_WORDS, QUESTION, STATUS_WORDS
from bounces.values import Status
from contacts.access import User, campaigns_for, companies_for, segments_for
from contacts.countries import COUNTRIES
from contacts.filters import NONE, Words
from contacts.models import ImportRun

LABELS = {
    "q": "Search",
    "verdict": QUESTION,
    "status": "Status",
    "owner": "Owner",
    "tag": "Tag",
    "company": "Company",
    "country": "Country",
    "campaign": "Campaign",
    "source": "Source",
    "segment": "Segment",
    "import": "Import",
}
Names = dict[tuple[str, str], str]
VERDICT_WORDS = {
    **{str(answer): words for answer, words in ANSWER_WORDS.items()},
    "silent": "With caution: no reply for long",
    "role_account": "With caution: shared mailbox",
    "disposable": "With caution: disposable address",
}
NOTHING = {"status": "no address", "owner": "nobody", "company": "none"}


@dataclass(frozen=True, slots=True)
class Chip:
    label: str
    text: str
    without: str  # the query string of the filter without this value


def query_of(words: Words, **more: str) -> str:
    """`q=ada&status=invalid`; `more` are other parameters, left out where empty."""
    pairs = [(word, value) for word, values in words.items() for value in values]
    return urlencode([*pairs, *[(name, value) for name, value in more.items() if value]])


def chips_of(words: Words, user: User, **more: str) -> list[Chip]:
    return _chips(words, names_in([words], user), **more)


def chips_of_each(filters: Sequence[Words], user: User) -> list[list[Chip]]:
    """The chips of many filters, by as many queries as for one."""
    names = names_in(filters, user)
    return [_chips(words, names) for words in filters]


def _chips(words: Words, names: Names, **more: str) -> list[Chip]:
    return [
        Chip(LABELS[word], _text(word, value, names), query_of(_left(words, word, value), **more))
        for word, values in words.items()
        for value in values
    ]


def _left(words: Words, word: str, value: str) -> Words:
    rest = [other for other in words[word] if other != value]
    return {**{name: values for name, values in words.items() if name != word}, **({word: rest} if rest else {})}


def _text(word: str, value: str, names: Names) -> str:
    if value == NONE and word in NOTHING:
        return NOTHING[word]
    if word == "status":
        return STATUS_WORDS[Status(value)]
    if word == "verdict":
        return VERDICT_WORDS[value]
    if word == "country":
        return COUNTRIES.get(value.upper(), value.upper())
    if (word, value) == ("owner", "me"):
        return "me"
    return names.get((word, value), f"“{value}”" if word == "q" else value)


def names_in(filters: Sequence[Words], user: User) -> Names:
    """What the ids and keys of filters are called, where this user may know it; one query a word."""
    rows: dict[str, tuple[Any, str]] = {
        "owner": (get_user_model()._default_manager.all(), "pk"),
        "company": (companies_for(user), "pk"),
        "campaign": (campaigns_for(user), "key"),
        "segment": (segments_for(user), "pk"),
        "import": (_imports_for(user), "pk"),
    }
    names = {}
    for word, (everything, column) in rows.items():
        values = {value for words in filters for value in words.get(word, [])}
        asked = values if column == "key" else {value for value in values if value.isdecimal()}
        for row in everything.filter(**{f"{column}__in": asked}) if asked else ():
            names[word, str(getattr(row, column))] = str(row)
    return names


def _imports_for(user: User) -> QuerySet[ImportRun]:
    """What files are called is for those who import."""
    return ImportRun.objects.all() if user.has_perm("contacts.import_contact") else ImportRun.objects.none()
