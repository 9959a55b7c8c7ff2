"""What needs somebody's attention now: the block with which the dashboard begins.

In: the user and the moment. Out: the matters that are open, the gravest first, each with a number, a sentence and the
page where it is dealt with. What the user may not deal with and cannot see is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.urls import reverse

from bounces import incidents, questions
from bounces.models import Incident, IntakeSource
from bounces.pauses import Cause, paused_causes
from bounces.providers import provider_name
from bounces.sight import hidden_campaigns
from contacts import guarding
from contacts.access import campaigns_for
from contacts.models import ImportRun
from crm.models import WebhookDelivery, WebhookEndpoint

DELIVERIES_SINCE = timedelta(days=1)
NAMED = 3


@dataclass(frozen=True, slots=True)
class Matter:
    """One line of the block. `tone` and `icon` are of `crm/wording.py`; `number` counts what the sentence is about."""

    kind: str
    number: int
    title: str
    sentence: str
    url: str
    icon: str
    tone: str = "watch"


def matters(user: Any, now: datetime, over_the_line: Sequence[tuple[str, str]]) -> list[Matter]:
    """`over_the_line` are the campaigns over 2%, which the dashboard counts: (name, page)."""
    found = [
        *_incidents(list(incidents.undecided())),
        *_paused(paused_causes(hidden_campaigns(user))),
        *_campaigns(user, over_the_line),
        *_imports(user),
        *_questions(user),
        *_sources(user),
        *_webhooks(user, now),
    ]
    return [matter for matter in found if matter.number]


def _incidents(undecided: list[Incident]) -> list[Matter]:
    names = _listed([provider_name(each.provider) for each in undecided])
    page = reverse("bounces:incident", args=[undecided[0].pk]) if len(undecided) == 1 else reverse("bounces:incidents")
    sentence = f"{names} suddenly rejects addresses that worked. Their bounces are held until you decide."
    return [Matter("incidents", len(undecided), _counted(len(undecided), "incident"), sentence, page, "siren", "bad")]


def _paused(causes: list[Cause]) -> list[Matter]:
    names = _listed([f"{cause.main.get_dimension_display().lower()} {cause.main.key}" for cause in causes])
    newest = causes[0].main.sentence if causes else ""
    sentence = f"Sending is paused for {names}. {newest} Fix the cause, then resume."
    number = sum(len(cause.guards) for cause in causes)
    page = f"{reverse('bounces:reputation')}#paused"
    return [Matter("guards", number, f"{_counted(number, 'guard')} paused", sentence, page, "shield-alert", "bad")]


def _campaigns(user: Any, over_the_line: Sequence[tuple[str, str]]) -> list[Matter]:
    stopped = guarding.in_state(campaigns_for(user), guarding.PAUSED_BY_GUARD).order_by("name")
    names = list(stopped.values_list("name", flat=True))
    page = f"{reverse('contacts:campaigns')}?state={guarding.PAUSED_BY_GUARD}"
    sends = f"{_listed(names)} {'sends' if len(names) == 1 else 'send'} nothing until a manager resumes sending."
    title = f"{_counted(len(names), 'campaign')} paused by guard"
    found = [Matter("campaigns_paused", len(names), title, sends, page, "megaphone", "bad")]
    over = _listed([name for name, _ in over_the_line])
    sentence = f"More than 2% of the emails of {over} bounced in the last 30 days. Stop and clean the list."
    url = over_the_line[0][1] if len(over_the_line) == 1 else reverse("bounces:reputation")
    title = f"{_counted(len(over_the_line), 'campaign')} over 2%"
    return [*found, Matter("campaigns_over", len(over_the_line), title, sentence, url, "octagon-x", "bad")]


def _imports(user: Any) -> list[Matter]:
    if not user.has_perm("contacts.import_contact"):
        return []
    held = list(ImportRun.objects.filter(state=ImportRun.State.HELD).order_by("-id")[:100])
    page = reverse("contacts:import")
    if len(held) == 1:
        page = reverse("contacts:import_run", args=[held[0].pk])
    sentence = f"{_listed([run.name for run in held])} stopped after a batch with too many bad addresses."
    return [Matter("imports", len(held), f"{_counted(len(held), 'import')} held", sentence, page, "upload")]


def _questions(user: Any) -> list[Matter]:
    if not user.has_perm("bounces.restore_address"):
        return []
    number = sum(questions.count_open_lately().values())
    sentence = "The facts leave these open. Your decision closes them."
    title = f"{_counted(number, 'question')} to review"
    return [Matter("review", number, title, sentence, reverse("bounces:review"), "list-checks")]


def _sources(user: Any) -> list[Matter]:
    if not user.has_perm("bounces.view_intakesource"):
        return []
    failing = list(IntakeSource.objects.filter(is_enabled=True).exclude(seen__last_error="").filter(seen__isnull=False))
    sentence = f"Rebound cannot read {_listed([source.name for source in failing])}. Bounces may be missing."
    page = reverse("admin:bounces_intakesource_changelist")
    if len(failing) == 1:
        page = reverse("admin:bounces_intakesource_change", args=[failing[0].pk])
    title = f"{_counted(len(failing), 'source')} failing"
    return [Matter("sources", len(failing), title, sentence, page, "plug-zap")]


def _webhooks(user: Any, now: datetime) -> list[Matter]:
    if not user.has_perm("crm.view_webhookendpoint"):
        return []
    retried = WebhookDelivery.objects.filter(
        endpoint=OuterRef("pk"), state=WebhookDelivery.State.WAITING, tries__gt=0, created_at__gt=now - DELIVERIES_SINCE
    )
    stopped = Q(is_enabled=False) & ~Q(stopped_why="")
    failing = list(WebhookEndpoint.objects.filter(stopped | Q(is_enabled=True) & Exists(retried)))
    sentence = f"{_listed([each.name for each in failing])} cannot be reached. Events are retried or were given up."
    page = reverse("admin:crm_webhookendpoint_changelist")
    if len(failing) == 1:
        page = reverse("admin:crm_webhookendpoint_change", args=[failing[0].pk])
    title = f"{_counted(len(failing), 'webhook')} failing"
    return [Matter("webhooks", len(failing), title, sentence, page, "webhook")]


def _counted(number: int, one: str) -> str:
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def _listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b, c and 4 more`."""
    shown, left = list(names[:NAMED]), len(names) - NAMED
    if left > 0:
        return f"{', '.join(shown)} and {left:,} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))
