"""An address, left everywhere where somebody can write: page by page, operation by operation, command by command.

In: a world to plant in. Out: tables of plants, by the names of doors; those that take no text, and why. What holds
the tables against the product is in `test_erasure_doors.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import django_rq
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contacts.exporting import runs as exports
from contacts.importing.wrong_cells import FAILED, wrong_cells
from contacts.models import ImportCorrection, ImportRun, Segment
from crm.models import ApiKey, WebhookDelivery, WebhookEndpoint
from tests.bounces.arriving import a_bounce_mail
from tests.builders import (
    a_bounce,
    a_campaign,
    a_company,
    a_contact,
    a_note,
    a_paused_guard,
    a_repair,
    a_source,
    a_suppression,
    an_inbound_item,
    an_open_incident,
)
from tests.every_url import every_url
from tests.filling import forms_of

EMAIL = "ada.quux@b.example"
LOCAL = "ada.quux"
TEXT = f"about {EMAIL}"
CSV = f"email,first name,note,size\n{EMAIL},Ada,{TEXT},{TEXT}\nnot an address,{EMAIL},x,y\n"


@dataclass
class World:
    client: Client
    user: Any
    tool: str
    folder: Path
    contact: Any
    other: Any


# What a form may ask for; each takes the fields that it knows.
TEXTS = (
    "text reason note name notes description title source tags tag_name save_as phone external_id q custom_size size",
    "label last_name because why",
)
WIDE = {name: TEXT for line in TEXTS for name in line.split()}


def post(name: str, /, *args: Any, **extra: Any) -> Callable[[World], None]:
    """Posts every text there is; `args` may be made of the world."""

    def plant(world: World) -> None:
        given = [each(world) if callable(each) else each for each in args]
        fields = {key: each(world) if callable(each) else each for key, each in extra.items()}
        query = fields.pop("query", "")
        answer = world.client.post(reverse(name, args=given) + query, {**WIDE, **fields})
        assert answer.status_code < 500, (name, answer.status_code)

    return plant


def of_contact(world: World) -> int:
    return int(world.contact.pk)


def of_other(world: World) -> int:
    return int(world.other.pk)


def of_address(world: World) -> int:
    return int(world.other.contact_addresses.get().address_id)


def a_file(name: str = f"list of {EMAIL}.csv", body: str = CSV) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, body.encode())


def import_by_page(world: World, body: str = CSV, *, confirm: bool = True) -> ImportRun:
    answer = world.client.post(reverse("contacts:import"), {"file": a_file(body=body)})
    run = ImportRun.objects.latest("pk")
    page = world.client.get(answer.url).content.decode()
    (form,) = [each for each in forms_of(page) if any(one.name == "save_as" for one in each.inputs)]
    world.client.post(answer.url, {**form.filled("", ""), "save_as": TEXT, "tags": TEXT, "source": TEXT})
    work(world)
    if confirm:
        world.client.post(reverse("contacts:import_confirm", args=[run.pk]), {"reason": TEXT})
        work(world)
    return run


def work(world: World) -> None:
    world.client.get("/")
    RUN_JOBS[0]()


RUN_JOBS: list[Callable[[], None]] = []


def import_and_keep(world: World) -> None:
    import_by_page(world)


def import_and_undo(world: World) -> None:
    run = import_by_page(world)
    post("contacts:import_undo", run.pk)(world)
    work(world)


def import_and_leave(world: World) -> None:
    import_by_page(world, confirm=False)
    world.client.post(reverse("contacts:import"), {"file": a_file()})  # its columns are never chosen


def import_and_cancel(world: World) -> None:
    post("contacts:import_cancel", import_by_page(world, confirm=False).pk)(world)


def import_and_correct(world: World) -> None:
    """A wrong cell of a preview, written anew with the address; nobody confirms it."""
    run = import_by_page(world, confirm=False)
    cell = wrong_cells(run, FAILED, 1).shown[0]
    world.client.post(reverse("contacts:import_correct", args=[run.pk]), {f"cell-{cell.key}": TEXT})
    assert ImportCorrection.objects.filter(run_id=run.pk, value=TEXT).exists()


def export_by_page(world: World) -> None:
    url = f"{reverse('contacts:export_new')}?what=contacts&q={quote(EMAIL)}"
    form = max(forms_of(world.client.get(url).content.decode()), key=lambda each: len(each.inputs))
    world.client.post(url, form.filled(TEXT, EMAIL))
    exports.begin("contacts", "csv", {"q": [EMAIL]}, ["email"], world.user, timezone.now())
    work(world)


def clean(world: World) -> None:
    form = max(
        forms_of(world.client.get(reverse("contacts:cleaning_start")).content.decode()),
        key=lambda each: len(each.inputs),
    )
    world.client.post(reverse("contacts:cleaning_start"), form.filled("b.example", EMAIL))
    work(world)


def upload(world: World) -> None:
    files = [
        SimpleUploadedFile(f"{EMAIL}.eml", a_bounce_mail(EMAIL)),
        SimpleUploadedFile(f"bounces of {EMAIL}.csv", f"email,reason\n{EMAIL},550 5.1.1 no {EMAIL}\n".encode()),
    ]
    world.client.post(reverse("bounces:upload"), {"files": files, "file": files, "reason": TEXT})
    work(world)


def hook(world: World) -> None:
    said = {"event": "hard_bounce", "email": EMAIL, "reason": f"550 5.1.1 <{EMAIL}> unknown", "ts_event": 1796000000}
    source = a_source("brevo-planted", "brevo", "trusted", {"login": ["a:b"]})
    world.client.post(
        reverse("bounces:webhook", args=[source.token]),
        json.dumps(said),
        content_type="application/json",
        headers={"authorization": "Basic YTpi"},
    )
    world.client.post(reverse("bounces:webhook", args=[source.token]), f"not JSON {EMAIL}", content_type="text/plain")
    work(world)


def sign_in(world: World) -> None:
    """Somebody types the address where the user's name belongs; a session remembers a search."""
    stranger = Client()
    for login in (EMAIL, world.user.email):
        stranger.post(f"/accounts/login/?next=/contacts/%3Fq%3D{quote(EMAIL)}", {"login": login, "password": TEXT})
    session = world.client.session
    session["searched"] = {"q": EMAIL}
    session.save()


