"""Every page there is: the URLconf with rows of the demo, so that a page that is added is walked too.

In: a database with the demo and `rows_the_demo_lacks`. Out: the path of each page, by the name of its route. What is no
page (actions, files, the API, parts of pages) is found out by asking; what a signed-in admin's GET does
not open stands in a table with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import django_rq
from django.apps import apps
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from bounces import review
from bounces.models import (
    Address,
    Bounce,
    CleaningRun,
    Guard,
    InboundItem,
    Incident,
    IntakeSource,
    Rejudging,
    Repair,
    ReviewItem,
    Suppression,
)
from contacts.importing import runs, working
from contacts.importing.options import Options
from contacts.models import (
    Campaign,
    Contact,
    DuplicatePair,
    DuplicateSearch,
    Export,
    ImportRun,
    Merge,
    MergeRun,
    Segment,
    StatusAction,
    Task,
)
from crm.models import ApiKey, OutgoingEmail, User, WebhookEndpoint
from tests.builders import (
    NOW,
    a_cleaning_row,
    a_cleaning_run,
    a_complaint,
    a_decision,
    a_pair,
    a_rule_override,
    a_source,
    a_tag,
    an_api_key,
    an_inbound_item,
    days_ago,
)
from tests.every_row import fullest

# By the beginning of a route: which row it is opened with.
ROWS: dict[str, Callable[[], Any]] = {
    "duplicates/runs/": lambda: MergeRun.objects.first(),
    "duplicates/": lambda: DuplicatePair.objects.first(),
    "merges/": lambda: Merge.objects.first(),
    "contacts/import/": lambda: ImportRun.objects.order_by("pk").last(),
    "contacts/": lambda: Contact.objects.present().filter(contact_addresses__address__status="invalid").first(),
    "companies/": lambda: Contact.objects.exclude(company=None)[0].company,
    "campaigns/": lambda: Campaign.objects.order_by("pk").first(),
    "segments/": lambda: Segment.objects.first(),
    "tasks/": lambda: Task.objects.first(),
    "exports/": lambda: Export.objects.first(),
    "incidents/": lambda: Incident.objects.first(),
    "bounces/lists/": lambda: InboundItem.objects.filter(form="list").first(),
    "bounces/": lambda: Bounce.objects.filter(kind="hard").first(),
    "addresses/": lambda: Address.objects.filter(status="invalid").order_by("pk").first(),
    "suppressions/": lambda: Suppression.objects.filter(lifted_at=None).first(),
    "guards/": lambda: Guard.objects.first(),
    "inbox/": lambda: InboundItem.objects.filter(state="unverified").first(),
    "review/repair/": lambda: Repair.objects.first(),
    "review/<int:pk>/": lambda: ReviewItem.objects.first(),
    "cleaning/<int:pk>/verdicts/": lambda: Rejudging.objects.first() and Rejudging.objects.first().run,
    "cleaning/<int:pk>/put-in-force/": lambda: CleaningRun.objects.filter(what_if=True).first(),
    "cleaning/": lambda: CleaningRun.objects.filter(state="done").order_by("changes").last(),
    "accounts/keys/": lambda: ApiKey.objects.first(),
    "in/": lambda: IntakeSource.objects.first(),
}


@dataclass(frozen=True)
class Route:
    name: str
    text: str  # as the URLconf spells it
    fields: tuple[str, ...]


@dataclass
class Walked:
    pages: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)


def routes(patterns: Any = None, before: str = "", space: str = "") -> Iterator[Route]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        text = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, text, pattern.namespace or space)
        elif isinstance(pattern, URLPattern):
            name = pattern.name or ""
            yield Route(f"{space}:{name}" if space else name, text, tuple(re.findall(r"<(?:\w+:)?(\w+)>", text)))


def add_rows_the_demo_lacks(boss: User) -> None:
    """One of each kind that only time or a person's work makes."""
    a_source()
    an_api_key(boss)
    a_rule_override()
    a_decision()
    a_tag("vip")
    contact = Contact.objects.present().order_by("pk")[0]
    contact.tasks.create(text="Call them.", owner=boss, due_on=NOW.date())
    contact.custom = {}
    review.ask_restore(Address.objects.filter(status="invalid").order_by("-pk")[0], boss, "She called.", NOW)
    OutgoingEmail.objects.create(
        kind="guard", recipient=boss, occasion="guard 1", state="sent", due_at=NOW, created_at=NOW, done_at=NOW
    )
    an_inbound_item(state="unverified", name="report.eml")
    an_inbound_item(
        b"email,reason\nada@b.example,bounced\n", form="list", state="quarantined", why="Waits.", name="bounces.csv"
    )
    a_complaint(contact.contact_addresses.get(is_primary=True).address)
    Export.objects.create(
        subject="contacts", by=boss, state="done", label="All contacts", finished_at=NOW, expires_at=NOW
    )
    StatusAction.objects.create(does="task")
    Repair.objects.create(
        provider="b.example", since=days_ago(9), until=days_ago(8), why="An outage.", state="done", by=boss, total=2,
        restored=2, finished_at=NOW,
    )  # fmt: skip
    what_if = a_cleaning_run("ready", what_if=True, dry_run=True)
    a_cleaning_row(what_if, Address.objects.filter(status="valid")[0], from_status="valid", to_status="at_risk")
    rejudged = a_cleaning_run("ready", dry_run=True, rejudges=True)
    Rejudging.objects.create(run=rejudged, fingerprint="1", total=1, judged=1, is_judged=True)
    a_preview(boss)
    add_duplicates(contact)
    endpoint = WebhookEndpoint(name="CRM", url="https://crm.example/in", topics=["guard.paused"], created_by=boss)
    endpoint.sealed_secret = "sealed"
    endpoint.save()


