"""Pages of merges: the list, one merge, its undo. In: ids. Out: pages."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from bounces.paging import page_for
from bounces.views.access import needs
from contacts.duplicates.queue import MAY
from contacts.merging import KEPT_FOR, CannotUndo, merges_for, undo_merge, undoable_until, why_not
from contacts.models import Company, Contact, Merge
from contacts.people import NotAllowed
from contacts.views.answers import find


@needs(MAY)
def show_list(request: HttpRequest) -> HttpResponse:
    page = page_for(request, merges_for(request.user).select_related("by"), ["-id"], size=25)
    return render(request, "contacts/merges.html", {"page": page, "rows": rows_of(page.items)})


def rows_of(merges: list[Merge]) -> list[tuple[Merge, Any]]:
    """Each merge with its kept record; None if that was deleted."""
    found: dict[str, dict[int, Any]] = {
        "contact": Contact.objects.in_bulk([one.kept_id for one in merges if one.subject == "contact"]),
        "company": Company.objects.in_bulk([one.kept_id for one in merges if one.subject == "company"]),
    }
    return [(one, found[one.subject].get(one.kept_id)) for one in merges]


@needs(MAY)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    merge = find(merges_for(request.user).select_related("by", "undone_by"), pk)
    ((_, kept),) = rows_of([merge])
    other = Contact.objects.filter(pk=merge.other_id).first() if merge.subject == "contact" else None
    context = {
        "merge": merge,
        "kept": kept,
        "other": other,
        "why_not": why_not(merge, timezone.now()),
        "until": undoable_until(merge),
    }
    return render(request, "contacts/merged.html", context)


def announce(request: HttpRequest, merge: Merge, kept: Any, other: Any) -> None:
    text = f"{other} was merged into {kept}. You can undo this for {KEPT_FOR.days} days (merge {merge.pk})."
    messages.success(request, text)


@require_POST
@needs(MAY)
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    merge = find(merges_for(request.user), pk)
    try:
        undone = undo_merge(merge, by=request.user, now=timezone.now())
    except (CannotUndo, NotAllowed) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Merge undone. The two will not be suggested as duplicates again.")
        for sentence in undone.stayed:
            messages.info(request, sentence)
    return redirect(merge)
