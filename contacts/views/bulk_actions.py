"""What is done to many contacts at once. In: ticked rows, or the whole filter. Out: the list, with a message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from bounces import cleaning
from bounces.came_from import came_from
from bounces.views.access import needs
from contacts import bulk
from contacts.access import campaigns_for, can_change_campaign, changeable_contacts, contacts_for
from contacts.chips import query_of
from contacts.fields import FieldErrors, clean_fields
from contacts.filters import Words, find_contacts, read_filter
from contacts.forms import active_users
from contacts.models import Contact
from contacts.named import tags_named
from contacts.views.answers import allow, counted, id_in


class Refused(ValueError):
    """The action cannot be done so. The message says why, for people."""


@require_POST
@needs("contacts.view_contact")
def do_bulk(request: HttpRequest) -> HttpResponse:
    """One action over the ticked contacts, or over everything that the filter finds (`whole`)."""
    words, errors = read_filter(request.POST, request.user)
    listed = f"{reverse('contacts:list')}?{query_of(words, sort=request.POST.get('sort', ''))}"
    back = came_from(request, listed)
    act = ACTIONS.get(request.POST.get("action", ""))
    try:
        if errors and "whole" in request.POST:
            raise Refused(f"Nothing was done, because the filter cannot be read: {' '.join(errors.values())}")
        if act is None:
            raise Refused("Choose what to do with the chosen contacts.")
        return act(request, _chosen(request, words), timezone.now()) or redirect(back)
    except (Refused, bulk.TooMany, cleaning.AlreadyRunning) as error:
        messages.error(request, str(error))
    except FieldErrors as error:
        messages.error(request, " ".join(sentence for sentences in error.errors.values() for sentence in sentences))
    return redirect(back)


def _chosen(request: HttpRequest, words: Words) -> Any:
    if "whole" in request.POST:
        return find_contacts(request.user, words)
    pks = [pk for text in request.POST.getlist("pk") if (pk := id_in(text))]
    if not pks:
        raise Refused("Tick some contacts first.")
    return contacts_for(request.user).filter(pk__in=pks)


def _changeable(request: HttpRequest, chosen: Any) -> tuple[list[int], str]:
    """The ids that this person may change, and a remark about the others."""
    everyone = bulk.ids_of(chosen)
    ids = bulk.ids_of(changeable_contacts(request.user).filter(pk__in=everyone))
    left_out = len(everyone) - len(ids)
    remark = f" {counted(left_out, 'belongs', 'belong')} to others and stayed as they were." if left_out else ""
    return ids, remark


def _typed_tag(request: HttpRequest) -> str:
    names = clean_fields({"tags": [request.POST.get("tag_name", "")]})["tags"]
    if not names:
        raise Refused("Write the tag’s name first.")
    return str(names[0])


def _add_tag(request: HttpRequest, chosen: Any, now: datetime) -> None:
    ids, remark = _changeable(request, chosen)
    (tag,) = tags_named([_typed_tag(request)])
    number = bulk.add_tag(ids, tag, by=request.user, now=now)
    messages.success(request, f"“{tag}” added to {counted(number, 'contact', 'contacts')}.{remark}")


def _remove_tag(request: HttpRequest, chosen: Any, now: datetime) -> None:
    ids, remark = _changeable(request, chosen)
    name = _typed_tag(request)
    found = tags_named([name], make=False)
    number = bulk.remove_tag(ids, found[0], by=request.user, now=now) if found else 0
    messages.success(request, f"“{name}” removed from {counted(number, 'contact', 'contacts')}.{remark}")


def _set_owner(request: HttpRequest, chosen: Any, now: datetime) -> None:
    value = request.POST.get("new_owner", "")
    owner = active_users().filter(pk=id_in(value)).first()
    if owner is None and value != "none":
        raise Refused("Choose an owner first.")
    ids, remark = _changeable(request, chosen)
    number = bulk.set_owner(ids, owner, by=request.user, now=now)
    said = (
        f"{counted(number, 'contact', 'contacts')} given to {owner}"
        if owner
        else (f"Owner removed from {counted(number, 'contact', 'contacts')}")
    )
    messages.success(request, f"{said}.{remark}")


def _add_to_campaign(request: HttpRequest, chosen: Any, now: datetime) -> None:  # noqa: ARG001 -- as all actions
    campaign = campaigns_for(request.user).filter(pk=id_in(request.POST.get("to_campaign", ""))).first()
    if campaign is None:
        raise Refused("Choose a campaign first.")
    allow(can_change_campaign(request.user, campaign))
    number = bulk.add_to_campaign(bulk.ids_of(chosen), campaign)
    messages.success(request, f"{counted(number, 'contact', 'contacts')} added to {campaign}.")


def _clean(request: HttpRequest, chosen: Any, now: datetime) -> HttpResponse:
    allow(request.user.has_perm("bounces.run_cleaning"))
    contacts = Contact.objects.filter(pk__in=bulk.ids_of(chosen))
    label = f"Addresses of {counted(contacts.count(), 'contact', 'contacts')}"
    run = cleaning.start_run(
        via="page", now=now, by=request.user, dry_run=True, addresses=bulk.addresses_of(contacts), label=label
    )
    return redirect("bounces:cleaning_run", run.pk)


ACTIONS: Mapping[str, Callable[[HttpRequest, Any, datetime], HttpResponse | None]] = {
    "add_tag": _add_tag,
    "remove_tag": _remove_tag,
    "set_owner": _set_owner,
    "add_to_campaign": _add_to_campaign,
    "clean": _clean,
}
