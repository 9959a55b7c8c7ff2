"""Starting a cleaning run: over all addresses, or those of a segment, an import or a domain.

In: a form. Out: the run's page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from bounces.cleaning import AlreadyRunning, start_run
from bounces.cleaning.scope import of_domain
from bounces.ids import id_in
from bounces.models import Address, Policy
from bounces.paging import capped_count
from bounces.views.access import needs
from contacts.access import contacts_for, segments_for
from contacts.bulk import addresses_of
from contacts.filters import fault_of, narrow_to
from contacts.forms import CleaningForm, ScopeForm
from contacts.scopes import of_import
from contacts.views.answers import counted

Scope = dict[str, Any]  # `addresses` and `label`, or nothing for all


@needs("bounces.run_cleaning")
def start(request: HttpRequest) -> HttpResponse:
    form = CleaningForm(
        request.POST or None,
        segments=segments_for(request.user),
        initial={"segment": request.GET.get("segment"), "imported": request.GET.get("import")},
    )
    if request.method == "POST" and form.is_valid():
        scope = scope_of(request.user, form)
        if scope is not None:
            return _begin(request, form.cleaned_data["mode"], scope)
    context = {"form": form, "summary": summary_of(request.user, form), "policy": Policy.active()}
    return render(request, "contacts/cleaning_start.html", context)


def _begin(request: HttpRequest, mode: str, scope: Scope) -> HttpResponse:
    try:
        run = start_run(via="page", now=timezone.now(), by=request.user, dry_run=mode == "preview", **scope)
    except AlreadyRunning as error:
        messages.error(request, str(error))
        run = error.run
    return redirect("bounces:cleaning_run", run.pk)


@needs("bounces.run_cleaning")
def count_scope(request: HttpRequest) -> HttpResponse:
    """How many addresses the chosen scope has, beside the form."""
    form = ScopeForm(request.GET, segments=segments_for(request.user))
    return render(request, "contacts/_cleaning_scope.html", {"summary": summary_of(request.user, form)})


def scope_of(user: Any, form: ScopeForm) -> Scope | None:
    """What a valid form is about, as `start_run` takes it; None where that is nobody, which the form then says."""
    segment = form.cleaned_data["segment"]
    if segment and (fault := fault_of(segment)):
        form.add_error("segment", fault)
        return None
    scope = _scope(user, form.cleaned_data)
    if scope and not scope["addresses"].exists():
        form.add_error(None, f"{scope['label']} has no address: there is nothing to judge.")
        return None
    return scope


def _scope(user: Any, chosen: Mapping[str, Any]) -> Scope:
    """Nothing for all addresses."""
    if segment := chosen.get("segment"):
        contacts = narrow_to(contacts_for(user), segment, user)
        return {"addresses": addresses_of(contacts), "label": f"Segment “{segment}”"}
    if imported := chosen.get("imported"):
        addresses, label = of_import(imported, contacts_for(user))
        return {"addresses": addresses, "label": label}
    if domain := chosen.get("domain"):
        addresses, label = of_domain(domain)
        return {"addresses": addresses, "label": label}
    return {}


def summary_of(user: Any, form: ScopeForm) -> str:
    """How many addresses the form, as far as it is filled in, is about."""
    form.is_valid()
    chosen = getattr(form, "cleaned_data", {}) if form.is_bound else _begun_with(form)
    addresses = _scope(user, chosen).get("addresses", Address.objects.all())
    return counted(capped_count(addresses), "address", "addresses")


def _begun_with(form: ScopeForm) -> Scope:
    """What a link to the form has chosen."""
    wanted = {name: str(form.initial.get(name) or "") for name in ("segment", "imported")}
    fields: Any = form.fields
    return {name: fields[name].queryset.filter(pk=id_in(text)).first() for name, text in wanted.items()}
