"""What can be exported: one table. In: a person and the words of a filter. Out: labels, columns, rows, or BadFilter.

Each subject asks for the same permission and the same scoped rows as the page whose list it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from bounces.demands import Demand
from bounces.exporting import (
    BOUNCE_COLUMNS,
    CLEANING_COLUMNS,
    SUPPRESSION_COLUMNS,
    bounce_rows,
    cleaning_rows,
    suppression_rows,
)
from bounces.ids import is_id
from bounces.lists import BounceFilter, ListFilter, RunRowFilter, SuppressionFilter
from bounces.models import CleaningRun
from bounces.sentences import QUESTION
from bounces.sight import only_seen
from contacts.access import User, campaigns_for
from contacts.chips import chips_of
from contacts.exporting.campaigns import CAMPAIGN_COLUMNS, CampaignFilter, campaign_rows
from contacts.exporting.people import LISTS, columns, header_of, rows_of
from contacts.filters import WORDS as WORDS_OF_CONTACTS
from contacts.filters import demand_in, find_contacts, read_filter, read_words
from contacts.importing.mapping import LABELS
from contacts.models import CustomField
from contacts.stored_filters import UnknownName, recall, store

Params = dict[str, Any]  # the words of a filter, as JSON keeps them


class BadFilter(ValueError):
    """The filter makes no sense: nothing is exported, rather than everything. The message is for people."""


class BadColumn(BadFilter):
    """A column that the list does not have."""


@dataclass(frozen=True, slots=True)
class Subject:
    name: str  # in the plural, for people
    permission: str
    scope: str  # of a tool's key
    words: Sequence[str]  # of its filter
    columns: Callable[[], dict[str, str]]  # the header by key
    read: Callable[[Any, User], Params]  # of a URL's or an API's words; raises BadFilter
    find: Callable[[Params, User, datetime], QuerySet[Any]]
    rows: Callable[[QuerySet[Any], Sequence[str], datetime, Demand | None], Iterator[Sequence[Any]]]
    describe: Callable[[Params, User], str]
    demand: Callable[[Params, User], Demand | None] = lambda params, user: None  # noqa: ARG005 -- what verdicts go by
    lists: Sequence[str] = ()  # keys whose cells hold several values
    labels: Callable[[], Mapping[str, str]] = dict  # by key, where people read something else than the header
    store: Callable[[Params, User], Params] = lambda params, user: params  # noqa: ARG005 -- ids for names; BadFilter
    recall: Callable[[Params], Params] = lambda params: params  # the words again; raises BadFilter
    takes_blank: bool = True  # a word without a value says something: of a suppression's state, whatever it is

    def checked(self, given: Params) -> Params:
        """A word that does not exist would narrow nothing, and so would a value of another kind. Raises BadFilter."""
        unknown = [word for word in given if word not in self.words]
        if unknown:
            known = ", ".join(self.words)
            raise BadFilter(f"“{unknown[0][:60]}” is not a word of a filter of {self.name}. Those are {known}.")
        for word, values in given.items():
            listed = values if isinstance(values, list) else [values]
            if not listed or not all(self._is_text(each) for each in listed):
                raise BadFilter(f"“{word}” takes a text, or a list of texts.")
        return given

    def _is_text(self, value: object) -> bool:
        return isinstance(value, str | int) and (self.takes_blank or bool(str(value).strip()))


# --- contacts -----------------------------------------------------------------------------------------


def _contact_columns() -> dict[str, str]:
    return {column: column for column in columns()}


def _contact_labels() -> dict[str, str]:
    """The headers are words that the import knows; people tick names."""
    own = {header_of(key): label for key, label in CustomField.objects.values_list("key", "label")}
    judged = {"verdict": QUESTION, "status": "Status", "verdict_reason": "Why", "external_ids": "Ids in named tools"}
    return {**LABELS, **own, **judged}


def _read_contacts(given: Any, user: User) -> Params:
    words, errors = read_filter(given, user)
    if errors:
        raise BadFilter(" ".join(errors.values()))
    return dict(words)


def _store_contacts(params: Params, user: User) -> Params:
    try:
        return store(params, user)
    except UnknownName as error:
        raise BadFilter(str(error)) from error


def _recall_contacts(params: Params) -> Params:
    stored, gone = recall(params)
    if gone:
        raise BadFilter(" ".join(gone))
    return dict(read_words(stored)[0])


def _describe_contacts(params: Params, user: User) -> str:
    chips = chips_of(params, user)
    return ", ".join(f"{chip.label}: {chip.text}" for chip in chips) or "All that you see"


# --- what bounces keeps ---------------------------------------------------------------------------------


def _read_form(make: Callable[[Any], ListFilter]) -> Callable[[Any, User], Params]:
    def read(given: Any, user: User) -> Params:  # noqa: ARG001 -- one signature for all subjects
        form = make(_flat(given))
        if not form.is_valid():
            told = (f"{name}: {' '.join(map(str, sentences))}" for name, sentences in form.errors.items())
            raise BadFilter(" ".join(told))
        return {name: str(value) for name, value in form.chosen().items()}

    return read


def _flat(given: Any) -> dict[str, Any]:
    """One value a word, of a URL or of an API's JSON. Raises BadFilter."""
    if isinstance(given, QueryDict):
        return given.dict()
    listed = {word: value if isinstance(value, list) else [value] for word, value in given.items()}
    if doubled := next((word for word, values in listed.items() if len(values) != 1), None):
        raise BadFilter(f"“{doubled}” takes one value.")
    return {word: values[0] for word, values in listed.items()}