def add_duplicates(contact: Contact) -> None:
    contact.external_ids.create(tool="hubspot", external_id="7")
    a_pair(contact, Contact.objects.present().order_by("pk")[1])
    for model in (DuplicateSearch, MergeRun, Merge):
        if not model._default_manager.exists():
            fullest(model)


def a_preview(by: User) -> None:
    """Of an import whose rows are judged: without its tables it would be read again."""
    run = runs.take_file([b"email,first_name\nnew@b.example,Nora\n"], "people.csv", by=by, via="page", now=NOW)
    runs.begin(run, run.mapping, Options())
    working.work(run.pk, timezone.now)


# What a signed-in admin's GET does not open, and why. Actions that answer 405 need no entry.
NO_PAGES = {
    "account_login": "only without a session: in ANONYMOUS",
    "account_confirm_email": "only with the link of a mail",
    "account_reset_password_from_key": "only with the link of a mail; a used one is in ANONYMOUS",
    "mfa_authenticate": "only amid a sign-in: tests/browser/test_signin.py opens it",
    "mfa_deactivate_totp": "only with a second step: test_axe.py opens it",
    "mfa_view_recovery_codes": "likewise",
    "mfa_download_recovery_codes": "likewise; a file",
    "mfa_activate_totp": "asks for the password first: test_axe.py opens it",
    "mfa_generate_recovery_codes": "asks to sign in again",
    "mfa_reauthenticate": "only amid another page",
    "bounces:webhook": "providers post to it",
    "bounces:suppressions_lift": "of ticked rows, else it leads back to the list",
    "contacts:export_file": "a file",
    "contacts:segment_new": "of a filter, else it leads back to the list",
    "admin:login": "leads to the one sign-in",
    "admin:logout": "leads to the one sign-out",
    "admin:password_change": "leads to the account's page",
    "admin:password_change_done": "leads to the account's page",
    "admin:autocomplete": "JSON",
    "admin:view_on_site": "leads to the row's page",
    "admin:auth_user_password_change": "of a user's row; drawn as the other forms",
    "django_rq:confirm_action": "posted to",
    "django_rq:actions": "posted to",
    "django_rq:result_detail": "of a job that has a result, which it loses within seconds",
    "django_rq:workers": "of running workers",
    "django_rq:worker_details": "of a running worker",
    "django_rq:scheduler_jobs": "of a scheduler of the package, which Rebound does not use",
    "django_rq:cron_scheduler_detail": "likewise",
    "django_rq:cron_job_detail": "likewise",
}
# Tables of the admin that are empty unless work is under way or something happened: their lists are walked, and a row's
# page is drawn by the template of all others.
EMPTY_TABLES = {
    "bounces": {
        "dirty", "unproved", "mergedattempt", "mailboxposition", "domain", "rejudgedbounce", "cleaningtarget",
        "schedulerun", "prunedcount", "sourceseen", "earlyoutcome", "samemessage",
    },
    "crm": {"webhookdelivery"},
    "axes": {"accessattempt"},
    "mfa": {"authenticator"},
    "admin": {"logentry"},
    "contacts": {"exportpiece", "sourcecount", "deed", "importchunk", "importcorrection", "savedmapping"},
}  # fmt: skip
# As somebody who has not signed in.
ANONYMOUS = (
    "/accounts/login/",
    "/accounts/password/reset/",
    "/accounts/password/reset/done/",
    "/accounts/password/reset/key/done/",
    "/accounts/password/reset/key/1-set-password/",
    "/accounts/inactive/",
)
MODEL = re.compile(r"admin:([a-z]+)_([a-z]+)_\w+")


