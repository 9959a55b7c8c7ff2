"""Which contacts a list, a segment, a bulk action, an export or the API is about: the words of a filter.

In: words with their values, from a URL, a segment's JSON or a form. Out: the contacts that a user sees and that fit.

q          words to search for                      company    a company's id or name, or `none`
verdict    yes, caution, no, or why caution         country    two letters
status     of the primary address, or `none`
owner      a user's id, `me`, or `none`             campaign   a campaign's key
tag        a tag's name                             source     where it came from
segment    a segment's id: its words count too      import    an import's id: whom it made or changed

Values of one word are alternatives (any status of these), tags add up (all of these). Words narrow each other.
What is stored of a filter names rows by their ids: `contacts/stored_filters.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, FilteredRelation, Q, QuerySet, Value
from django.db.models.functions import Lower
from django.http import QueryDict
from django.utils import timezone

from bounces.demands import Demand
from bounces.values import Status
from bounces.verdict import WORDS as VERDICTS
from bounces.verdict import answered_by
from contacts.access import User, campaigns_for, contacts_for, demand_of, segments_for
from contacts.models import CampaignMember, Company, Contact, ContactAddress, Segment, Tag
from contacts.models.imports import written_by
from contacts.models.people import ContactQuerySet
from contacts.search import matching
from contacts.stored_filters import recall_each

NONE = "none"
WORDS = ("q", "verdict", "status", "owner", "tag", "company", "country", "campaign", "source", "segment", "import")
SEVERAL = frozenset({"status", "verdict", "owner", "tag", "country"})  # the others take one value
LONGEST = 200
MOST_VALUES = 20
ID = re.compile(r"[0-9]{1,18}")
STATUSES = (*(str(status) for status in Status), NONE)

Words = dict[str, list[str]]

# The orders of lists, for bounces/paging.py: the first one is what people get.
ORDERS: dict[str, tuple[str, ...]] = {
    "-updated": ("-updated_at", "-id"),
    "updated": ("updated_at", "id"),
    "name": ("sort_name", "id"),
    "-name": ("-sort_name?", "-id"),
    "company": ("company__sort_name", "id"),
    "-company": ("-company__sort_name", "-id"),
    "status": ("status", "id"),
    "-status": ("-status", "-id"),
    "since": ("status_changed_at", "id"),
    "-since": ("-status_changed_at", "-id"),
}


def read_words(params: Mapping[str, Any]) -> tuple[Words, dict[str, str]]:
    """The words of a filter and, by word, what is wrong with the others. Parameters of other names are left alone."""
    words: Words = {}
    errors: dict[str, str] = {}
    for word in WORDS:
        values = _values(params, word)
        if not values:
            continue
        if sentence := _fault(word, values):
            errors[word] = sentence
        else:
            words[word] = values
    return words, errors


def read_filter(params: Mapping[str, Any], user: User) -> tuple[Words, dict[str, str]]:
    """As `read_words`; a segment that cannot be read is an error too. Whoever acts on a filter with errors refuses."""
    words, errors = read_words(params)
    segment = segments_for(user).filter(pk=int(words["segment"][0])).first() if "segment" in words else None
    if segment and (sentence := fault_of(segment)):
        errors["segment"] = sentence
    return words, errors


def find_contacts(user: User, words: Words) -> ContactQuerySet:
    """The contacts that this user sees and that fit. `words` come from `read_words`."""
    return narrow(contacts_for(user), words, user)


def narrow(contacts: ContactQuerySet, words: Words, user: User) -> ContactQuerySet:
    for word, values in words.items():
        if word == "verdict":
            contacts = _by_verdict(contacts, values, demand_in(words, user))
        else:
            contacts = _NARROW[word](contacts, values, user)
    return contacts


def demand_in(words: Words, user: User) -> Demand | None:
    """What the campaign of the filter, if there is one, asks of an address: its members have its verdicts."""
    return demand_of(words["campaign"][0], user) if "campaign" in words else None


def with_primary(contacts: ContactQuerySet) -> QuerySet[Any]:
    """Adds `address_id`, `email`, `status` and `status_changed_at` of the primary address, empty without one."""
    return contacts.annotate(
        reached=FilteredRelation("contact_addresses", condition=Q(contact_addresses__is_primary=True)),
        address_id=F("reached__address_id"),
        email=F("reached__address__email"),
        status=F("reached__address__status"),
        status_changed_at=F("reached__address__status_changed_at"),
    )


def _values(params: Mapping[str, Any], word: str) -> list[str]:
    found = params.getlist(word) if isinstance(params, QueryDict) else params.get(word)
    listed = found if isinstance(found, list | tuple) else [found]
    texts = [str(value).strip() for value in listed if isinstance(value, str | int)]
    return list(dict.fromkeys(text for text in texts if text))


def _fault(word: str, values: list[str]) -> str:
    if len(values) > (MOST_VALUES if word in SEVERAL else 1):
        return f"“{word}” takes at most {MOST_VALUES if word in SEVERAL else 1} values."
    for value in values:
        if len(value) > LONGEST or "\x00" in value:
            return f"“{word}” is longer than {LONGEST} characters, or holds one that cannot be searched for."
        if not _FITS.get(word, _anything)(value):
            return f"“{value}” is not {_EXPECTED[word]}."
    return ""


def _anything(value: str) -> bool:  # noqa: ARG001 -- text of any kind
    return True


def _is_id(value: str) -> bool:
    return bool(ID.fullmatch(value))


_FITS = {
    "status": lambda value: value in STATUSES,
    "verdict": lambda value: value in VERDICTS,
    "owner": lambda value: value in ("me", NONE) or _is_id(value),
    "country": lambda value: bool(re.fullmatch("[A-Za-z]{2}", value)),
    "segment": _is_id,
    "import": _is_id,
}
_EXPECTED = {
    "status": f"a status; those are {', '.join(STATUSES)}",
    "verdict": f"a verdict; those are {', '.join(VERDICTS)}",
    "owner": "an owner: a user's id, me, or none",
    "country": "a country code of two letters, like DE",
    "segment": "a segment's id",
    "import": "an import's id",
}


def _by_text(contacts: ContactQuerySet, values: list[str], user: User) -> ContactQuerySet:  # noqa: ARG001
    return matching(contacts, values[0])


def _by_status(contacts: ContactQuerySet, values: list[str], user: User) -> ContactQuerySet:  # noqa: ARG001
    primary = ContactAddress.objects.filter(is_primary=True)
    fits = Q(pk__in=primary.filter(address__status__in=values).values("contact"))
    return contacts.filter(fits | ~Q(pk__in=primary.values("contact")) if NONE in values else fits)


def _by_verdict(contacts: ContactQuerySet, values: list[str], demand: Demand | None) -> ContactQuerySet:
    """A verdict is of its moment: a suppression expires by the clock. A contact without an address has none."""
    now = timezone.now()
    fits = Q()
    for value in values:
        fits |= Q(address__in=answered_by(value, now, demand))
    primary = ContactAddress.objects.filter(fits, is_primary=True)
    return contacts.filter(pk__in=primary.values("contact"))


def _by_owner(contacts: ContactQuerySet, values: list[str], user: User) -> ContactQuerySet:
    ids = [user.pk if value == "me" else int(value) for value in values if value != NONE]
    fits = Q(owner__in=ids)
    return contacts.filter(fits | Q(owner__isnull=True) if NONE in values else fits)


def _by_tag(contacts: ContactQuerySet, values: list[str], user: User) -> ContactQuerySet:  # noqa: ARG001
    """One grouped look-up for all tags: with a join for each of twenty, planning alone took minutes and gigabytes."""
    lowered = {value.lower() for value in values}
    tags = Tag.objects.alias(lower=Lower("name")).filter(lower__in=[Lower(Value(name)) for name in sorted(lowered)])
    tagged: QuerySet[Any] = Contact.tags.through.objects.filter(tag__in=tags).values("contact")
    return contacts.filter(pk__in=tagged.annotate(found=Count("tag")).filter(found=len(lowered)).values("contact"))


def _by_company(contacts: ContactQuerySet, values: list[str], user: User) -> ContactQuerySet:  # noqa: ARG001
    if values == [NONE]:
        return contacts.filter(company__isnull=True)
    if _is_id(values[0]):
        return contacts.filter(company=int(values[0]))
    named = Company.objects.annotate(lower=Lower("name")).filter(lower=Lower(Value(values[0])))
    return contacts.filter(company__in=named)


def _by_country(contacts: ContactQuerySet, values: list[str], user: User) -> ContactQuerySet:  # noqa: ARG001
    return contacts.filter(country__in=[value.upper() for value in values])


def _by_campaign(contacts: ContactQuerySet, values: list[str], user: User) -> ContactQuerySet:
    """By its id: the planner then knows whether it has ten members or a million."""
    campaign = campaigns_for(user).filter(key=values[0]).values_list("pk", flat=True).first()
    return contacts.filter(pk__in=CampaignMember.objects.filter(campaign=campaign).values("contact"))


def _by_source(contacts: ContactQuerySet, values: list[str], user: User) -> ContactQuerySet:  # noqa: ARG001
    return contacts.filter(source=values[0]).exclude(source="")


def _by_segment(contacts: ContactQuerySet, values: list[str], user: User) -> ContactQuerySet:
    segment = segments_for(user).filter(pk=int(values[0])).first()
    return narrow_to(contacts, segment, user) if segment else contacts.none()


def _by_import(contacts: ContactQuerySet, values: list[str], user: User) -> ContactQuerySet:  # noqa: ARG001
    """Whom it made or changed, as far as they are still there. Who stood there as in the file is not among them."""
    return contacts.filter(pk__in=written_by(int(values[0])))


def narrow_to(contacts: ContactQuerySet, segment: Segment, user: User) -> ContactQuerySet:
    """Those that fit the segment: nobody where it cannot be read, never more than it means."""
    return meanings_of([segment])[0].narrow(contacts, user)


@dataclass(frozen=True, slots=True)
class Meaning:
    """A segment's words, as far as they can be read, and why it cannot be read, for people; empty where it can."""

    words: Words
    fault: str

    def narrow(self, contacts: ContactQuerySet, user: User) -> ContactQuerySet:
        return contacts.none() if self.fault else narrow(contacts, self.words, user)


