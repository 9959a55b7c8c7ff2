"""Taking a cleaning run back, or some of its rows: what would happen, why, the deed. In: ids, forms. Out: pages."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from bounces.cleaning import AlreadyRunning, NothingToUndo, NotReady, preview_undo, undo_rows, undo_run
from bounces.rulings import NoReason
from bounces.views.access import needs
from bounces.views.cleaning import get_run
from bounces.views.reason_form import ReasonForm


@needs("bounces.run_cleaning")
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows what would go back and asks why; then the job takes the whole run back."""
    run = get_run(pk)
    form = ReasonForm("undo_cleaning", request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            undo_run(run, request.user, form.cleaned_data["reason"], timezone.now())
        except (NotReady, NothingToUndo, AlreadyRunning) as error:
            messages.error(request, str(error))
        else:
            messages.success(request, "The run is being taken back.")
        return redirect("bounces:cleaning_run", pk)
    context = {
        "run": run,
        "form": form,
        "preview": preview_undo(run),
        "back": reverse("bounces:cleaning_run", args=[pk]),
    }
    return render(request, "bounces/cleaning_undo.html", context)


@require_POST
@needs("bounces.run_cleaning")
def undo_chosen(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes the ticked rows back at once."""
    run = get_run(pk)
    chosen = [int(value) for value in request.POST.getlist("pk") if value.isdecimal() and len(value) < 19]
    try:
        undone, kept = undo_rows(run, chosen, request.user, request.POST.get("reason", ""), timezone.now())
    except (NoReason, NotReady, NothingToUndo) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said(undone, kept))
    return redirect(f"{reverse('bounces:cleaning_run', args=[pk])}#rows")


def said(undone: int, kept: int) -> str:
    text = f"{undone} address{'' if undone == 1 else 'es'} taken back."
    if kept:
        text += f" {kept} kept: newer events decided since."
    return text
