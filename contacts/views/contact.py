"""One contact: its page, its form, its notes, its deletion. In: ids, forms. Out: pages and parts of them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_POST

from bounces import suppressions
from bounces.addresses import BadAddress, normalise
from bounces.questions import newest_asks
from bounces.verdict import verdicts_of
from bounces.views.access import needs
from contacts import guarding
from contacts.access import campaigns_for, can_change_contact, contacts_for
from contacts.countries import COUNTRIES
from contacts.duplicates.queue import hints_for
from contacts.external_ids import label_of, pairs_of
from contacts.fields import MOST_ADDRESSES, FieldErrors
from contacts.forms import ContactForm
from contacts.models import Campaign, Contact, CustomField
from contacts.people import add_note, addresses_of, change_contact, create_contact, delete_contact
from contacts.sharing import shared_with
from contacts.tasks import tasks_for
from contacts.timeline import timeline_of
from contacts.views.answers import allow, find, id_in
from contacts.views.next_steps import next_steps
from contacts.views.task import TaskForm, rows_of

MOST_SHARING = 5
BY_HAND = "By hand"  # the source of contacts that name none
MOST_TASKS = 20


@needs("contacts.view_contact")
def show_contact(request: HttpRequest, pk: int) -> HttpResponse:
    contact = find(contacts_for(request.user).select_related("company", "owner"), pk)
    return render(request, "contacts/contact.html", _context(request, contact))


@needs("contacts.view_contact")
def show_timeline(request: HttpRequest, pk: int) -> HttpResponse:
    """Older entries, for the button below the timeline."""
    contact = find(contacts_for(request.user), pk)
    ids = list(contact.contact_addresses.values_list("address_id", flat=True))
    timeline = timeline_of(contact, ids, request.GET.get("older", ""))
    return render(
        request, "contacts/_timeline.html", {"contact": contact, "timeline": timeline, "several": len(ids) > 1}
    )


def _context(request: HttpRequest, contact: Contact, **more: Any) -> dict[str, Any]:
    now = timezone.now()
    reached = addresses_of(contact)
    ids = [one.address_id for one in reached]
    verdicts = verdicts_of(ids, now)
    suppressed = suppressions.active_for(ids, now)
    shared = shared_with(contact, ids, request.user)
    asks = newest_asks(ids)
    fields = {field.key: field for field in CustomField.objects.all()}
    return {
        "contact": contact,
        "heading": contact.name or (reached[0].address.email if reached else str(contact)),
        "addresses": [
            (
                one,
                verdicts[one.address_id],
                suppressed[one.address_id],
                shared.get(one.address_id),
                asks.get(one.address_id),
            )
            for one in reached
        ],
        "verdict": verdicts[ids[0]] if ids else None,
        "steps": next_steps(
            request.user,
            contact,
            (reached[0], verdicts[ids[0]]) if ids else None,
            suppressed[ids[0]] if ids else [],
            asks.get(ids[0]) if ids else None,
        ),
        "timeline": timeline_of(contact, ids, request.GET.get("older", "")),
        "is_older": "older" in request.GET,
        "several": len(ids) > 1,
        "custom": [
            (field.label, _said(field, contact.custom[key])) for key, field in fields.items() if key in contact.custom
        ],
        "country_name": COUNTRIES.get(contact.country, contact.country),
        "tags": contact.tags.all(),
        "duplicates": hints_for(request.user, contact),
        "external_ids": [(label_of(tool), external_id) for tool, external_id in pairs_of(contact)],
        "campaigns": _campaigns_of(request, contact),
        "tasks": rows_of(request, tasks_for(request.user).filter(contact=contact, done_at=None)[:MOST_TASKS]),
        "task_form": TaskForm(),
        "can_change": can_change_contact(request.user, contact),
        "can_delete": request.user.has_perm("contacts.delete_contact"),
        "can_erase": request.user.has_perm("contacts.erase_contact"),
        "can_restore": request.user.has_perm("bounces.restore_address"),
        "can_ask": request.user.has_perm("bounces.ask_restore"),
        "can_lift": request.user.has_perm("bounces.change_suppression"),
        **more,
    }


def _campaigns_of(request: HttpRequest, contact: Contact) -> list[tuple[Campaign, guarding.Shown]]:
    campaigns = list(campaigns_for(request.user).filter(members__contact=contact))
    shown = guarding.shown_states(campaigns)
    return [(campaign, shown[campaign.pk]) for campaign in campaigns]


def _said(field: CustomField, value: Any) -> Any:
    if field.type == CustomField.Type.DATE:
        return parse_date(str(value)) or value
    return {True: "Yes", False: "No"}[value] if isinstance(value, bool) else value


@needs("contacts.add_contact")
def create(request: HttpRequest) -> HttpResponse:
    form = ContactForm(request.POST if request.method == "POST" else None, owner=request.user)
    sharing: list[Contact] = []
    if request.method == "POST" and form.is_valid():
        sharing = _sharing(request, form.emails())
        if not sharing or "share" in request.POST:
            try:
                contact = create_contact(form.contact_fields(), by=request.user, now=timezone.now(), source=BY_HAND)
            except FieldErrors as error:
                form.add_errors(error)
            else:
                messages.success(request, f"{contact} is created.")
                return redirect(contact)
    return render(request, "contacts/contact_form.html", {"form": form, "sharing": sharing})


def _sharing(request: HttpRequest, typed: list[str]) -> list[Contact]:
    """The contacts, seen by this user, who have one of these addresses already."""
    emails = []
    for text in typed:
        try:
            emails.append(normalise(text))
        except BadAddress:
            continue  # said at the field, when it is saved
    found = contacts_for(request.user).filter(contact_addresses__address__email__in=emails).distinct()
    return list(found.order_by("pk")[:MOST_SHARING]) if emails else []


@needs("contacts.change_contact")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    contact = find(contacts_for(request.user), pk)
    allow(can_change_contact(request.user, contact))
    form = ContactForm(request.POST if request.method == "POST" else None, contact=contact)
    if request.method == "POST" and form.is_valid():
        try:
            saved = change_contact(contact, form.contact_fields(), by=request.user, now=timezone.now())
        except FieldErrors as error:
            form.add_errors(error)
        else:
            messages.success(request, "Saved." if saved.changed else "Nothing was changed.")
            return redirect(saved.contact)
    return render(request, "contacts/contact_form.html", {"form": form, "contact": contact})


@needs("contacts.add_contact")
def add_address_row(request: HttpRequest) -> HttpResponse:
    """One more row of the form's addresses."""
    number = id_in(request.GET.get("number", ""))
    row = {"email": "", "is_primary": False, "is_removed": False}
    context = {"row": row, "number": number, "next_number": number + 1 if number < MOST_ADDRESSES else None}
    return render(request, "contacts/_address_row.html", context)


@require_POST
@needs("contacts.view_contact")
def note(request: HttpRequest, pk: int) -> HttpResponse:
    contact = find(contacts_for(request.user).select_related("company", "owner"), pk)
    text = request.POST.get("text", "")
    try:
        add_note(contact, text, by=request.user, now=timezone.now())
    except FieldErrors as error:
        context = _context(request, contact, note_errors=error.errors["text"], note_text=text)
        page = "contacts/_history.html" if request.headers.get("HX-Request") else "contacts/contact.html"
        return render(request, page, context)
    if request.headers.get("HX-Request"):
        return render(request, "contacts/_history.html", _context(request, contact))
    messages.success(request, "The note is kept.")
    return redirect(contact)


@needs("contacts.delete_contact")
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    contact = find(contacts_for(request.user), pk)
    delete_contact(contact, by=request.user, now=timezone.now())
    messages.success(request, f"{contact} is deleted. What is known about the addresses is kept.")
    return redirect("contacts:list")
