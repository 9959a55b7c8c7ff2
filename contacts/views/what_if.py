"""What-if: other numbers of the policy, tried before they are saved. In: a form of numbers. Out: the run's page.

The numbers of an earlier try stand in the form again with `?from=` and its run's number.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from bounces.cleaning import try_numbers
from bounces.cleaning.what_if import TRIES_OF_NUMBERS
from bounces.models import CleaningRun, Policy
from bounces.policy_numbers import differences
from bounces.policy_versions import SameNumbers
from bounces.views.access import needs
from contacts.access import segments_for
from contacts.forms import WhatIfForm
from contacts.views.answers import id_in
from contacts.views.cleaning_start import scope_of, summary_of

TRIED_LATELY = 5


@needs("bounces.run_cleaning")
def show(request: HttpRequest) -> HttpResponse:
    active = Policy.active()
    form = WhatIfForm(
        request.POST or None,
        segments=segments_for(request.user),
        in_force=active.numbers,
        initial=_earlier(request.GET.get("from", "")),
    )
    if request.method == "POST" and form.is_valid():
        run = _try(request, form)
        if run is not None:
            return redirect("bounces:cleaning_run", run.pk)
    context = {
        "form": form,
        "summary": summary_of(request.user, form),
        "policy": active,
        "tried": _tried_lately(active),
    }
    return render(request, "contacts/what_if.html", context)


def _try(request: HttpRequest, form: WhatIfForm) -> CleaningRun | None:
    scope = scope_of(request.user, form)
    if scope is None:
        return None
    try:
        return try_numbers(form.numbers, by=request.user, now=timezone.now(), **scope)
    except SameNumbers as error:
        form.add_error(None, str(error))
        return None


def _earlier(text: str) -> dict[str, Any]:
    run = TRIES_OF_NUMBERS.filter(pk=id_in(text)).select_related("policy").first()
    return run.policy.numbers if run else {}


def _tried_lately(active: Policy) -> list[tuple[CleaningRun, Any]]:
    """The newest tries of everybody, with what they change."""
    runs = TRIES_OF_NUMBERS.select_related("policy", "started_by").order_by("-id")
    return [(run, differences(active.numbers, run.policy.numbers)) for run in runs[:TRIED_LATELY]]