def segment(world: World) -> None:
    answer = world.client.post(
        f"{reverse('contacts:segment_new')}?q={quote(EMAIL)}", {"name": f"{TEXT} {Segment.objects.count()}"}
    )
    assert answer.status_code == 302
    post("contacts:segment_edit", Segment.objects.latest("pk").pk)(world)


def another_contact(world: World) -> None:
    page = world.client.get(reverse("contacts:new")).content.decode()
    form = max(forms_of(page), key=lambda each: len(each.inputs))
    data = form.filled(TEXT[:40], "grace@c.example")
    world.client.post(reverse("contacts:new"), {**data, "country": "DE", "owner": ""})


def merge(world: World) -> None:
    first, second = (a_contact(f"{name}@c.example", last_name=TEXT) for name in ("one", "two"))
    a_note(second, TEXT)
    world.client.post(reverse("contacts:merge_confirm", args=[first.pk, second.pk]), WIDE)


def decide(world: World) -> None:
    a_bounce(EMAIL, diagnostic=TEXT, fault="unknown", kind="hard")
    page = world.client.get(reverse("bounces:review"))
    for form in forms_of(page.content.decode()):
        if form.method == "post":
            world.client.post(reverse("bounces:review_decide"), form.filled(TEXT, EMAIL))


def erase(world: World) -> None:
    """Another address, for a reason that names this one."""
    world.client.post(reverse("contacts:erase", args=[a_contact("gone@c.example").pk]), {"reason": TEXT})


