"""Asking a manager to restore an address. In: an address, a reason. Out: a page, and a question in the review queue."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone

from bounces import questions, review
from bounces.came_from import came_from
from bounces.sight import addresses_for
from bounces.verdict import verdicts_of
from bounces.views.access import needs
from bounces.views.reason_form import ReasonForm


@needs("bounces.ask_restore")
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """Whoever may restore does it at once, on the page of the address."""
    address = get_object_or_404(addresses_for(request.user), pk=pk)
    back = came_from(request, reverse("bounces:address", args=[pk]))
    known = questions.newest_asks([pk]).get(pk)
    if known is not None and not known.decision:
        messages.info(request, f"{known.asked_by} asked for it already: a manager decides.")
        return redirect(back)
    form = ReasonForm("ask_restore", request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            review.ask_restore(address, request.user, form.cleaned_data["reason"], timezone.now())
        except review.NotAllowed as error:
            messages.info(request, str(error))
        else:
            messages.success(request, "Asked. What becomes of it stands here, and under Review.")
        return redirect(back)
    context = {"address": address, "verdict": verdicts_of([pk], timezone.now())[pk], "form": form, "back": back}
    return render(request, "bounces/ask_restore.html", context)
