"""`manage.py reseal`: after a key was replaced, seals every stored secret with the new one.

In: nothing. Out: how many; exit code 1 and their names where some cannot be opened.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bounces.resealing import reseal_all


class Command(BaseCommand):
    help = "Seals every stored secret anew, with the first key of REBOUND_SECRETS_KEY."

    def handle(self, **options: Any) -> None:  # noqa: ARG002 -- Django's signature
        found = reseal_all()
        plural = "" if found.sealed == 1 else "s"
        self.stdout.write(f"{found.sealed:,} secret{plural} sealed with the first key of REBOUND_SECRETS_KEY.")
        if found.closed:
            names = "; ".join(found.closed)
            raise CommandError(f"No key opens these: {names}. Give back the key that sealed them, or enter them anew.")