def api_keys(world: World) -> None:
    page = world.client.get(reverse("crm:api_keys")).content.decode()
    form = next(each for each in forms_of(page) if each.has_texts)
    world.client.post(reverse("crm:api_keys"), {**form.filled(TEXT, EMAIL), "scopes": ["contacts:read"]})


def waiting_item(world: World) -> int:
    return int(an_inbound_item(TEXT.encode(), name=TEXT, state="quarantined", why=TEXT).pk)


def unverified_item(world: World) -> int:
    return int(an_inbound_item(a_bounce_mail(EMAIL), state="unverified").pk)


def an_incident(provider: str) -> Callable[[World], int]:
    return lambda _: int(an_open_incident(provider=provider).pk)


def suppressed(email: str) -> Callable[[World], int]:
    return lambda _: int(a_suppression(email).pk)


A_REPAIR = {"provider": "google", "since": "2026-11-01T00:00", "until": "2026-11-02T00:00", "confirm": "1"}
LISTED = {"targets": f"{EMAIL}\nother@c.example", "confirmed": "1"}
PAGES: dict[str, Callable[[World], None]] = {
    "bounces:ask_restore": post("bounces:ask_restore", of_address),
    "bounces:discard": post("bounces:discard", waiting_item),
    "bounces:guards_resume": post("bounces:guards_resume", pk=lambda _: a_paused_guard("s@a.example").pk, next="/"),
    "bounces:hold": post("bounces:hold", of_address),
    "bounces:incident_confirm": post("bounces:incident_confirm", an_incident("google")),
    "bounces:incident_dismiss": post("bounces:incident_dismiss", an_incident("yahoo")),
    "bounces:lift": post("bounces:lift", suppressed("x@c.example")),
    "bounces:release": post("bounces:release", of_address),
    "bounces:release_item": post("bounces:release_item", unverified_item),
    "bounces:repair": post("bounces:repair", **A_REPAIR),
    "bounces:repair_undo": post("bounces:repair_undo", lambda _: a_repair().pk),
    "bounces:restore": post("bounces:restore", of_address),
    "bounces:review_decide": decide,
    "bounces:suppressions_add": post("bounces:suppressions_add", **LISTED),
    "bounces:suppressions_lift": post("bounces:suppressions_lift", pk=suppressed("y@c.example")),
    "bounces:upload": upload,
    "bounces:webhook": hook,
    "contacts:bulk": post("contacts:bulk", action="tag", pk=of_other),
    "contacts:campaign_edit": post("contacts:campaign_edit", lambda _: a_campaign().pk, writes_to="sure"),
    "contacts:campaign_new": post("contacts:campaign_new", writes_to="sure", name=f"Offer {TEXT}"),
    "contacts:cleaning_start": clean,
    "contacts:company_edit": post("contacts:company_edit", lambda _: a_company("Firm").pk, name=f"Firm {TEXT}"),
    "contacts:company_new": post("contacts:company_new"),
    "contacts:edit": post("contacts:edit", of_other, first_name=TEXT),
    "contacts:erase": erase,
    "contacts:export_new": export_by_page,
    "contacts:import": import_and_leave,
    "contacts:import_cancel": import_and_cancel,
    "contacts:import_columns": import_and_keep,
    "contacts:import_correct": import_and_correct,
    "contacts:import_undo": import_and_undo,
    "contacts:incident_tag": post("contacts:incident_tag", an_incident("gmx")),
    "contacts:merge_confirm": merge,
    "contacts:duplicates_certain": post("contacts:duplicates_certain"),
    "contacts:new": another_contact,
    "contacts:note": post("contacts:note", of_other),
    "contacts:segment_edit": segment,
    "contacts:segment_new": segment,
    "contacts:task_add": post("contacts:task_add", of_other),
    "crm:api_keys": api_keys,
}
# They show, or change a state; a text of a person they do not take. Searches are left by `searches`.
TAKES_NO_TEXT = {
    *(["bounces:address", "bounces:bounce", "bounces:cleaning", "bounces:cleaning_apply", "bounces:cleaning_cancel"]),
    *(["bounces:cleaning_csv", "bounces:cleaning_pause", "bounces:cleaning_progress", "bounces:cleaning_resume"]),
    *(["bounces:cleaning_run", "bounces:complaints", "bounces:inbox", "bounces:incident", "bounces:incident_csv"]),
    *(["bounces:incidents", "bounces:item", "bounces:list", "bounces:provider_list", "bounces:raw", "bounces:rejudge"]),
    *(["bounces:rejudging", "bounces:rejudging_progress", "bounces:repair_progress", "bounces:repair_run"]),
    *(["bounces:reputation", "bounces:retry", "bounces:review", "bounces:review_count", "bounces:review_group"]),
    *(["bounces:review_undo", "bounces:suppressions", "bounces:suppressions_csv", "bounces:upload_progress"]),
    *(["contacts:address_row", "contacts:campaign", "contacts:campaign_add", "contacts:campaign_remove"]),
    *(["contacts:campaign_state", "contacts:campaigns", "contacts:cleaning_scope", "contacts:companies"]),
    *(["contacts:company", "contacts:company_names", "contacts:contact", "contacts:delete", "contacts:export_delete"]),
    *(["contacts:export_file", "contacts:exports", "contacts:import_confirm", "contacts:import_failed"]),
    *(["contacts:import_next", "contacts:import_progress", "contacts:import_read_otherwise", "contacts:import_run"]),
    *(["contacts:duplicates", "contacts:duplicate", "contacts:duplicate_merge", "contacts:duplicate_dismiss"]),
    *(["contacts:duplicate_reopen", "contacts:duplicates_run", "contacts:duplicates_run_undo", "contacts:merges"]),
    *(["contacts:merged", "contacts:merge_undo"]),
    *(["contacts:list", "contacts:merge", "contacts:segment_delete", "contacts:segments", "contacts:sources"]),
    *(["contacts:task_done", "contacts:tasks", "contacts:timeline", "contacts:what_if", "crm:revoke_api_key"]),
    *(["dashboard", "demo_progress", "bounces:cleaning_undo_rows"]),
}
# A reason of their own, kept in columns that tests/contacts/test_erasure_columns.py plants.
REASONS_OF_RUNS = {"bounces:cleaning_undo", "bounces:put_in_force"}
ACCOUNTS = {"account_confirm_email", "account_email", "account_signup"}  # a user's own address: a user is no contact


