"""The list of contacts with its filter. In: the words of a filter, an order, a cursor. Out: the page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from bounces.demands import Demand
from bounces.verdict import verdicts_of
from bounces.views.access import needs
from contacts.access import campaigns_for, can_change_campaign, companies_for
from contacts.chips import VERDICT_WORDS, chips_of, query_of
from contacts.counting import sizes_of
from contacts.countries import COUNTRIES
from contacts.filters import ORDERS, STATUSES, Words, demand_in, find_contacts, read_filter
from contacts.forms import active_users
from contacts.listing import page_of_contacts
from contacts.models import Tag
from contacts.search import companies_matching
from contacts.views.answers import counted

FIRST_ORDER = "-updated"
MOST_OPTIONS = 200  # of tags and campaigns in a menu
# All but q and company, which are typed.
HIDDEN_WORDS = ("verdict", "status", "owner", "tag", "country", "campaign", "source", "segment", "import")
STATUS_NAMES = {"none": "No address"}


@needs("contacts.view_contact")
def show_list(request: HttpRequest) -> HttpResponse:
    words, errors = read_filter(request.GET, request.user)
    sort = request.GET.get("sort", "")
    sort = sort if sort in ORDERS else FIRST_ORDER
    rows = find_contacts(request.user, words)
    page = page_of_contacts(rows, sort, request.GET.get("after"), request.GET.get("before"))
    _add_verdicts(page.items, demand_in(words, request.user))
    kept_sort = sort if sort != FIRST_ORDER else ""
    context = {
        "page": page,
        "summary": counted(sizes_of([rows], [words, request.user.pk])[0], "contact", "contacts"),
        "sort": sort,
        "kept_sort": kept_sort,
        "words": words,
        "faults": errors.values(),
        "chips": chips_of(words, request.user, sort=kept_sort),
        "hidden_words": [(word, value) for word in HIDDEN_WORDS for value in words.get(word, [])],
        "query": query_of(words),
        "shows_why": bool({"status", "verdict"} & words.keys()),
        "menus": _menus(request.user),
        "typed_company": _company_name(request.user, words),
        "can_clean": request.user.has_perm("bounces.run_cleaning"),
    }
    response = render(request, "contacts/list.html", context)
    if request.headers.get("HX-Request"):  # a clean address instead of the form's empty parameters
        response["HX-Push-Url"] = request.path + (f"?{query}" if (query := query_of(words, sort=kept_sort)) else "")
    return response


@needs("contacts.view_contact")
def show_company_names(request: HttpRequest) -> HttpResponse:
    """Suggestions for what was typed so far, for a datalist."""
    text = request.GET.get("company", "").strip()[:100]
    found = companies_matching(companies_for(request.user), text).order_by("sort_name", "id")[:20] if text else []
    return render(request, "contacts/_company_names.html", {"companies": found})


def _add_verdicts(contacts: list[Any], demand: Demand | None) -> None:
    ids = [contact.address_id for contact in contacts if contact.address_id]
    verdicts = verdicts_of(ids, timezone.now(), demand)
    for contact in contacts:
        contact.verdict = verdicts.get(contact.address_id)


def _menus(user: Any) -> dict[str, Any]:
    campaigns = [one for one in campaigns_for(user)[:MOST_OPTIONS] if can_change_campaign(user, one)]
    return {
        "statuses": [(status, STATUS_NAMES.get(status, status.replace("_", " ").capitalize())) for status in STATUSES],
        "verdicts": VERDICT_WORDS.items(),
        "owners": list(active_users()),
        "tags": list(Tag.objects.all()[:MOST_OPTIONS]),
        "countries": COUNTRIES.items(),
        "campaigns": campaigns,
    }


def _company_name(user: Any, words: Words) -> str:
    """What stands in the company field: its name, where the filter has its id."""
    value = words.get("company", [""])[0]
    if not value.isdecimal():
        return value
    company = companies_for(user).filter(pk=int(value)).first()
    return company.name if company else value
