"""The review queue: what is open by cause, one group with its items, decisions in bulk, their history, undo.

In: what people choose. Out: pages. Managers decide; Sales ask (`asking.py`), and see what became of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from bounces import questions, review
from bounces.ids import ids_in
from bounces.models import Address, InboundItem, ReviewItem
from bounces.paging import capped_count, page_for
from bounces.questions import Cause
from bounces.rulings import NoReason
from bounces.sentences import explain_bounce, shortcoming_words
from bounces.sight import only_seen
from bounces.values import Shortcoming
from bounces.verdict import verdicts_of
from bounces.views.access import needs
from bounces.views.verdicts import add_verdicts

SHOWN = 20  # of each cause on the first page
MAY = "bounces.restore_address"
MOST_KEYS = 500
TITLES = {
    Cause.ASKED: "Asked to restore",
    Cause.CONFLICT: "Bounced for good, and seem to live",
    Cause.UNKNOWN: "Nobody’s rule understood why",
    Cause.UNPROVED: "Not proved to be about our mail",
}
# What each decision is called on its button, and what it does.
DECISIONS: dict[str, list[tuple[str, str, str]]] = {
    Cause.ASKED: [
        ("restore", "Restore", "Bounces up to now count no more. Can be taken back."),
        ("refuse", "Refuse", "The address stays as it is; who asked reads why."),
    ],
    Cause.CONFLICT: [
        ("restore", "Restore", "Bounces up to now count no more. Can be taken back."),
        ("keep", "Leave as it is", "Asked again only when something newer happens to the address."),
    ],
    Cause.UNKNOWN: [
        ("keep", "Leave as it is", "They count as they do. Bounces that come later are asked about again."),
        ("discard", "Discard", "They count no more; statuses and rates follow. Can be taken back."),
    ],
    Cause.UNPROVED: [
        ("count", "Count", "You vouch for them: they are read again, and count. Their bounces can be taken back."),
        ("discard", "Discard", "The whole mail or event changes nothing, now or later. Can be taken back."),
    ],
}


@needs("bounces.ask_restore")
def show_queue(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm(MAY):
        return show_asked_by(request)
    asked = questions.asked().select_related("address", "asked_by").order_by("pk")
    shown = list(asked[:SHOWN])
    add_verdicts(item.address for item in shown if item.address)
    context = {
        "asked": shown,
        "conflicts": with_verdicts(list(questions.conflicts().order_by("pk")[:SHOWN])),
        "more": {
            "asked": capped_count(asked, SHOWN).is_capped,
            "conflict": capped_count(questions.conflicts(), SHOWN).is_capped,
        },
        "unknown": [(group, words_of(group.key)) for group in questions.unknown_groups()],
        "unproved": [(group, *unproved_words(group.parts)) for group in questions.unproved_groups()],
        "decisions": {str(cause): decisions for cause, decisions in DECISIONS.items()},
        "titles": {str(cause): title for cause, title in TITLES.items()},
        "history": page_for(request, review.history(), ["-id"], size=20),
    }
    return render(request, "bounces/review.html", context)


def show_asked_by(request: HttpRequest) -> HttpResponse:
    mine = only_seen(ReviewItem.objects.filter(asked_by=request.user.pk), request.user)
    mine = mine.select_related("address", "decided_by")
    page = page_for(request, mine, ["-id"])
    return render(request, "bounces/review_asked.html", {"page": page})


@needs(MAY)
def show_count(request: HttpRequest) -> HttpResponse:
    """How many questions are open, for the navigation: it asks once a page is there."""
    number = sum(questions.count_open_lately().values())
    return render(request, "bounces/_review_count.html", {"number": number})


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
    """What is open of one cause, or in one group of it, page by page."""
    if cause not in GROUPS:
        raise Http404
    key = request.GET.get("key", "")
    context = {
        "cause": cause,
        "key": key,
        "title": TITLES[Cause(cause)],
        "choices": DECISIONS[cause],
        **GROUPS[cause](request, key),
    }
    return render(request, "bounces/review_group.html", context)


def asked_page(request: HttpRequest, _key: str) -> dict[str, Any]:
    page = page_for(request, questions.asked().select_related("address", "asked_by"), ["id"])
    add_verdicts(item.address for item in page.items if item.address)
    return {"page": page, "asked": page.items}


def conflict_page(request: HttpRequest, _key: str) -> dict[str, Any]:
    page = page_for(request, questions.conflicts(), ["id"])
    return {"page": page, "conflicts": with_verdicts(page.items)}


def unknown_page(request: HttpRequest, key: str) -> dict[str, Any]:
    rows = questions.unknown(key)
    page = page_for(request, rows.select_related("address"), ["-occurred_at", "-id"])
    add_verdicts(bounce.address for bounce in page.items)
    bounces = [(bounce, explain_bounce(bounce)) for bounce in page.items]
    return {"page": page, "bounces": bounces, "said": words_of(key), "total": capped_count(rows)}


def unproved_page(request: HttpRequest, key: str) -> dict[str, Any]:
    rows = questions.unproved(key)
    page = page_for(request, rows.select_related("address"), ["-occurred_at", "-id"])
    add_verdicts(report.address for report in page.items)
    items = InboundItem.objects.in_bulk([row.item_id for row in page.items])
    reports = [(row, items.get(row.item_id), shortcoming_words(row.shortcoming)) for row in page.items]
    return {"page": page, "reports": reports, "total": capped_count(rows)}


GROUPS: dict[str, Callable[[HttpRequest, str], dict[str, Any]]] = {
    Cause.ASKED: asked_page,
    Cause.CONFLICT: conflict_page,
    Cause.UNKNOWN: unknown_page,
    Cause.UNPROVED: unproved_page,
}


@require_POST
@needs(MAY)
def decide(request: HttpRequest) -> HttpResponse:
    cause, decision = request.POST.get("cause", ""), request.POST.get("decision", "")
    keys = request.POST.getlist(cause)[:MOST_KEYS]  # boxes are called by their cause, so that “tick all” ticks its own
    only = ids_in(request.POST.getlist("pk")[:MOST_KEYS])
    if not keys:
        messages.error(request, "Tick what you want to decide.")
        return redirect("bounces:review")
    reason = request.POST.get("reason", "")
    try:
        number = review.decide(cause, keys, decision, request.user, reason, timezone.now(), only)
    except (NoReason, review.NotAllowed) as error:
        messages.error(request, str(error))
    else:
        questions.forget_count()
        messages.success(request, f"Decided: {number:,} in all. Statuses follow within seconds.")
    return redirect("bounces:review")


@require_POST
@needs(MAY)
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    item = get_object_or_404(ReviewItem, pk=pk)
    if review.undo(item, request.user, timezone.now()):
        questions.forget_count()
        messages.success(request, "Taken back: what it changed is as it was, and the question is open again.")
    else:
        messages.error(request, "This cannot be taken back, or was already.")
    return redirect("bounces:review")