def by_api(method: str, path: str, body: Any, kind: str = "application/json") -> Callable[[World], None]:
    def plant(world: World) -> None:
        given = body(world) if callable(body) else body
        url = path.format(id=of_other(world)) if "{id}" in path else path
        answer = Client().generic(
            method,
            url,
            given if isinstance(given, bytes) else json.dumps(given),
            content_type=kind,
            headers={"authorization": f"Bearer {world.tool}", "idempotency-key": TEXT},
        )
        assert answer.status_code < 300, (path, answer.content[:500])

    return plant


def now_text(world: World) -> str:
    return timezone.now().isoformat()


def an_event(world: World) -> dict[str, Any]:
    said = {"event_id": TEXT, "event": "bounced", "recipient": EMAIL, "occurred_at": now_text(world)}
    return {"events": [{**said, "smtp": {"text": f"550 5.1.1 {TEXT}"}, "campaign": TEXT}]}


def an_import(world: World) -> dict[str, Any]:
    return {"rows": [{"email": EMAIL, "first name": TEXT}], "name": f"{EMAIL}.csv", "tags": [TEXT], "save_as": "by api"}


def bring_list_by_api(world: World) -> None:
    file = SimpleUploadedFile(f"{EMAIL}.csv", f"Email,Status,Name\n{EMAIL},Unsubscribed,{TEXT}\n".encode())
    answer = Client().post(
        "/api/v1/suppressions/lists/", {"file": file}, headers={"authorization": f"Bearer {world.tool}"}
    )
    assert answer.status_code == 201, answer.content[:500]


