"""Segments: the list, and naming, changing and deleting a stored filter. In: the words of a filter. Out: pages."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.urls import reverse

from bounces.paging import capped_count
from bounces.views.access import needs
from contacts.access import can_change_segment, contacts_for, segments_for
from contacts.chips import chips_of, chips_of_each, query_of
from contacts.counting import sizes_of
from contacts.filters import Words, fault_of, find_contacts, meanings_of, read_filter, words_of
from contacts.forms import SegmentForm
from contacts.models import Segment
from contacts.stored_filters import UnknownName, store
from contacts.views.answers import allow, counted, find, page_for

PAGE_SIZE = 25  # each row has its contacts counted


@needs("contacts.view_segment")
def show_list(request: HttpRequest) -> HttpResponse:
    page = page_for(request, segments_for(request.user).select_related("owner"), ["name", "id"], PAGE_SIZE)
    meanings = meanings_of(page.items)
    contacts = contacts_for(request.user)
    narrowed = [meaning.narrow(contacts, request.user) for meaning in meanings]
    sizes = sizes_of(narrowed, [[[meaning.words, meaning.fault] for meaning in meanings], request.user.pk])
    chips_of_rows = chips_of_each([meaning.words for meaning in meanings], request.user)
    rows = [
        {
            "segment": segment,
            "chips": chips,
            "fault": meaning.fault,
            "size": size,
            "can_change": can_change_segment(request.user, segment),
        }
        for segment, meaning, chips, size in zip(page.items, meanings, chips_of_rows, sizes, strict=True)
    ]
    return render(request, "contacts/segments.html", {"page": page, "rows": rows})


@needs("contacts.add_segment")
def create(request: HttpRequest) -> HttpResponse:
    """Names the filter that stands in the URL."""
    words, errors = read_filter(request.GET, request.user)
    if errors:
        messages.error(request, " ".join(errors.values()))
        return redirect("contacts:list")
    words = _flat(request, words)
    if not words:
        messages.info(request, "Filter the contacts first, then save the filter as a segment.")
        return redirect("contacts:list")
    try:
        segment = Segment(filter=store(words, request.user), owner_id=request.user.pk)
    except UnknownName as error:
        messages.error(request, f"The filter was not saved. {error}")
        return redirect("contacts:list")
    form = SegmentForm(request.POST or None, instance=segment)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, f"“{segment}” is kept.")
        return redirect(f"{reverse('contacts:list')}?segment={segment.pk}")
    return _show_form(request, form, words)


@needs("contacts.add_segment")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Renames it; with words in the URL, those become its filter."""
    segment = find(segments_for(request.user), pk)
    allow(can_change_segment(request.user, segment))
    words, errors = read_filter(request.GET, request.user)
    fault = " ".join(errors.values()) or ("" if words else fault_of(segment))
    if fault:
        messages.error(request, fault)
        return redirect("contacts:segments")
    words = _flat(request, words) or words_of(segment)
    name = segment.name
    try:
        segment.filter = store(words, request.user)
    except UnknownName as error:
        messages.error(request, f"The filter was not saved. {error}")
        return redirect("contacts:segments")
    form = SegmentForm(request.POST or None, instance=segment)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("contacts:segments")
    return _show_form(request, form, words, segment=segment, name=name)


def _show_form(request: HttpRequest, form: SegmentForm, words: Words, **more: object) -> HttpResponse:
    context = {
        "form": form,
        "chips": chips_of(words, request.user),
        "query": query_of(words),
        "summary": counted(capped_count(find_contacts(request.user, words)), "contact fits", "contacts fit"),
        **more,
    }
    return render(request, "contacts/segment_form.html", context)


def _flat(request: HttpRequest, words: Words) -> Words:
    """A segment holds no other segment: the other's words are taken over, and the new ones go before them."""
    ids = words.pop("segment", None)
    other = segments_for(request.user).filter(pk=int(ids[0])).first() if ids else None
    return {**words_of(other), **words} if other else words


@needs("contacts.add_segment")
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    segment = find(segments_for(request.user), pk)
    allow(can_change_segment(request.user, segment))
    segment.delete()
    messages.success(request, f"“{segment}” is deleted. Its contacts stay.")
    return redirect("contacts:segments")
