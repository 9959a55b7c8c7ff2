"""The pages that `./rebound bench pages` opens: lists, filters, sorts, deep pages, and single rows.

In: the database that `house.py` has filled. Out: (name, URL). Deep: from the middle of the list on.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse

from bounces.lists import BounceFilter
from bounces.models import Address, Bounce, CleaningRun, Incident
from bounces.paging import page_of
from bounces.views.bounce import ORDERS as ORDERS_OF_BOUNCES
from contacts.filters import ORDERS, with_primary
from contacts.models import Campaign, Company, Contact, ImportRun, Segment
from contacts.views.company import ORDERS as ORDERS_OF_COMPANIES

CONTACTS: dict[str, dict[str, Any]] = {
    "": {},
    "by name": {"sort": "name"},
    "by name, last first": {"sort": "-name"},
    "by company": {"sort": "company"},
    "by status": {"sort": "status"},
    "by newest status": {"sort": "-since"},
    "searched by name": {"q": "müller"},
    "searched by three letters": {"q": "ber"},
    "searched by address": {"q": "p777"},
    "searched, nothing found": {"q": "nobody is called so"},
    "invalid": {"status": "invalid"},
    "valid": {"status": "valid"},
    "without an address": {"status": "none"},
    "may be emailed": {"verdict": "yes"},
    "with caution": {"verdict": "caution"},
    "may not be emailed": {"verdict": "no"},
    "nobody’s": {"owner": "none"},
    "with a tag": {"tag": "Tag 1"},
    "with two tags": {"tag": ["Tag 1", "Tag 31"]},
    "with a rare tag": {"tag": "Tag 30"},
    "in a country": {"country": "CH"},
    "in a country, by name": {"country": "CH", "sort": "name"},
    "of a source": {"source": "List 7.csv"},
    "of a large campaign": {"campaign": "c200"},
    "of a large campaign, invalid": {"campaign": "c200", "status": "invalid"},
    "without a company": {"company": "none"},
    "country, verdict and tag": {"country": "DE", "verdict": "yes", "tag": "Tag 1"},
}
BOUNCES: dict[str, dict[str, Any]] = {
    "": {},
    "by address": {"sort": "address"},
    "by kind": {"sort": "kind"},
    "by fault": {"sort": "fault"},
    "by code": {"sort": "codes"},
    "hard": {"kind": "hard"},
    "of one reason": {"reason": "mailboxfull"},
    "whose fault is the sender’s": {"fault": "sender"},
    "of a large domain": {"domain": "gmail.com"},
    "of a small domain": {"domain": "d777.example"},
    "by the beginning of an address": {"q": "p777"},
    "held": {"standing": "held"},
}


def pages() -> list[tuple[str, str]]:
    return [*_contacts(), *_bounces(), *_companies(), *_campaigns(), *_single(), *_other()]


def _contacts() -> list[tuple[str, str]]:
    url = reverse("contacts:list")
    found = [(_named("contacts", name), f"{url}?{urlencode(words, doseq=True)}") for name, words in CONTACTS.items()]
    for sort in ("-updated", "name"):
        found.append((f"contacts, {sort}, deep", f"{url}?sort={sort}&after={_deep(_present(), ORDERS[sort])}"))
    for segment in Segment.objects.filter(name__in=["May be emailed", "Invalid ones"]):
        found.append((f"contacts of the segment “{segment}”", f"{url}?segment={segment.pk}"))
    return found


def _bounces() -> list[tuple[str, str]]:
    url = reverse("bounces:list")
    found = [(_named("bounces", name), f"{url}?{urlencode(words)}") for name, words in BOUNCES.items()]
    deep = _deep(BounceFilter({}).rows(), ORDERS_OF_BOUNCES["-when"])
    return [*found, ("bounces, deep", f"{url}?after={deep}")]


def _companies() -> list[tuple[str, str]]:
    url = reverse("contacts:companies")
    largest = Company.objects.order_by("pk")[0]
    return [
        ("companies", url),
        ("companies, by contacts", f"{url}?sort=-contacts"),
        ("companies, by bad addresses", f"{url}?sort=-bad"),
        ("companies, by owner", f"{url}?sort=owner"),
        ("companies, searched", f"{url}?q=berg+labs"),
        ("companies, deep", f"{url}?after={_deep(Company.objects.all(), ORDERS_OF_COMPANIES['name'])}"),
        ("company", largest.get_absolute_url()),
    ]


def _campaigns() -> list[tuple[str, str]]:
    url, large = reverse("contacts:campaigns"), Campaign.objects.get(key="c200").get_absolute_url()
    return [
        ("campaigns", url),
        ("campaigns, by members", f"{url}?sort=-members"),
        ("campaigns, by rate", f"{url}?sort=-rate"),
        ("campaign", Campaign.objects.get(key="c50").get_absolute_url()),
        ("campaign with a fifth of the contacts", large),
        ("campaign with a fifth of the contacts, no", f"{large}?answer=no"),
    ]


def _single() -> list[tuple[str, str]]:
    bounce = Bounce.objects.order_by("-occurred_at", "-pk")[100]
    address = Address.objects.filter(status="invalid").order_by("pk")[3]
    return [
        ("contact", reverse("contacts:contact", args=[_present().order_by("pk")[40].pk])),
        ("contact, whom it may be merged with", reverse("contacts:merge", args=[_present().order_by("pk")[40].pk])),
        ("bounce", reverse("bounces:bounce", args=[bounce.pk])),
        ("address", reverse("bounces:address", args=[address.pk])),
        ("cleaning run", reverse("bounces:cleaning_run", args=[CleaningRun.objects.latest("pk").pk])),
        ("cleaning run, one rule", f"{reverse('bounces:cleaning_run', args=[CleaningRun.objects.latest('pk').pk])}"
                                   "?rule=hard_bounce"),
        ("incident", reverse("bounces:incident", args=[Incident.objects.latest("pk").pk])),
        ("import", ImportRun.objects.latest("pk").get_absolute_url()),
    ]  # fmt: skip


def _other() -> list[tuple[str, str]]:
    named = ("dashboard", "contacts:segments", "contacts:tasks", "contacts:cleaning_start", "contacts:sources",
             "contacts:export_new", "bounces:inbox", "bounces:review", "bounces:review_count", "bounces:cleaning",
             "bounces:suppressions", "bounces:reputation", "bounces:incidents", "bounces:complaints")  # fmt: skip
    return [
        *((name.rpartition(":")[2].replace("_", " "), reverse(name)) for name in named),
        ("tasks, everybody’s", f"{reverse('contacts:tasks')}?list=all"),
        ("inbox, quarantined", f"{reverse('bounces:inbox')}?state=quarantined"),
        ("suppressions, searched", f"{reverse('bounces:suppressions')}?q=p7"),
        ("reputation, by receiving domain", f"{reverse('bounces:reputation')}?by=recipient_domain"),
        ("review, not understood", reverse("bounces:review_group", args=["unknown"])),
        ("address check of a company’s name", f"{reverse('contacts:company_names')}?company=berg"),
    ]


def _named(what: str, name: str) -> str:
    return f"{what}, {name}" if name else what


def _present() -> QuerySet[Any]:
    return with_primary(Contact.objects.present())


def _deep(rows: QuerySet[Any], order: tuple[str, ...]) -> str:
    """The cursor in the middle of a list: of its first fifty rows behind the value that stands there."""
    first = order[0].removeprefix("-")
    ordered = rows.order_by(*order)
    middle = ordered.values_list(first, flat=True)[rows.count() // 2]
    beyond = "lt" if order[0].startswith("-") else "gt"
    return page_of(rows.filter(**{f"{first}__{beyond}": middle}), order).next_cursor