def words_of(segment: Segment) -> Words:
    return meanings_of([segment])[0].words


def fault_of(segment: Segment) -> str:
    return meanings_of([segment])[0].fault


def meanings_of(segments: Sequence[Segment]) -> list[Meaning]:
    """By a constant number of queries. A segment holds no other one, so that none can hold itself."""
    stored = [each.filter if isinstance(each.filter, dict) else {} for each in segments]
    return [_meaning(segment, *said) for segment, said in zip(segments, recall_each(stored), strict=True)]


def _meaning(segment: Segment, stored: dict[str, Any], gone: list[str]) -> Meaning:
    words, errors = read_words(stored)
    words.pop("segment", None)
    if not isinstance(segment.filter, dict):
        wrong = "Its filter is not a set of words with their values."
    else:
        unknown = [f"“{word}” is not a word of a filter." for word in stored if word not in WORDS]
        empty = [
            f"“{word}” has no value that can be read."
            for word in WORDS
            if stored.get(word) not in (None, "", []) and not _values(stored, word)
        ]
        wrong = " ".join([*unknown, *empty, *gone, *errors.values()])
    sentence = f"Segment “{segment}” cannot be read: {wrong} Filter the contacts anew and save that."
    return Meaning(words, sentence if wrong else "")


_NARROW = {
    "q": _by_text,
    "status": _by_status,
    "owner": _by_owner,
    "tag": _by_tag,
    "company": _by_company,
    "country": _by_country,
    "campaign": _by_campaign,
    "source": _by_source,
    "segment": _by_segment,
    "import": _by_import,
}
