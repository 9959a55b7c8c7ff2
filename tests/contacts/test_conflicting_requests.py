"""Pairs of requests about the same rows at the same moment: no answer is a 5xx, and afterwards the invariants hold.

Each pair of OPERATIONS, each with itself too, is fired by two threads at once, on rows of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import pytest
from django.db import connection
from django.db.models import Count, Q
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces.addresses import suppression_key
from bounces.jobs import run_flow_job
from bounces.models import Address, Suppression
from contacts.erasure import erase_email
from contacts.importing import runs, working
from contacts.importing.options import Options
from contacts.models import Contact, ImportRun
from tests.builders import a_bounce, a_contact, a_suppression, a_tag, a_user, an_attempt
from tests.documents import stale_documents
from tests.tools import Tool, a_tool

ROUNDS = 1


@dataclass(frozen=True)
class Scene:
    """Rows that a pair is about: two contacts, three addresses, of which `shared` is both’s."""

    number: int
    first: Contact
    second: Contact
    suppression: Suppression
    admin: Any
    tool: Tool

    @property
    def email(self) -> str:
        return f"ada{self.number}@x.example"

    @property
    def other(self) -> str:
        return f"bob{self.number}@x.example"

    @property
    def shared(self) -> str:
        return f"shared{self.number}@x.example"

    @property
    def new(self) -> str:
        return f"new{self.number}@x.example"

    @property
    def company(self) -> str:
        return f"Firm {self.number}"

    @property
    def external_id(self) -> str:
        return f"new-{self.number}"

    @property
    def page(self) -> Client:
        client = Client()
        client.raise_request_exception = False
        client.force_login(self.admin)
        return client


def a_scene(number: int, admin: Any, tool: Tool) -> Scene:
    shared = f"shared{number}@x.example"
    first = a_contact(f"ada{number}@x.example", others=(shared,), tags=("vip",), external_id=f"a-{number}", owner=admin)
    second = a_contact(f"bob{number}@x.example", others=(shared,), tags=("vip",), external_id=f"b-{number}")
    address = first.contact_addresses.get(is_primary=True).address
    a_bounce(address, attempt_id=an_attempt(address).pk)
    return Scene(number, first, second, a_suppression(f"ada{number}@x.example"), admin, tool)


# --- the operations -------------------------------------------------------------------------------


def form(scene: Scene, contact: Contact | None, *emails: str) -> dict[str, Any]:
    rows = {f"address-{place}": email for place, email in enumerate(emails)}
    return {
        "first_name": "Ada", "last_name": f"Page {scene.number}", "company": scene.company, "tags": "vip, new tag",
        "external_id": scene.external_id, "primary": "0", **rows, "share": "yes",
    }  # fmt: skip


def save_on_page(scene: Scene) -> Any:
    url = reverse("contacts:edit", args=[scene.first.pk])
    return scene.page.post(url, form(scene, scene.first, scene.new, scene.email, scene.shared))


def create_on_page(scene: Scene) -> Any:
    return scene.page.post(reverse("contacts:new"), form(scene, None, scene.new, scene.shared))


def save_by_api(scene: Scene) -> Any:
    body = {
        "addresses": [{"email": scene.email}, {"email": scene.new}], "tags": ["new tag", "vip"],
        "company": scene.company,
        "external_id": f"a-{scene.number}", "title": "Tool",
    }  # fmt: skip
    return scene.tool.post("contacts/?upsert=true", body)


def save_many_by_api(scene: Scene) -> Any:
    rows = [
        {"addresses": [{"email": scene.email}], "company": scene.company, "tags": ["new tag"], "title": "Bulk"},
        {"addresses": [{"email": scene.new}, {"email": scene.shared}], "company": scene.company, "tags": ["vip"]},
        {"external_id": f"b-{scene.number}", "title": "Bulk", "tags": ["new tag"]},
    ]
    return scene.tool.post("contacts/bulk/", {"contacts": rows})


def delete_by_api(scene: Scene) -> Any:
    return scene.tool.client.delete(f"/api/v1/contacts/{scene.second.pk}/")


def change_by_api(scene: Scene) -> Any:
    return scene.tool.patch(
        f"contacts/{scene.second.pk}/", {"external_id": scene.external_id, "company": scene.company}
    )


def merge(scene: Scene) -> Any:
    url = reverse("contacts:merge_confirm", args=[scene.first.pk, scene.second.pk])
    return scene.page.post(url, {"primary": str(scene.second.pk)})


def merge_back(scene: Scene) -> Any:
    return scene.page.post(reverse("contacts:merge_confirm", args=[scene.second.pk, scene.first.pk]))


def erase(scene: Scene) -> Any:
    return scene.page.post(reverse("contacts:erase", args=[scene.first.pk]), {"reason": "They asked."})


def erase_an_email(scene: Scene) -> None:
    erase_email(scene.shared, scene.admin, "They asked.", timezone.now())


def delete(scene: Scene) -> Any:
    return scene.page.post(reverse("contacts:delete", args=[scene.first.pk]))


def import_file(scene: Scene) -> None:
    """An update of the first, a new one, one with an external id that others take."""
    body = (
        "email,first_name,company,tags,external_id\n"
        f'{scene.email},Imported,{scene.company},"new tag, vip",\n'
        f"{scene.new},New,{scene.company},vip,{scene.external_id}\n"
        f"{scene.other},Bob,{scene.company},new tag,\n"
    )
    run = runs.take_file([body.encode()], "people.csv", by=scene.admin, via="test", now=timezone.now())
    runs.begin(run, run.mapping, Options(change_others=True, at_once=True))
    while run.is_running:
        working.work(run.pk, timezone.now)
        run.refresh_from_db()
    assert run.state == ImportRun.State.DONE or "was erased" in run.error, run.error


def tag(scene: Scene) -> Any:
    chosen = [scene.second.pk, scene.first.pk]
    return scene.page.post(reverse("contacts:bulk"), {"action": "add_tag", "tag_name": "new tag", "pk": chosen})


def give_owner(scene: Scene) -> Any:
    chosen = [scene.first.pk, scene.second.pk]
    return scene.page.post(reverse("contacts:bulk"), {"action": "set_owner", "new_owner": "none", "pk": chosen})


def note(scene: Scene) -> Any:
    return scene.page.post(reverse("contacts:note", args=[scene.first.pk]), {"text": "She called."})


def give_task(scene: Scene) -> Any:
    return scene.page.post(reverse("contacts:task_add", args=[scene.first.pk]), {"text": "Call her."})


def look(scene: Scene) -> Any:
    return scene.page.get(reverse("contacts:contact", args=[scene.first.pk]))


def list_by_api(scene: Scene) -> Any:
    return scene.tool.get("contacts/", q=f"{scene.number}@x.example")


def suppress(scene: Scene) -> Any:
    return scene.tool.post("suppressions/", {"targets": [scene.shared, scene.new, scene.email], "note": "They asked."})


def lift(scene: Scene) -> Any:
    return scene.tool.post("suppressions/lift/", {"ids": [scene.suppression.pk], "reason": "They wrote to us."})


def lift_on_page(scene: Scene) -> Any:
    return scene.page.post(reverse("bounces:lift", args=[scene.suppression.pk]), {"reason": "They wrote to us."})


def check(scene: Scene) -> Any:
    emails = [scene.email, scene.other, scene.shared, scene.new]
    return scene.tool.post("check/", {"addresses": emails})


def address_page(scene: Scene, name: str) -> Any:
    address = Address.objects.filter(email=scene.email).first()
    url = reverse(f"bounces:{name}", args=[address.pk if address else 1])
    return scene.page.post(url, {"reason": "She called."})


def restore(scene: Scene) -> Any:
    return address_page(scene, "restore")


def hold(scene: Scene) -> Any:
    return address_page(scene, "hold")


def report(scene: Scene) -> Any:
    """An event, and the flow that records it."""
    event = {
        "event_id": f"{scene.number}-{threading.get_ident()}", "event": "bounced", "recipient": scene.email,
        "occurred_at": timezone.now().isoformat(), "smtp": {"code": 550, "enhanced": "5.1.1"},
    }  # fmt: skip
    answer = scene.tool.post("events/", {"events": [event]})
    run_flow_job()
    return answer


OPERATIONS: list[Callable[[Scene], Any]] = [
    save_on_page, create_on_page, save_by_api, save_many_by_api, change_by_api, delete_by_api, merge, merge_back, erase,
    erase_an_email, delete,
    import_file, tag, give_owner, note, give_task, look, list_by_api, suppress, lift, lift_on_page, check, restore,
    hold, report,
]  # fmt: skip


# --- the pairs ------------------------------------------------------------------------------------


def fire(scene: Scene, operations: tuple[Callable[[Scene], Any], Callable[[Scene], Any]]) -> list[str]:
    """What went wrong, if anything did."""
    together, wrong = threading.Barrier(2), []

    def work(operation: Callable[[Scene], Any]) -> None:
        try:
            together.wait(20)
            answer = operation(scene)
            if answer is not None and answer.status_code >= 500:
                wrong.append(f"{operation.__name__}: {answer.status_code} {getattr(answer, 'exc_info', '')}")
        except Exception as error:
            wrong.append(f"{operation.__name__}: {type(error).__name__}: {error}")
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[operation]) for operation in operations]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return wrong


def broken_invariants() -> list[str]:
    """Of all contacts, addresses and suppressions there are."""
    primary = Count("contact_addresses", filter=Q(contact_addresses__is_primary=True))
    counted = Contact.objects.present().annotate(primary=primary, every=Count("contact_addresses"))
    broken = [f"{each} has {each.primary} primary addresses" for each in counted if each.primary != min(each.every, 1)]
    broken += [f"{each.pk} has neither name nor address" for each in counted if not (each.every or each.name)]
    broken += stale_documents()
    rows = Suppression.objects.filter(source="erasure").values_list("address_key", flat=True)
    erased = {bytes(key) for key in rows if key}
    suppressed = set(Suppression.objects.filter(lifted_at=None).values_list("address_id", flat=True))
    broken += [
        f"{each} was erased, came again and is not suppressed"
        for each in Address.objects.all()
        if suppression_key(each.email) in erased and each.pk not in suppressed
    ]
    return broken


@pytest.mark.django_db(transaction=True)
def test_each_operation_does_its_work_alone(redis: Any):
    """So that the pairs are about something."""
    admin = a_user("admin")
    tool = a_tool(user=admin)
    a_tag("vip")
    answers = {}
    for number, operation in enumerate(OPERATIONS):
        answer = operation(a_scene(number, admin, tool))
        answers[operation.__name__] = getattr(answer, "status_code", 200)
    assert {name: code for name, code in answers.items() if code >= 400} == {}
    on_pages = {
        "save_on_page",
        "create_on_page",
        "merge",
        "merge_back",
        "erase",
        "delete",
        "tag",
        "note",
        "restore",
        "hold",
    }
    assert {name for name in on_pages if answers[name] != 302} == set()


PAIRS = list(combinations_with_replacement(OPERATIONS, 2))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", OPERATIONS, ids=lambda operation: operation.__name__)
def test_no_pair_of_requests_is_answered_by_a_5xx(first: Callable[[Scene], Any], redis: Any):
    admin = a_user("admin")
    tool = a_tool(user=admin)
    a_tag("vip")
    wrong: list[str] = []
    number = 0
    for pair in (each for each in PAIRS if each[0] is first):
        for _ in range(ROUNDS):
            number += 1
            found = fire(a_scene(number, admin, tool), pair)
            wrong += [f"{pair[0].__name__} beside {pair[1].__name__}: {each}" for each in found]
    assert wrong == []
    assert broken_invariants() == []