def _picked(all_columns: Mapping[str, str], keys: Sequence[str], rows: Iterator[list[Any]]) -> Iterator[Sequence[Any]]:
    places = [list(all_columns).index(key) for key in keys]
    return ([row[at] for at in places] for row in rows)


def _describe(params: Params, user: User) -> str:  # noqa: ARG001 -- one signature for all subjects
    return ", ".join(f"{name}: {str(value).replace('_', ' ')}" for name, value in params.items()) or "All"


def _suppression_filter(given: Any) -> ListFilter:
    return SuppressionFilter({"state": "in_force", **given})


def _read_cleaning(given: Any, user: User) -> Params:
    run = str(_flat(given).get("run", ""))
    if not is_id(run):
        raise BadFilter("Say which cleaning run: run=12.")
    if not CleaningRun.objects.filter(pk=int(run)).exists():
        raise BadFilter(f"There is no cleaning run {run}.")
    return {**_read_form(RunRowFilter)(given, user), "run": run}


def _find_cleaning(params: Params, user: User, now: datetime) -> QuerySet[Any]:  # noqa: ARG001 -- one signature
    run = CleaningRun.objects.filter(pk=int(params["run"])).first()
    if run is None:
        raise BadFilter(f"Cleaning run {params['run']} is gone.")
    return only_seen(RunRowFilter(params).rows(run), user)


SUBJECTS: dict[str, Subject] = {
    "contacts": Subject(
        name="contacts",
        permission="contacts.export_contact",
        scope="contacts:read",
        words=WORDS_OF_CONTACTS,
        columns=_contact_columns,
        read=_read_contacts,
        find=lambda params, user, now: find_contacts(user, params),  # noqa: ARG005 -- one signature for all
        rows=rows_of,
        demand=demand_in,
        describe=_describe_contacts,
        lists=LISTS,
        labels=_contact_labels,
        store=_store_contacts,
        recall=_recall_contacts,
        takes_blank=False,
    ),
    "bounces": Subject(
        name="bounces",
        permission="bounces.view_bounce",
        scope="bounces:read",
        words=list(BounceFilter.base_fields),
        columns=lambda: BOUNCE_COLUMNS,
        read=_read_form(BounceFilter),
        find=lambda params, user, now: only_seen(BounceFilter(params).rows(), user),  # noqa: ARG005 -- one signature for all
        rows=lambda found, keys, now, demand: _picked(BOUNCE_COLUMNS, keys, bounce_rows(found)),  # noqa: ARG005
        describe=_describe,
    ),
    "suppressions": Subject(
        name="suppressions",
        permission="bounces.change_suppression",
        scope="suppressions:read",
        words=list(SuppressionFilter.base_fields),
        columns=lambda: SUPPRESSION_COLUMNS,
        read=_read_form(_suppression_filter),
        find=lambda params, user, now: _suppression_filter({"state": "", **params}).rows(now),  # type: ignore[attr-defined]  # noqa: ARG005
        rows=lambda found, keys, now, demand: _picked(SUPPRESSION_COLUMNS, keys, suppression_rows(found, now)),  # noqa: ARG005
        describe=_describe,
    ),
    "cleaning": Subject(
        name="rows of a cleaning run",
        permission="bounces.view_cleaningrun",
        scope="bounces:read",
        words=["run", *RunRowFilter.base_fields],
        columns=lambda: CLEANING_COLUMNS,
        read=_read_cleaning,
        find=_find_cleaning,
        rows=lambda found, keys, now, demand: _picked(CLEANING_COLUMNS, keys, cleaning_rows(found)),  # noqa: ARG005
        describe=_describe,
    ),
    "campaigns": Subject(
        name="campaigns",
        permission="contacts.view_campaign",
        scope="contacts:read",
        words=list(CampaignFilter.base_fields),
        columns=lambda: CAMPAIGN_COLUMNS,
        read=_read_form(CampaignFilter),
        find=lambda params, user, now: CampaignFilter(params).rows(campaigns_for(user)),  # noqa: ARG005 -- one signature
        rows=lambda found, keys, now, demand: _picked(CAMPAIGN_COLUMNS, keys, campaign_rows(found)),  # noqa: ARG005
        describe=_describe,
    ),
}


def choose(subject: Subject, keys: Sequence[str]) -> dict[str, str]:
    """The columns that were asked for, in the subject's order; all of them where none was. Raises BadColumn."""
    known = subject.columns()
    unknown = [key for key in keys if key not in known]
    if unknown:
        raise BadColumn(f"There is no column “{unknown[0][:60]}”. There are: {', '.join(known)}.")
    return {key: header for key, header in known.items() if not keys or key in keys}
