"""The review queue: what is open by cause, decided in bulk with a reason, its history, undo; asking for a restore.

In: what people choose. Out: pages. Managers decide; Sales ask, and see what became of what they asked.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from bounces import review
from bounces.models import Address, Bounce, InboundItem, ReviewItem
from bounces.paging import page_of
from bounces.review import Cause
from bounces.rulings import NoReason
from bounces.sentences import reason_words, shortcoming_words
from bounces.values import Shortcoming
from bounces.verdict import verdicts_of
from bounces.views.access import needs
from bounces.views.address import ReasonForm, came_from

SHOWN = 50
MAY = "bounces.restore_address"
MOST_KEYS = 500
# What each decision is called on its button, and what it does.
DECISIONS: dict[str, list[tuple[str, str, str]]] = {
    Cause.ASKED: [
        ("restore", "Restore", "Bounces up to now count no more."),
        ("refuse", "Refuse", "The address stays as it is."),
    ],
    Cause.CONFLICT: [
        ("restore", "Restore", "Bounces up to now count no more."),
        ("keep", "Leave as it is", "Asked again only when something newer speaks for the address."),
    ],
    Cause.UNKNOWN: [
        ("keep", "Leave as it is", "They count as they do. Bounces that come later are asked about again."),
        ("discard", "Discard", "They count no more; statuses and rates follow."),
    ],
    Cause.UNPROVED: [
        ("count", "Count", "You vouch for them: they are read again, and count. This cannot be taken back."),
        ("discard", "Discard", "They change nothing, now or later."),
    ],
}


@needs("bounces.ask_restore")
def show_queue(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm(MAY):
        mine = ReviewItem.objects.filter(asked_by=request.user.pk).select_related("address", "decided_by")
        return render(request, "bounces/review_asked.html", {"items": mine[:SHOWN]})
    context = {
        "asked": review.asked().select_related("address", "asked_by")[:SHOWN],
        "conflicts": with_verdicts(list(review.conflicts()[:SHOWN])),
        "unknown": [(group, words_of(group.key)) for group in review.unknown_groups()],
        "unproved": [(group, *unproved_words(group.parts)) for group in review.unproved_groups()],
        "decisions": {str(cause): decisions for cause, decisions in DECISIONS.items()},
        "history": page_of(review.history(), ["-id"], request.GET.get("after"), request.GET.get("before"), size=20),
    }
    return render(request, "bounces/review.html", context)


def with_verdicts(addresses: list[Address]) -> list[tuple[Address, Any]]:
    verdicts = verdicts_of([address.pk for address in addresses], timezone.now())
    return [(address, verdicts[address.pk]) for address in addresses]


def words_of(said: str) -> str:
    return said or "Nothing was said."


def unproved_words(parts: tuple[str, ...]) -> tuple[str, str, str]:
    """The source, what was told, what it lacks; as people read them."""
    source, event, shortcoming = parts
    return source, event.replace("_", " "), shortcoming_words(Shortcoming(shortcoming))


@needs(MAY)
def show_group(request: HttpRequest, cause: str) -> HttpResponse:
    """What is in one group, the first of them."""
    key = request.GET.get("key", "")
    bounces = Bounce.objects.filter(pk__in=review.unknown_of(key)) if cause == Cause.UNKNOWN else Bounce.objects.none()
    unproved = list(review.unproved_of(key).select_related("address")[:SHOWN]) if cause == Cause.UNPROVED else []
    context = {
        "cause": cause,
        "key": key,
        "said": words_of(key) if cause == Cause.UNKNOWN else "",
        "bounces": [
            (bounce, reason_words(bounce.reason))
            for bounce in bounces.select_related("address").order_by("-pk")[:SHOWN]
        ],
        "reports": unproved,
        "items": InboundItem.objects.in_bulk([row.item_id for row in unproved]),
        "decisions": DECISIONS.get(cause, []),
    }
    return render(request, "bounces/review_group.html", context)


@require_POST
@needs(MAY)
def decide(request: HttpRequest) -> HttpResponse:
    keys = request.POST.getlist("key")[:MOST_KEYS]
    cause, decision = request.POST.get("cause", ""), request.POST.get("decision", "")
    if not keys:
        messages.error(request, "Tick what you want to decide.")
        return redirect("bounces:review")
    try:
        number = review.decide(cause, keys, decision, request.user, request.POST.get("reason", ""), timezone.now())
    except (NoReason, review.NotAllowed) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Decided: {number:,} in all. Statuses follow within seconds.")
    return redirect("bounces:review")


@require_POST
@needs(MAY)
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    item = get_object_or_404(ReviewItem, pk=pk)
    if review.undo(item, request.user, timezone.now()):
        messages.success(request, "Taken back: what it changed is as it was, and the question is open again.")
    else:
        messages.error(request, "This cannot be taken back, or was already.")
    return redirect("bounces:review")


@needs("bounces.ask_restore")
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks for an address to be restored; whoever may restores at once elsewhere."""
    address = get_object_or_404(Address, pk=pk)
    form = ReasonForm(request.POST or None)
    back = came_from(request, reverse("bounces:address", args=[pk]))
    if request.method == "POST" and form.is_valid():
        review.ask_restore(address, request.user, form.cleaned_data["reason"], timezone.now())
        messages.success(request, "Asked. You see under Review what becomes of it.")
        return redirect(back)
    verdict = verdicts_of([pk], timezone.now())[pk]
    return render(
        request, "bounces/ask_restore.html", {"address": address, "verdict": verdict, "form": form, "back": back}
    )
