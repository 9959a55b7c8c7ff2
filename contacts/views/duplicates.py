"""Pages of the queue of duplicates: the list, a pair side by side, decisions, merging all certain pairs.

In: a tab, ids, choices. Out: pages. Each decision leads to the next pair of the same tab.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from bounces.paging import page_for
from bounces.views.access import needs
from bounces.views.reason_form import ReasonForm
from contacts.duplicates import queue, runs
from contacts.duplicates.deciding import AlreadyDecided, dismiss, kept_first, merge_pair, reopen
from contacts.duplicates.keys import LABELS as SHARED
from contacts.duplicates.queue import CERTAIN, MAY, ORDER, SIDES, TABS, sides_of
from contacts.duplicates.scoring import in_words
from contacts.models import DuplicatePair, DuplicateSearch, MergeRun
from contacts.people import NotAllowed
from contacts.views.answers import find, id_in
from contacts.views.merges import announce
from contacts.views.side_by_side import columns_of, rows_of

PAGE = 25
SHOWN_CERTAIN = 25


@needs(MAY)
def show_list(request: HttpRequest) -> HttpResponse:
    tab = tab_of(request)
    page = page_for(request, queue.open_pairs(request.user, tab).select_related(*SIDES), list(ORDER), size=PAGE)
    counts = queue.counts(request.user)
    search = DuplicateSearch.objects.filter(pk=1).first()
    context = {
        "page": page,
        "rows": rows_of(page.items),
        "tab": tab,
        "tabs": [
            {
                "label": label,
                "url": url_of("contacts:duplicates", tab=name),
                "is_current": name == tab,
                "count": counts[name],
            }
            for name, label in TABS.items()
        ],
        "first": page.items[0] if page.items else None,
        "certain": counts[CERTAIN],
        "search": search,
        "skipped": skipped_of(search),
        "run": MergeRun.objects.filter(state__in=MergeRun.OPEN).first(),
    }
    return render(request, "contacts/duplicates.html", context)


def skipped_of(search: DuplicateSearch | None) -> list[tuple[str, int, int]]:
    """Groups that were too large to compare: what they share, their number, the size of the largest."""
    found = search.skipped.items() if search else ()
    return [(SHARED.get(kind, kind.replace("_", " ")), number, largest) for kind, (number, largest) in found if number]


def tab_of(request: HttpRequest) -> str:
    tab = request.POST.get("tab", "") or request.GET.get("tab", "")
    return tab if tab in TABS else ""


def url_of(name: str, *args: Any, **query: str) -> str:
    given = urlencode({key: value for key, value in query.items() if value})
    return reverse(name, args=args) + (f"?{given}" if given else "")


@needs(MAY)
def show_pair(request: HttpRequest, pk: int) -> HttpResponse:
    pair = find(queue.pairs_for(request.user).select_related(*SIDES), pk)
    tab = tab_of(request)
    if pair.state == DuplicatePair.State.MERGED:
        messages.info(request, "This pair has already been merged.")
        return redirect(url_of("contacts:duplicates", tab=tab))
    first, second = sides_of(pair)
    kept, _ = kept_first(pair)
    following = queue.next_pair(request.user, tab, after=pair)
    context = {
        "pair": pair,
        "first": first,
        "second": second,
        "columns": columns_of(pair, kept, request.user, timezone.now()),
        "reasons": in_words(pair.reasons),
        "tab": tab,
        "left": queue.count(request.user, tab),
        "skip_url": pair_url(following, tab),
    }
    return render(request, "contacts/duplicate.html", context)


def pair_url(pair: DuplicatePair | None, tab: str) -> str:
    """The page of the pair; without one, the queue."""
    return url_of("contacts:duplicate", pair.pk, tab=tab) if pair else url_of("contacts:duplicates", tab=tab)


@require_POST
@needs(MAY)
def merge(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: `kept` is the id of the side to keep; each field that differs, the id of the side whose value to keep."""
    pair = find(queue.pairs_for(request.user).select_related(*SIDES), pk)
    sides = {side.pk: side for side in sides_of(pair)}
    kept = sides.get(id_in(request.POST.get("kept", "")) or 0)
    if kept is None:
        messages.error(request, "Choose which one to keep.")
        return redirect(pair_url(pair, tab_of(request)))
    other = next(side for side in sides.values() if side is not kept)
    take_other = [name for name, value in request.POST.items() if name != "kept" and id_in(str(value)) == other.pk]
    try:
        done = merge_pair(pair, kept, other, take_other, by=request.user, now=timezone.now())
    except (NotAllowed, AlreadyDecided) as error:
        messages.error(request, str(error))
    else:
        announce(request, done, kept, other)
    return go_on(request, pair)


@require_POST
@needs(MAY)
def dismiss_pair(request: HttpRequest, pk: int) -> HttpResponse:
    pair = find(queue.pairs_for(request.user), pk)
    try:
        dismiss(pair, by=request.user, now=timezone.now())
    except AlreadyDecided as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Marked as not the same. This pair will not be suggested again.")
    return go_on(request, pair)


@require_POST
@needs(MAY)
def reopen_pair(request: HttpRequest, pk: int) -> HttpResponse:
    pair = find(queue.pairs_for(request.user), pk)
    reopen(pair)
    messages.success(request, "The pair is back in the queue.")
    return redirect(pair_url(pair, tab_of(request)))


def go_on(request: HttpRequest, pair: DuplicatePair) -> HttpResponse:
    """Go to the next pair, after the last one to the first that was skipped, and then to the queue."""
    tab = tab_of(request)
    following = queue.next_pair(request.user, tab, after=pair) or queue.next_pair(request.user, tab)
    return redirect(pair_url(following, tab))


@needs(MAY)
def merge_certain(request: HttpRequest) -> HttpResponse:
    """Preview all certain pairs, and ask for a reason to merge them."""
    form = ReasonForm("merge_certain", request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(runs.start_run(request.user, form.cleaned_data["reason"]))
        except (runs.RunRefused, NotAllowed) as error:
            messages.error(request, str(error))
            return redirect(url_of("contacts:duplicates", tab=CERTAIN))
    certain = queue.open_pairs(request.user, CERTAIN).select_related(*SIDES).order_by(*ORDER)[:SHOWN_CERTAIN]
    context = {"form": form, "number": queue.count(request.user, CERTAIN), "rows": rows_of(list(certain))}
    return render(request, "contacts/duplicates_certain.html", context)


def runs_for(request: HttpRequest) -> Any:
    """All runs for users who may change everyone's contacts; for others their own."""
    everyone = MergeRun.objects.select_related("by")
    return (
        everyone if request.user.has_perm("contacts.change_everyones_contact") else everyone.filter(by=request.user.pk)
    )


@needs(MAY)
def show_run(request: HttpRequest, pk: int) -> HttpResponse:
    run = find(runs_for(request), pk)
    done, total = (run.merged, run.total) if run.state == MergeRun.State.RUNNING else (run.undone, run.merged)
    context = {"run": run, "percent": 100 * done // max(total, 1), "done": f"{done:,} of {total:,} pairs"}
    template = "contacts/_merge_run.html" if request.headers.get("HX-Request") else "contacts/merge_run.html"
    return render(request, template, context)


@require_POST
@needs(MAY)
def undo_run(request: HttpRequest, pk: int) -> HttpResponse:
    run = find(runs_for(request), pk)
    try:
        runs.undo_run(run, request.user)
    except (runs.RunRefused, NotAllowed) as error:
        messages.error(request, str(error))
    return redirect(run)