def a_lift(world: World) -> dict[str, Any]:
    return {"ids": [a_suppression("z@c.example").pk], "reason": TEXT}


def correct_by_api(world: World) -> None:
    """As `import_and_correct`, by the person in whose name the tool acts."""
    run = import_by_page(world, confirm=False)
    ImportRun.objects.filter(pk=run.pk).update(started_by=ApiKey.objects.get(digest=ApiKey.digest_of(world.tool)).user)
    wrong = {"column": "email", "value": "not an address", "correction": TEXT}
    by_api("POST", f"/api/v1/imports/{run.pk}/corrections/", wrong)(world)
    assert ImportCorrection.objects.filter(run_id=run.pk, value=TEXT).exists()


def undo_by_api(world: World) -> None:
    body = f"email,first name\nnew@c.example,{TEXT}\n"
    run = import_by_page(world, body)
    by_api("POST", f"/api/v1/imports/{run.pk}/undo/", {"reason": TEXT})(world)
    work(world)


NAMED = {"first_name": TEXT, "tags": ["x"], "source": TEXT, "custom": {"size": TEXT}}
API: dict[str, Callable[[World], None]] = {
    "POST /api/v1/bounces/mail/": by_api("POST", "/api/v1/bounces/mail/", a_bounce_mail(EMAIL), "message/rfc822"),
    "POST /api/v1/check/": by_api("POST", "/api/v1/check/", {"addresses": [EMAIL, TEXT]}),
    "POST /api/v1/contacts/": by_api(
        "POST", "/api/v1/contacts/", {**NAMED, "external_id": f"{TEXT} api", "addresses": [{"email": "api@c.example"}]}
    ),
    "POST /api/v1/contacts/bulk/": by_api(
        "POST",
        "/api/v1/contacts/bulk/",
        {"contacts": [{**NAMED, "external_id": f"{TEXT} bulk", "addresses": [{"email": "bulk@c.example"}]}]},
    ),
    "PUT /api/v1/contacts/{id}/": by_api(
        "PUT", "/api/v1/contacts/{id}/", {**NAMED, "addresses": [{"email": "other@c.example"}]}
    ),
    "PATCH /api/v1/contacts/{id}/": by_api("PATCH", "/api/v1/contacts/{id}/", NAMED),
    "POST /api/v1/events/": by_api("POST", "/api/v1/events/", an_event),
    "POST /api/v1/exports/": by_api("POST", "/api/v1/exports/", {"format": "csv", "filter": {"q": EMAIL}}),
    "POST /api/v1/imports/": by_api("POST", "/api/v1/imports/", an_import),
    "POST /api/v1/imports/{id}/corrections/": correct_by_api,
    "POST /api/v1/imports/{id}/undo/": undo_by_api,
    "POST /api/v1/return-paths/": by_api(
        "POST",
        "/api/v1/return-paths/",
        {"messages": [{"event_id": f"{TEXT} sent", "recipient": EMAIL, "message_id": f"1-{EMAIL}"}]},
    ),
    "POST /api/v1/suppressions/": by_api("POST", "/api/v1/suppressions/", {"targets": [EMAIL], "note": TEXT}),
    "POST /api/v1/suppressions/lists/": bring_list_by_api,
    "POST /api/v1/suppressions/lift/": by_api("POST", "/api/v1/suppressions/lift/", a_lift),
}
API_TAKES_NO_TEXT = {
    "DELETE /api/v1/contacts/{id}/",
    "POST /api/v1/suppressions/lists/{id}/confirm/",  # words that are known
    "POST /api/v1/duplicates/{id}/dismiss/",
    "POST /api/v1/duplicates/{id}/merge/",  # names of fields
    "POST /api/v1/merges/{id}/undo/",
    *(f"POST /api/v1/imports/{{id}}/{word}/" for word in ("cancel", "confirm", "next-batch")),
}  # confirm: a reason, as on the page


