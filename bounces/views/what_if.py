"""Putting the numbers of a what-if in force: what that does, why, the deed. In: a run's id, a note. Out: pages."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from bounces.cleaning import AlreadyRunning, NotReady, put_in_force
from bounces.cleaning.report import report_of
from bounces.models import Policy
from bounces.policy_numbers import differences
from bounces.policy_versions import SameNumbers
from bounces.reason_examples import reason_help
from bounces.views.access import needs
from bounces.views.cleaning import get_run


class NoteForm(forms.Form):
    note = forms.CharField(
        label="Why",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=reason_help("put_in_force"),
        error_messages={"required": "Say why: others read it later, when they wonder about these numbers."},
    )


@needs("bounces.change_policy")
def put_into_force(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_run(pk)
    if not run.what_if or run.rejudges:
        raise Http404
    form = NoteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            applying = put_in_force(run, by=request.user, note=form.cleaned_data["note"], now=timezone.now())
        except (NotReady, SameNumbers, AlreadyRunning) as error:
            messages.error(request, str(error))
            return redirect("bounces:cleaning_run", pk)
        messages.success(request, f"Policy version {applying.policy.version} is in force. This run applies it.")
        return redirect("bounces:cleaning_run", applying.pk)
    active = Policy.active()
    context = {
        "run": run,
        "form": form,
        "active": active,
        "following": (active.version or 0) + 1,
        "differences": differences(active.numbers, run.policy.numbers),
        "moving": report_of(run).moving,
        "back": reverse("bounces:cleaning_run", args=[pk]),
    }
    return render(request, "bounces/put_in_force.html", context)
