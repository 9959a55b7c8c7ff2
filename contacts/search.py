"""Search by parts of names, companies, titles, addresses, phone numbers and tags, and by external ids.

In: what someone typed. Out: the contacts whose documents hold every word. `Contact.document` is one text under one
trigram index; triggers write it (`migrations/0133_search_documents.py`), whoever changes a part of it. A bulk writer
that brings the documents of new contacts itself says so by `documents_given`.
Psycopg binds parameters on the client here (Django's default): with a server-side plan the search was measured at
2.7 s instead of 1.4 ms.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

import phonenumbers
from django.db import connection
from django.db.models import BooleanField, Func, Q, QuerySet, Value

from bounces.addresses import BadAddress, normalise
from contacts.folding import Pattern, Words
from contacts.frequency import Sample, sample
from contacts.models import Company, Contact, ContactAddress, ContactExternalId
from contacts.models.people import ContactQuerySet

MOST_WORDS = 8
AROUND = '<>"“”„«»;,()[]'  # what people and programs put around an address or a name
PHONE_CHARACTERS = frozenset("0123456789+-./()")
LEAST_DIGITS = 4  # of what is taken for a phone number
MOST_BY_ID = 100  # contacts that one external id or address finds
RARE = 0.006  # of all documents: up to here it costs less to take all that hold a word than to look for fifty
THREES = 3  # of a word, that the index is asked for


@dataclass(frozen=True, slots=True)
class Term:
    """One or more words of a search. `digits`: what stands for all of them together, if they are a phone number."""

    words: tuple[str, ...]
    digits: str = ""


def matching(contacts: ContactQuerySet, text: str) -> ContactQuerySet:
    """Those who have every word of the text in their document, or whose external id it is. No words: all of them.

    A word of one or two letters is the beginning of a word. Signs alone find nobody.
    """
    terms = terms_of(text)
    if not terms:
        return contacts.none() if text.strip() else contacts
    words = [word for term in terms for word in (*term.words, term.digits) if word]
    forms = _forms_of(words)
    known = _Known(forms, _known_by_id([text, *words]) | _known_by_email(words), _way_to_ask(terms, forms))
    fits = Q()
    for term in terms:
        fits &= _fits(term, known)
    whole = known.contacts.get(_key(text), ())
    return contacts.filter(fits | Q(pk__in=whole) if whole else fits)


class Holds(Func):
    """Whether a text holds another one, said so that no index is asked for it. The planner expects one in 200."""

    function = "strpos"
    template = "sign(%(function)s(%(expressions)s)) = 1"
    arity = 2
    output_field = BooleanField()


class SurelyHolds(Holds):
    """The same. The planner expects nearly all."""

    template = "NOT (%(function)s(%(expressions)s) = 0)"


@dataclass(frozen=True, slots=True)
class _Known:
    """`forms`: of each word how documents hold it. `contacts`: ids of those who have a text as their id or address.

    `ask`: whether a document holds a form, as the database answers soonest.
    """

    forms: dict[str, str]
    contacts: dict[str, list[int]]
    ask: Callable[[str], Q]


def companies_matching(companies: QuerySet[Company], text: str) -> QuerySet[Company]:
    """Those whose name holds every word of the text."""
    terms = terms_of(text)
    if not terms:
        return companies.none() if text.strip() else companies
    companies = companies.alias(words=Words("name"))
    for word in (word for term in terms for word in term.words):
        companies = companies.filter(words__like=Pattern(Value(word)))
    return companies


@contextmanager
def documents_given(cursor: Any) -> Iterator[None]:
    """Inside: new addresses and tags of contacts change no documents, since whoever writes them brings those too."""
    cursor.execute("SELECT set_config('contacts.documents', 'given', true)")
    yield
    cursor.execute("SELECT set_config('contacts.documents', '', true)")


def write_documents(cursor: Any, contact_ids: Iterable[int]) -> None:
    """Writes those that are out of date: after `documents_given`. May run twice."""
    cursor.execute("SELECT contacts_ask_for_documents(%s)", [list(contact_ids)])


def terms_of(text: str) -> list[Term]:
    """Words in a row that look like parts of one phone number are one term."""
    terms: list[Term] = []
    for is_phone, words in groupby(_words(text), key=_is_of_phone):
        given = tuple(words)
        digits = _national_digits("".join(given)) if is_phone else ""
        terms += [Term(given, digits)] if digits else [Term((word,)) for word in given]
    return terms


def _words(text: str) -> list[str]:
    """In the forms that letters are stored in. Words of signs alone, such as “&”, say nothing."""
    plain = unicodedata.normalize("NFKC", text.replace("\x00", " ")).replace("。", ".")
    words = (word.strip(AROUND) if not _is_of_phone(word) else word for word in plain.split())
    return [word for word in words if any(letter.isalnum() for letter in word)][:MOST_WORDS]


def _is_of_phone(word: str) -> bool:
    return PHONE_CHARACTERS.issuperset(word)


def _national_digits(text: str) -> str:
    """What a number's digits end with however it is written: without the country's code and the zeros in front.

    Nothing for a text that is no more than one number without signs: its word says the same.
    """
    number = text.replace("(0)", "")
    if number.startswith("00"):
        number = f"+{number[2:]}"
    digits = "".join(character for character in number if character.isdigit())
    if number.startswith("+"):
        with suppress(phonenumbers.NumberParseException):  # only the beginning of one
            digits = str(phonenumbers.parse(number).national_number)
    if len(digits) < LEAST_DIGITS:
        return "".join(character for character in number if character.isdigit()) if number.startswith("+") else ""
    digits = digits.lstrip("0")
    return "" if digits == text else digits


def _fits(term: Term, known: _Known) -> Q:
    said = Q()
    for word in term.words:
        said &= _holds(word, known)
    return said | _holds(term.digits, known) if term.digits else said


def _holds(word: str, known: _Known) -> Q:
    found = known.contacts.get(_key(word), ())
    if found and "@" in word:  # the whole address: nobody means a longer one that begins or ends with it
        return Q(pk__in=found)
    held = known.ask(known.forms[word])
    return held | Q(pk__in=found) if found else held


def _way_to_ask(terms: Sequence[Term], forms: dict[str, str]) -> Callable[[str], Q]:
    """Of rare words the index is asked for some threes of letters, and what it finds is looked through.

    Of common ones fifty are soon found by reading a list in its order. The planner does so where it expects many: so it
    is asked about the rarest word alone, as it takes words for independent, which those of a title are not.
    """
    documents = sample()
    asked = [forms[word] for term in terms for word in ((term.digits,) if term.digits else term.words)]
    if documents is None:
        return _plainly
    if documents.share_of(map(_anywhere, asked)) <= RARE:
        return partial(_by_threes, documents)
    by_index = {min(asked, key=lambda form: documents.share_of([_anywhere(form)]))}
    by_index |= {forms[word] for term in terms if term.digits for word in (*term.words, term.digits)}  # either of these
    return lambda form: _plainly(form) if form in by_index else Q(SurelyHolds("document", Value(_anywhere(form))))


def _plainly(form: str) -> Q:
    return Q(document__contains=_anywhere(form))


def _by_threes(known: Sample, form: str) -> Q:
    said = Q(Holds("document", Value(_anywhere(form))))
    for three in known.rarest(form, THREES) or [_anywhere(form)]:
        said &= Q(document__contains=three)
    return said


def _anywhere(form: str) -> str:
    return f" {form}" if len(form) < 3 else form


def _forms_of(words: Sequence[str]) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT word, contacts_searchable(word) FROM unnest(%s::text[]) AS typed(word)", [list(words)])
        return dict(cursor.fetchall())


def _key(text: str) -> str:
    return text.strip().lower()


def _known_by_id(texts: Iterable[str]) -> dict[str, list[int]]:
    """The contacts that have one of these as their external id, by its lower-cased form."""
    forms = {form for text in texts if "\x00" not in text for form in (text.strip(), _key(text), text.strip().upper())}
    found: dict[str, list[int]] = {}
    unnamed = Contact.objects.filter(external_id__in=forms).values_list("external_id", "pk")
    of_tools = ContactExternalId.objects.filter(external_id__in=forms).order_by().values_list("external_id", "contact")
    for external_id, pk in unnamed.union(of_tools)[:MOST_BY_ID]:
        found.setdefault(_key(external_id or ""), []).append(pk)
    return found


def _known_by_email(words: Iterable[str]) -> dict[str, list[int]]:
    """The contacts that have one of these addresses, by it as it was typed; none of one that very many share."""
    typed: dict[str, str] = {}
    for word in words:
        if "@" in word:
            with suppress(BadAddress):
                typed[normalise(word)] = _key(word)
    if not typed:
        return {}
    found: dict[str, list[int]] = {}
    reached = ContactAddress.objects.filter(address__email__in=typed).values_list("address__email", "contact")
    for email, pk in reached[: MOST_BY_ID + 1]:
        found.setdefault(typed[email], []).append(pk)
    return found if sum(map(len, found.values())) <= MOST_BY_ID else {}
