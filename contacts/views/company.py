"""Companies: the list, one with its contacts, the form. In: filters, ids, forms. Out: pages."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from bounces.paging import both_ways, capped_count, sort_for
from bounces.values import Status
from bounces.verdict import verdicts_of
from bounces.views.access import needs
from contacts.access import can_change_company, companies_for, contacts_for
from contacts.counting import CompanyCounts, NumberOf, count_answers, count_by_company, remembered
from contacts.countries import COUNTRIES
from contacts.filters import with_primary
from contacts.forms import CompanyForm
from contacts.models import Company, ContactAddress
from contacts.search import companies_matching
from contacts.views.answers import allow, counted, find, page_for

LONGEST_SEARCH = 200
# The orders of the list: the first one is what people get.
ORDERS = both_ways(
    {
        "name": ("sort_name", "id"),
        "contacts": ("contact_count", "id"),
        "bad": ("bad_count", "id"),
        "country": ("country", "sort_name", "id"),
        "owner": ("owner__name", "sort_name", "id"),
    }
)


@needs("contacts.view_company")
def show_list(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "")[:LONGEST_SEARCH].strip()
    rows = companies_matching(companies_for(request.user), text)
    sort = sort_for(request, ORDERS)
    page = page_for(request, _counted_for(sort, request.user, rows).select_related("owner"), ORDERS[sort])
    counts = count_by_company(contacts_for(request.user), [company.pk for company in page.items])
    context = {
        "page": page,
        "rows": [(company, counts.get(company.pk, CompanyCounts())) for company in page.items],
        "summary": counted(capped_count(rows), "company", "companies"),
        "q": text,
        "sort": sort,
    }
    return render(request, "contacts/companies.html", context)


def _counted_for(sort: str, user: Any, companies: QuerySet[Company]) -> QuerySet[Company]:
    """With the number that they are sorted by, which is counted for no other order."""
    contacts = contacts_for(user).filter(company__isnull=False).order_by()
    if sort.endswith("bad"):
        reached = ContactAddress.objects.filter(is_primary=True, address__status=Status.INVALID).values("contact")
        return companies.annotate(bad_count=_number_of(f"bad-{user.pk}", contacts.filter(pk__in=reached)))
    if sort.endswith("contacts"):
        return companies.annotate(contact_count=_number_of(f"contacts-{user.pk}", contacts))
    return companies


def _number_of(what: str, contacts: QuerySet[Any]) -> NumberOf:
    """Count for all companies in one query: a subquery per company took seconds for 50,000 of them."""
    rows = contacts.values_list("company").annotate(number=Count("pk"))
    return NumberOf("contacts_company", remembered(f"companies-{what}", lambda: dict(rows)))


@needs("contacts.view_company")
def show_company(request: HttpRequest, pk: int) -> HttpResponse:
    company = find(companies_for(request.user).select_related("owner"), pk)
    contacts = contacts_for(request.user).filter(company=company)
    shown = with_primary(contacts).select_related("owner")
    page = page_for(request, shown, ["sort_name", "id"])
    now = timezone.now()
    verdicts = verdicts_of([contact.address_id for contact in page.items if contact.address_id], now)
    context = {
        "company": company,
        "page": page,
        "rows": [(contact, verdicts.get(contact.address_id)) for contact in page.items],
        "counts": count_by_company(contacts, [company.pk]).get(company.pk, CompanyCounts()),
        "answers": count_answers(contacts, now),
        "country_name": COUNTRIES.get(company.country, company.country),
        "can_change": can_change_company(request.user, company),
    }
    return render(request, "contacts/company.html", context)


@needs("contacts.add_company")
def create(request: HttpRequest) -> HttpResponse:
    form = CompanyForm(request.POST or None, initial={"owner": request.user})
    if request.method == "POST" and form.is_valid():
        company = form.save()
        messages.success(request, f"{company} is created.")
        return redirect(company)
    return render(request, "contacts/company_form.html", {"form": form})


@needs("contacts.change_company")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    company = find(companies_for(request.user), pk)
    allow(can_change_company(request.user, company))
    name = company.name
    form = CompanyForm(request.POST or None, instance=company)
    if request.method == "POST" and form.is_valid():
        company = form.save()
        messages.success(request, "Saved.")
        return redirect(company)
    return render(request, "contacts/company_form.html", {"form": form, "company": company, "name": name})
