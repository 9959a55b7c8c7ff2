"""The rows that a URL is opened with, by kind: the emptiest and the fullest, then one a state where there are states.

In: a world with its users, in which other kinds can be looked up. Out: rows, or what a URL names them by.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType

from bounces import models as bounces
from contacts import models as contacts
from crm import models as crm
from tests import builders
from tests.bounces.webhooks.posting import a_provider_source
from tests.every_row import AWKWARD, emptiest, fullest

if TYPE_CHECKING:
    from tests.every_url import World

QUEUE = {"queue_index": 0, "scheduler_index": 0, "connection_index": 0}
GONE = {"job_id": "gone", "result_id": "gone", "key": "gone", "scheduler_name": "gone", "cron_job_name": "gone"}


def _contacts(world: World) -> list[Any]:
    nobody = emptiest(contacts.Contact)
    whole = fullest(contacts.Contact, owner=world.users["sales"])
    first, second = (fullest(bounces.Address) for _ in range(2))
    for address in (first, second):
        contacts.ContactAddress.objects.create(contact=whole, address=address, is_primary=address is first)
        _happen(address)
    contacts.ContactAddress.objects.create(contact=builders.a_contact(), address=second)
    whole.tags.set([fullest(contacts.Tag) for _ in range(4)])
    fullest(contacts.CustomField, key="unknown")
    fullest(contacts.Task, contact=whole, owner=world.users["sales"], done_at=None)
    for kind in contacts.Activity.Kind.values:
        fullest(contacts.Activity, contact=whole, kind=kind)
    for campaign in world.of("campaign"):
        contacts.CampaignMember.objects.create(campaign=campaign, contact=whole)
    return [nobody, whole]


def _happen(address: bounces.Address) -> None:
    """Everything that can have happened to an address."""
    for model in (bounces.Attempt, bounces.Bounce, bounces.Complaint, bounces.StatusChange, bounces.Ruling):
        fullest(model, address=address)
    fullest(bounces.Evidence, bounce=address.bounces.first())
    builders.a_suppression(address, "complaint")
    builders.a_silence(address)


def _addresses(world: World) -> list[Any]:
    whole = fullest(bounces.Address)
    _happen(whole)
    _give_to(world, whole)
    return [emptiest(bounces.Address), whole]


def _give_to(world: World, address: bounces.Address) -> None:
    """Sales see what is about their own contacts."""
    contact = builders.a_contact(email=None, owner=world.users["sales"])
    contacts.ContactAddress.objects.create(contact=contact, address=address, is_primary=True)


def _bounces(world: World) -> list[Any]:
    whole = fullest(bounces.Bounce)
    fullest(bounces.Evidence, bounce=whole)
    _give_to(world, whole.address)
    return [emptiest(bounces.Bounce), whole]


def _campaigns(world: World) -> list[Any]:
    whole = fullest(contacts.Campaign, owner=world.users["sales"])
    builders.a_paused_guard(whole.key, "campaign")
    builders.a_daily_stat(campaign=whole, attempted=100, bounced=9)
    others = [emptiest(contacts.Campaign, key=f"in-state-{state}", state=state) for state in contacts.Campaign.State]
    return [emptiest(contacts.Campaign), whole, *others]


def _imports(world: World) -> list[Any]:
    runs = [emptiest(contacts.ImportRun), fullest(contacts.ImportRun, started_by=world.users["sales"])]
    # Without the tables of a preview, as a crash of the database leaves one that is ready.
    states = [builders.an_import_run(state, total=3) for state in contacts.ImportRun.State.values]
    return [*runs, *states]


def _cleanings(world: World) -> list[Any]:
    whole = fullest(bounces.CleaningRun)
    fullest(bounces.CleaningRow, run=whole)
    states = [
        builders.a_cleaning_run(state, returns_to="ready" if state in ("paused", "undoing") else "")
        for state in bounces.CleaningRun.State.values
    ]
    states += [builders.a_cleaning_run(state, rejudges=True, dry_run=True) for state in ("queued", "ready", "done")]
    return [emptiest(bounces.CleaningRun), whole, *states]


def _exports(world: World) -> list[Any]:
    sales = world.users["sales"]
    states = [fullest(contacts.Export, by=sales, state=state) for state in contacts.Export.State.values]
    return [emptiest(contacts.Export, by=sales), fullest(contacts.Export, by=sales), *states]


def _items(world: World) -> list[Any]:
    states = [builders.an_inbound_item(state=state, why="Because.") for state in bounces.InboundItem.State.values]
    return [emptiest(bounces.InboundItem), fullest(bounces.InboundItem), *states]


def _lists(world: World) -> list[Any]:
    whole = fullest(bounces.InboundItem, form="list")
    bounces.RawChunk.objects.create(item_id=whole.pk, body=b"email,reason\nada@example.org,\xff550\n")
    return [emptiest(bounces.InboundItem, form="list"), whole]


def _incidents(world: World) -> list[Any]:
    whole = fullest(bounces.Incident, state="passed")
    fullest(bounces.Bounce, incident_id=whole.pk)
    states = [builders.an_open_incident(**_decided(state)) for state in ("open", "confirmed", "passed", "dismissed")]
    return [emptiest(bounces.Incident), whole, *states]


def _decided(state: str) -> dict[str, Any]:
    who = {"decided_by": builders.a_user("manager"), "decided_at": builders.NOW, "note": "Seen."}
    return {
        "state": state,
        **({} if state == "open" else who),
        **({"ended_at": builders.NOW} if state == "passed" else {}),
    }


def of_model(label: str) -> list[Any]:
    """For the admin, whose pages name a row `object_id`."""
    model = apps.get_model(label)
    return [{"object_id": row.pk} for row in (emptiest(model), fullest(model))]


def _both(model: type[Any], **given: Any) -> Callable[[World], list[Any]]:
    return lambda _: [emptiest(model), fullest(model, **given)]


def _owned(model: type[Any], **given: Any) -> Callable[[World], list[Any]]:
    return lambda world: [emptiest(model), fullest(model, owner=world.users["sales"], **given)]


def _keys(world: World) -> list[Any]:
    whole, _ = builders.an_api_key(world.users["sales"], tuple(crm.Scope.values), AWKWARD[:80])
    return [emptiest(crm.ApiKey, user=world.users["sales"]), whole]


def _tokens(world: World) -> list[Any]:
    return [{"token": "no-such-token"}, {"token": a_provider_source("postmark").token}]


def _pairs(world: World) -> list[Any]:
    nobody, whole = world.of("contact")
    return [{"pk": nobody.pk, "other_pk": whole.pk}, {"pk": whole.pk, "other_pk": nobody.pk}]


def _merges(world: World) -> list[Any]:
    """Nobody's; one into a contact of the sales team; one of each state."""
    nobody, whole = world.of("contact")
    into = [fullest(contacts.Merge, kept_id=kept.pk, other_id=kept.pk + 100_000) for kept in (nobody, whole)]
    return [*into, *(fullest(contacts.Merge, state=state) for state in contacts.Merge.State.values)]