def is_of_an_empty_table(name: str) -> bool:
    found = MODEL.fullmatch(name)
    return bool(found and found[2] in EMPTY_TABLES.get(found[1], ()))


def is_forbidden_to_all(name: str, answer: str) -> bool:
    """The admin shows what the flow writes, and lets nobody add or delete it."""
    return answer == "403" and name.endswith(("_add", "_delete"))


def fields_of(route: Route) -> dict[str, Any] | None:
    """What stands in the places of a route; None: there is no row for it."""
    if not route.fields:
        return {}
    if route.name.startswith("django_rq:"):
        return _of_the_queue(route)
    if (found := MODEL.fullmatch(route.name)) and found[1] in apps.app_configs:
        return _of_the_admin(route, found[1], found[2])
    if route.fields == ("cause",):
        return {"cause": "conflict"}
    if route.fields == ("app_label",):
        return {"app_label": "contacts"}
    if route.fields == ("pk", "other_pk"):
        one, other = Contact.objects.present().order_by("pk")[:2]
        return {"pk": one.pk, "other_pk": other.pk}
    if route.fields == ("pk",):
        make = next((make for start, make in ROWS.items() if route.text.startswith(start)), None)
        row = make() if make else None
        return {"pk": row.pk} if row else None
    return None


def _of_the_admin(route: Route, app: str, model: str) -> dict[str, Any] | None:
    named = {each._meta.model_name: each for each in apps.get_app_config(app).get_models()}
    row = named[model].objects.order_by("pk").first() if model in named else None
    return {route.fields[0]: row.pk} if row else None


def _of_the_queue(route: Route) -> dict[str, Any] | None:
    if "worker" in route.text or "scheduler" in route.text or "result_id" in route.fields:
        return None
    queue = django_rq.get_queue("intake")
    return {"queue_index": 0, "job_id": queue.job_ids[0]} if "job_id" in route.fields else {"queue_index": 0}


def walk(client: Client) -> Walked:
    """Asks for each route once. The client is an admin's who has just signed in."""
    walked = Walked()
    for route in routes():
        if (
            not route.name
            or route.name.endswith(":")
            or (route.text.startswith("api/v1/") and route.name != "api:docs")
        ):
            continue
        values = fields_of(route)
        if values is None:
            walked.others[route.name] = "no row"
            continue
        path = path_of(route, values)
        response = client.get(path)
        if response.status_code == 200 and is_page(response):
            walked.pages[route.name] = path
        else:
            walked.others[route.name] = f"{response.status_code}"
    return walked


def path_of(route: Route, values: Mapping[str, Any]) -> str:
    """Without `reverse`: two routes may have one name."""
    text = re.sub(r"\(\?P<(\w+)>[^()]*\)", r"<\1>", route.text).replace("^", "").replace("$", "").replace("/?", "/")
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(values[found[1]]), text)


def is_page(response: Any) -> bool:
    """A whole document. Files, JSON and the parts that htmx puts into a page are none."""
    is_html = response.headers.get("Content-Type", "").startswith("text/html")
    return is_html and not response.streaming and b"<html" in response.content
