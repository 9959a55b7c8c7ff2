"""Companies: the list, one with its contacts, the form. In: filters, ids, forms. Out: pages."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from bounces.paging import capped_count
from bounces.verdict import verdicts_of
from bounces.views.access import needs
from contacts.access import can_change_company, companies_for, contacts_for
from contacts.counting import CompanyCounts, count_answers, count_by_company
from contacts.countries import COUNTRIES
from contacts.filters import with_primary
from contacts.forms import CompanyForm
from contacts.search import companies_matching, index_documents
from contacts.views.answers import allow, counted, find, page_for

LONGEST_SEARCH = 200


@needs("contacts.view_company")
def show_list(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "")[:LONGEST_SEARCH].strip()
    rows = companies_matching(companies_for(request.user), text)
    page = page_for(request, rows.select_related("owner"), ["name", "id"])
    counts = count_by_company(contacts_for(request.user), [company.pk for company in page.items])
    context = {
        "page": page,
        "rows": [(company, counts.get(company.pk, CompanyCounts())) for company in page.items],
        "summary": counted(capped_count(rows), "company", "companies"),
        "q": text,
    }
    return render(request, "contacts/companies.html", context)


@needs("contacts.view_company")
def show_company(request: HttpRequest, pk: int) -> HttpResponse:
    company = find(companies_for(request.user).select_related("owner"), pk)
    contacts = contacts_for(request.user).filter(company=company)
    shown = with_primary(contacts).select_related("owner")
    page = page_for(request, shown, ["last_name", "first_name", "id"])
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
        if company.name != name:
            index_documents(company.contacts.values_list("pk", flat=True))
        messages.success(request, "Saved.")
        return redirect(company)
    return render(request, "contacts/company_form.html", {"form": form, "company": company, "name": name})