def _duplicates(world: World) -> list[Any]:
    nobody, whole = world.of("contact")
    companies: dict[str, Any] = {"kind": "company", "score": 80, "found_at": builders.NOW}
    pairs = [
        builders.a_pair(nobody, builders.a_contact()),
        builders.a_pair(nobody, whole, reasons=["same_name", "gone"]),
    ]
    firms = [fullest(contacts.Company), emptiest(contacts.Company)]
    firms.sort(key=lambda firm: firm.pk)
    pairs.append(contacts.DuplicatePair.objects.create(first_company=firms[0], second_company=firms[1], **companies))
    states = [builders.a_pair(builders.a_contact(), whole, state=s) for s in contacts.DuplicatePair.State.values]
    return [*pairs, *states]


def _merge_runs(world: World) -> list[Any]:
    done = [fullest(contacts.MergeRun, state=state) for state in ("done", "undone")]
    return [*done, emptiest(contacts.MergeRun, state="running")]


def _causes(world: World) -> list[Any]:
    world.of("contact")
    builders.an_unproved_report()
    return [{"cause": "nonsense"}, *({"cause": cause} for cause in ("unknown", "asked", "conflict", "unproved"))]


KINDS: dict[str, Callable[[World], list[Any]]] = {
    "contact": _contacts,
    "contact_pair": _pairs,
    "company": _owned(contacts.Company),
    "campaign": _campaigns,
    "campaign_key": lambda world: [{"key": campaign.key} for campaign in world.of("campaign")],
    "segment": _owned(contacts.Segment),
    "task": _owned(contacts.Task),
    "export": _exports,
    "import": _imports,
    "address": _addresses,
    "bounce": _bounces,
    "item": _items,
    "list": _lists,
    "cleaning": _cleanings,
    "rejudging": _both(bounces.Rejudging),
    "repair": _both(bounces.Repair),
    "incident": _incidents,
    "merge": _merges,
    "duplicate": _duplicates,
    "merge_run": _merge_runs,
    "review_item": _both(bounces.ReviewItem),
    "cause": _causes,
    "suppression": _both(bounces.Suppression),
    "api_key": _keys,
    "webhook": _tokens,
    "queue": lambda _: [QUEUE | GONE],
    "reset": lambda _: [{"uidb36": "0", "key": "x-y"}],
    "confirm": lambda _: [{"token": "x"}],
    "view_on_site": lambda world: [
        {"content_type_id": ContentType.objects.get_for_model(contacts.Contact).pk, "object_id": each.pk}
        for each in world.of("contact")
    ],
    "app": lambda _: [{"app_label": "contacts"}],
    "user": lambda world: [{"id": world.users["sales"].pk}],
}