def by_command(*words: str, **options: Any) -> Callable[[World], None]:
    def plant(world: World) -> None:
        given = {key: each(world) if callable(each) else each for key, each in options.items()}
        with suppress(CommandError):
            call_command(*[word.format(folder=world.folder, by=world.user.email) for word in words], **given)

    return plant


def files_for_commands(folder: Path) -> None:
    (folder / f"{EMAIL}.csv").write_text(CSV)
    (folder / f"{EMAIL}.eml").write_bytes(a_bounce_mail(EMAIL))


WHEN = ("--since", "2026-11-01", "--until", "2026-11-02")
LIST = f"{{folder}}/{EMAIL}.csv"
COMMANDS: dict[str, Callable[[World], None]] = {
    "ingest": by_command("ingest", f"{{folder}}/{EMAIL}.eml"),
    "import_contacts": by_command("import_contacts", LIST, "--by", "{by}", "--tag", "x", "--save-as", f"{TEXT}2"),
    "erase": by_command("erase", "nobody@c.example", "--reason", TEXT, "--yes"),
    "undo_import": by_command("undo_import", "1", "--reason", TEXT, "--by", "{by}"),
    "repair": by_command("repair", "--provider", "google", *WHEN, "--by", "{by}", "--why", TEXT, "--yes"),
    "clean": by_command("clean", "--undo", "1", "--reason", TEXT),
}
COMMANDS_TAKE_NO_TEXT = {
    "classify": "touches no database",
    "rules": "reads",
    "find_duplicates": "compares what is there",
    "intake": "the same items as `ingest`, from a mailbox or by SMTP",
    "reseal": "secrets alone",
    "export_contacts": "a file where the operator says",
    "make_admin": "a user is no contact",
    "load_demo": "invented people",
    **dict.fromkeys(("crew", "scheduler", "up", "worker"), "starts processes"),
}


def searches(world: World) -> None:
    """Every page is opened with the address in its URL and its referrer."""
    for url in every_url():
        if url.parameters or url.name.startswith(("api:", "account_logout", "admin:logout")):
            continue
        with suppress(Exception):
            path = "/" + re.sub(r"[\^$?]", "", url.route)
            world.client.get(
                f"{path}?q={quote(EMAIL)}&next={quote(EMAIL)}", headers={"referer": f"http://x/?q={EMAIL}"}
            )


def admin(world: World) -> None:
    """Every form of the admin that adds or changes a row, and every list's search."""
    from django.contrib.admin import site

    for model in site._registry:
        place = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        urls = [reverse(f"{place}_add")]
        if model._meta.label not in ("crm.User", "mfa.Authenticator") and (row := model._default_manager.first()):
            urls.append(reverse(f"{place}_change", args=[row.pk]))
        world.client.get(reverse(f"{place}_changelist"), {"q": EMAIL})
        for url in urls:
            page = world.client.get(url)
            for form in forms_of(page.content.decode()) if page.status_code == 200 else []:
                if form.method == "post" and form.has_texts and "logout" not in form.action:
                    with suppress(UnicodeError):
                        world.client.post(form.action or url, form.filled(TEXT, "someone@c.example"))


def around(world: World) -> None:
    """What Rebound writes by itself of what happened: announcements, and a job that failed over it."""
    endpoint = WebhookEndpoint.objects.create(
        name="A tool", url="https://tool.example/", topics=["address.status_changed"], sealed_secret="x"
    )
    WebhookDelivery.objects.create(
        endpoint=endpoint, message_id="1", topic="address.status_changed", payload={"changes": [{"email": EMAIL}]},
        due_at=timezone.now(), created_at=timezone.now(), answer=TEXT, state="taken", done_at=timezone.now(),
    )  # fmt: skip
    queue = django_rq.get_queue("bulk")
    job = queue.enqueue("tests.contacts.planting.fail")
    worker = django_rq.get_worker("bulk")
    queue.remove(job)
    worker.handle_job_failure(job, queue, exc_string=f"ValueError: {TEXT}")


def fail() -> None:
    raise ValueError(TEXT)
