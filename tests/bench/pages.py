"""How long the pages take with the demo data: the whole page, warm, in one process, by Django's test client.

The goal is 150 ms for the median page (so the "floor" is that goal, and the ratio is to be at most 1).
"""

from __future__ import annotations

import argparse
import statistics
import time

from tests.bench.stand import say, standing

GOAL = 150.0
ROUNDS = 30


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./rebound bench pages")
    parser.add_argument("--rows", type=int, default=2000, help="contacts of the demo")
    rows = parser.parse_args(arguments).rows
    with standing():
        results = [measure_page(name, url) for name, url in demo_pages(rows)]
    return 0 if all(results) else 1


def demo_pages(rows: int) -> list[tuple[str, str]]:
    """Loads the demo; the pages to measure."""
    from django.core.management import call_command
    from django.urls import reverse

    from bounces.models import Bounce, CleaningRun
    from contacts.models import Campaign, Contact

    call_command("load_demo", contacts=rows)
    bounced = Bounce.objects.exclude(address__contact_addresses=None).latest("pk")
    contact = Contact.objects.filter(contact_addresses__address=bounced.address_id)[0]
    return [
        ("dashboard", reverse("dashboard")),
        ("contact list", reverse("contacts:list")),
        ("contact list, searched", reverse("contacts:list") + "?q=an"),
        ("contact list, invalid ones", reverse("contacts:list") + "?status=invalid"),
        ("contact", reverse("contacts:contact", args=[contact.pk])),
        ("companies", reverse("contacts:companies")),
        ("campaign", reverse("contacts:campaign", args=[Campaign.objects.latest("pk").pk])),
        ("bounces", reverse("bounces:list")),
        ("bounce", reverse("bounces:bounce", args=[bounced.pk])),
        ("inbox", reverse("bounces:inbox")),
        ("cleaning run", reverse("bounces:cleaning_run", args=[CleaningRun.objects.latest("pk").pk])),
    ]


def measure_page(name: str, url: str) -> bool:
    from django.contrib.auth import get_user_model
    from django.test import Client

    client = Client(HTTP_HOST="localhost")
    boss = get_user_model().objects.get_or_create(email="bench@rebound.example", defaults={"role": "admin"})[0]
    client.force_login(boss, "allauth.account.auth_backends.AuthenticationBackend")
    taken = []
    for _ in range(ROUNDS + 3):
        start = time.perf_counter()
        response = client.get(url)
        taken.append((time.perf_counter() - start) * 1000)
        if response.status_code != 200:
            raise SystemExit(f"{url} answered {response.status_code}.")
    warm = taken[3:]
    return say(f"{name} (p95 {statistics.quantiles(warm, n=20)[-1]:.0f} ms)", statistics.median(warm), GOAL, 1.0)
