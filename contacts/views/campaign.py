"""Campaigns: the list, one with its members and how its mails fare, the form, states, members. Out: pages."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.db.models import Case, CharField, FloatField, OuterRef, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Cast, Coalesce, NullIf
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_POST

from bounces.demands import Demand
from bounces.models import DailyStat
from bounces.paging import both_ways, capped_count, sort_for
from bounces.values import Answer
from bounces.verdict import answered, verdicts_of
from bounces.views.access import needs
from contacts import bulk, guarding
from contacts.access import campaigns_for, can_change_campaign, contacts_for, segments_for
from contacts.counting import (
    Answers,
    NumberOf,
    Sent,
    count_answers,
    count_sent,
    members_by_campaign,
    remembered,
)
from contacts.filters import fault_of, narrow_to, with_primary
from contacts.forms import AddMembersForm, CampaignForm
from contacts.models import Campaign, ContactAddress
from contacts.models.people import ContactQuerySet
from contacts.views.answers import allow, counted, find, id_in, page_for

# Which states may follow which, and the button's words.
NEXT_STATES: dict[str, dict[str, str]] = {
    "draft": {"running": "Start"},
    "running": {"paused": "Pause", "finished": "Finish"},
    "paused": {"running": "Resume", "finished": "Finish"},
    "finished": {"running": "Reopen"},
}

# The orders of the list: the first one, newest first, is what people get.
ORDERS = both_ways(
    {
        "-created": ("-id",),
        "name": ("name", "id"),
        "state": ("shown", "id"),
        "members": ("size", "id"),
        "sent": ("sent", "id"),
        "rate": ("rate", "id"),
        "owner": ("owner__name", "id"),
    }
)


def _sortable(campaigns: QuerySet[Campaign]) -> QuerySet[Campaign]:
    """With what only sorting needs: the state that is shown, what was sent, and its rate, none where nothing was."""
    stopped = guarding.in_state(campaigns, guarding.PAUSED_BY_GUARD).values("pk")
    stats = DailyStat.objects.filter(dimension="campaign", key=OuterRef("key")).order_by().values("key")
    sent = stats.annotate(number=Sum("attempted")).values("number")
    rate = stats.annotate(part=Cast(Sum("bounced"), FloatField()) / NullIf(Sum("attempted"), 0)).values("part")
    return campaigns.annotate(
        size=NumberOf("contacts_campaign", members_by_campaign()),
        sent=Coalesce(Subquery(sent), 0),
        rate=Subquery(rate, output_field=FloatField()),
        shown=Case(
            When(pk__in=stopped, then=Value(guarding.PAUSED_BY_GUARD)), default="state", output_field=CharField()
        ),
    )


@needs("contacts.view_campaign")
def show_list(request: HttpRequest) -> HttpResponse:
    rows = campaigns_for(request.user)
    state = request.GET.get("state", "")
    state = state if state in guarding.STATES else ""
    rows = guarding.in_state(rows, state)
    sort = sort_for(request, ORDERS)
    page = page_for(request, _sortable(rows.select_related("owner")), ORDERS[sort])
    sent = count_sent([campaign.key for campaign in page.items])
    shown = guarding.shown_states(page.items)
    context = {
        "page": page,
        "rows": [(campaign, shown[campaign.pk], sent.get(campaign.key, Sent())) for campaign in page.items],
        "summary": counted(capped_count(rows), "campaign", "campaigns"),
        "tabs": _tabs(state),
        "sort": sort,
        "state": state,
    }
    return render(request, "contacts/campaigns.html", context)


def _tabs(current: str) -> list[dict[str, Any]]:
    url = reverse("contacts:campaigns")
    states = [
        {"label": label, "url": f"{url}?state={state}", "is_current": state == current}
        for state, label in guarding.STATES.items()
    ]
    return [{"label": "All", "url": url, "is_current": not current}, *states]


def _members(request: HttpRequest, campaign: Campaign) -> ContactQuerySet:
    return contacts_for(request.user).filter(pk__in=campaign.members.values("contact"))


@needs("contacts.view_campaign")
def show_campaign(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = find(campaigns_for(request.user).select_related("owner"), pk)
    now = timezone.now()
    members = _members(request, campaign)
    answer = request.GET.get("answer", "")
    narrowed = _with_answer(members, answer, now, campaign.demand) if answer in [*Answer] else members
    page = page_for(request, with_primary(narrowed).select_related("company"), ["sort_name", "id"])
    verdicts = verdicts_of([contact.address_id for contact in page.items if contact.address_id], now, campaign.demand)
    can_change = can_change_campaign(request.user, campaign)
    answers = _answers(request.user, campaign, members, now)
    sent = count_sent([campaign.key]).get(campaign.key, Sent())
    shown = guarding.shown_state(campaign)
    moves = list(NEXT_STATES[campaign.state].items())
    if shown.is_paused_by_guard:  # what a guard stops is resumed by its guard: neither paused nor started here
        moves = [(state, label) for state, label in moves if state == Campaign.State.FINISHED]
    context = {
        "campaign": campaign,
        "page": page,
        "rows": [(contact, verdicts.get(contact.address_id)) for contact in page.items],
        "answers": answers,
        "answer": answer,
        "summary": counted(capped_count(narrowed), "member", "members"),
        "sent": sent,
        "figures": _figures(sent, answers),
        "can_change": can_change,
        "shown": shown,
        "next_states": moves if can_change else (),
        "form": AddMembersForm(segments=segments_for(request.user)) if can_change else None,
    }
    return render(request, "contacts/campaign.html", context)


def _answers(user: Any, campaign: Campaign, members: ContactQuerySet, now: Any) -> Answers:
    """The answers of the members, cached if counting them took long."""
    of = f"answers-{campaign.pk}-{campaign.writes_to}-{campaign.quiet_days}-{user.pk}"
    return Answers(**remembered(of, lambda: asdict(count_answers(members, now, campaign.demand))))


def _figures(sent: Sent, answers: Answers) -> dict[str, str]:
    """What stands at the figures: a rate without attempts is unknown, and says how to know it."""
    rate = sent.bounce_rate
    held = f" (and {sent.held:,} held by an incident)" if sent.held else ""
    bounced = f"{sent.bounced:,} bounced{held}; keep it below 2 %"
    return {
        "members": f"of {counted(answers.total, 'member', 'members')}",
        "on_resuming": f"{answers.yes:,} can be emailed once resumed",
        "delivered": f"{sent.delivered:,} delivered" if sent.attempted else "nothing reported yet",
        "rate_note": "no attempts were reported" if rate is None else bounced,
    }


def _with_answer(contacts: ContactQuerySet, answer: str, now: Any, demand: Demand) -> ContactQuerySet:
    primary = ContactAddress.objects.filter(is_primary=True, address__in=answered(Answer(answer), now, demand))
    return contacts.filter(pk__in=primary.values("contact"))


@needs("contacts.add_campaign")
def create(request: HttpRequest) -> HttpResponse:
    data = request.POST.copy() if request.method == "POST" else None
    if data is not None and not data.get("key"):
        data["key"] = slugify(data.get("name", ""))[:80]
    form = CampaignForm(data)
    form.instance.owner = request.user
    if data is not None and form.is_valid():
        campaign = form.save()
        messages.success(request, f"{campaign} is created. Now add the people it is for.")
        return redirect(campaign)
    return render(request, "contacts/campaign_form.html", {"form": form})


@needs("contacts.change_campaign")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = _changeable(request, pk)
    name = campaign.name
    form = CampaignForm(request.POST or None, instance=campaign)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect(campaign)
    return render(request, "contacts/campaign_form.html", {"form": form, "campaign": campaign, "name": name})


@require_POST
@needs("contacts.change_campaign")
def set_state(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = _changeable(request, pk)
    state = request.POST.get("state", "")
    changed = 0
    if state == Campaign.State.RUNNING and (why := guarding.refusal(campaign)):
        messages.error(request, why)
        return redirect(campaign)
    if state in NEXT_STATES[campaign.state]:
        changed = Campaign.objects.filter(pk=pk, state=campaign.state).update(state=state)
    if changed:
        messages.success(request, f"{campaign} is {state} now.")
    else:
        messages.error(request, f"A campaign that is {campaign.state} cannot become {state or 'nothing'}.")
    return redirect(campaign)


@require_POST
@needs("contacts.change_campaign")
def add_members(request: HttpRequest, pk: int) -> HttpResponse:
    """Adds a segment's contacts, those that this user sees."""
    campaign = _changeable(request, pk)
    form = AddMembersForm(request.POST, segments=segments_for(request.user))
    if not form.is_valid():
        messages.error(request, "Choose a segment first.")
        return redirect(campaign)
    segment = form.cleaned_data["segment"]
    if fault := fault_of(segment):
        messages.error(request, fault)
        return redirect(campaign)
    found = narrow_to(contacts_for(request.user), segment, request.user)
    if form.cleaned_data["leave_out"]:
        answers = answered(Answer.NO, timezone.now(), campaign.demand)
        refused = ContactAddress.objects.filter(is_primary=True, address__in=answers)
        found = found.exclude(pk__in=refused.values("contact"))
    try:
        number = bulk.add_to_campaign(bulk.ids_of(found), campaign)
    except bulk.TooMany as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{counted(number, 'contact', 'contacts')} of “{segment}” added.")
    return redirect(campaign)


@require_POST
@needs("contacts.change_campaign")
def remove_members(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = _changeable(request, pk)
    pks = [number for text in request.POST.getlist("pk") if (number := id_in(text))]
    members: QuerySet[Any] = campaign.members.filter(contact__in=_members(request, campaign).filter(pk__in=pks))
    number, _ = members.delete()
    messages.success(request, f"{counted(number, 'contact', 'contacts')} taken out of {campaign}.")
    return redirect(campaign)


def _changeable(request: HttpRequest, pk: int) -> Campaign:
    campaign = find(campaigns_for(request.user), pk)
    allow(can_change_campaign(request.user, campaign))
    return campaign
