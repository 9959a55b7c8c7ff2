"""`manage.py find_duplicates`: searches for duplicates now, as the schedule does each hour."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from contacts.duplicates.finding import search


class Command(BaseCommand):
    help = "Search for contacts and companies that may be the same. The pairs appear on the page Duplicates."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="compare all contacts, not only those that changed")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 -- Django's signature
        self.stdout.write(search(timezone.now, everything=options["all"]))
