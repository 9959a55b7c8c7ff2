"""The parameters of the list of contacts: the words of `contacts/filters.py`, look-ups, and `updated_since`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request

from bounces.api.pages import PARAMETERS
from bounces.api.strict import refuse_empty_parameters, refuse_unknown_parameters
from bounces.moments import read_day_or_moment
from contacts.filters import LONGEST, MOST_VALUES, SEVERAL, STATUSES, VERDICTS, WORDS, narrow, read_filter
from contacts.lookups import LOOK_UPS, LookUpError

SINCE = "updated_since"
MEANING = {
    "q": "Words to search for in names, titles, companies, tags, addresses and phone numbers; or an external id.",
    "status": "Of the primary address; `none`: without an address.",
    "verdict": "On the primary address, as of now; `silent`, `role_account` and `disposable` are reasons of a caution.",
    "owner": "A user's id, `me`, or `none`.",
    "tag": "A tag's name; several must all be there.",
    "company": "A company's id or name, or `none`.",
    "country": "Two letters, like DE.",
    "campaign": "A campaign's key: its members.",
    "source": "Where it came from.",
    "segment": "A segment's id: whom it finds.",
    "import": "An import's id: whom it made or changed.",
}
LOOK_UP_MEANING = {
    "email": "Who has this address, primary or not, in any form: `Ann <ann@bücher.example>` too.",
    "external_id": "Who has this id in any tool; `hubspot:101`: in that tool.",
    "phone": "Who has this number, however it is written: digits are compared. One without its country's code finds "
    "those that end with it.",
}


class WordsFilter(BaseFilterBackend):
    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:  # noqa: ARG002 -- DRF's signature
        refuse_unknown_parameters(request, [*WORDS, *LOOK_UPS, SINCE, *PARAMETERS])
        refuse_empty_parameters(request, ["status", "verdict", *LOOK_UPS, SINCE])
        _refuse_too_many(request)
        words, errors = read_filter(request.query_params, request.user)
        if errors:
            raise ValidationError({word: [sentence] for word, sentence in errors.items()})
        contacts = narrow(queryset, words, request.user)
        contacts = _looked_up(request, contacts)
        if SINCE in request.query_params:
            contacts = contacts.filter(updated_at__gte=_moment(request.query_params[SINCE]))
        return contacts

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:  # noqa: ARG002 -- DRF's signature
        moment = {"type": "string", "format": "date-time"}
        since = {
            "name": SINCE,
            "in": "query",
            "schema": moment,
            "description": "Changed at this moment or after it.",
        }
        look_ups = [
            {"name": word, "in": "query", "schema": {"type": "string", "minLength": 1}, "description": meaning}
            for word, meaning in LOOK_UP_MEANING.items()
        ]
        return [*(_parameter(word) for word in WORDS), *look_ups, since]


def _looked_up(request: Request, contacts: Any) -> Any:
    """Each look-up once. Nothing found is an empty list, not an error."""
    for word, look_up in LOOK_UPS.items():
        given = request.query_params.getlist(word)
        if len(given) > 1:
            raise ValidationError({word: [f"“{word}” takes one value."]})
        try:
            contacts = look_up(contacts, given[0]) if given else contacts
        except LookUpError as error:
            raise ValidationError({word: [str(error)]}) from error
    return contacts


def _refuse_too_many(request: Request) -> None:
    """As they were sent: the filter itself counts neither empty nor repeated ones."""
    for word in SEVERAL:
        if len(request.query_params.getlist(word)) > MOST_VALUES:
            raise ValidationError({word: [f"“{word}” takes at most {MOST_VALUES} values."]})


def _parameter(word: str) -> dict[str, Any]:
    # No maxLength: invisible characters are dropped before the length is judged.
    value: dict[str, Any] = {"type": "string"}
    if word == "status":
        value = {"type": "string", "enum": list(STATUSES)}
    if word == "verdict":
        value = {"type": "string", "enum": list(VERDICTS)}
    schema = {"type": "array", "items": value, "maxItems": MOST_VALUES} if word in SEVERAL else value
    length = "" if "enum" in value else f" At most {LONGEST} characters, invisible ones not counted."
    return {"name": word, "in": "query", "schema": schema, "description": MEANING[word] + length}


def _moment(value: str) -> datetime:
    try:
        return read_day_or_moment(value)
    except ValueError as error:
        raise ValidationError({SINCE: [str(error)]}) from error
