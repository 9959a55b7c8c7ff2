"""`manage.py make_admin`: let someone in as an admin, or back in."""

from __future__ import annotations

import sys
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.up.first_start import make_admin


class Command(BaseCommand):
    help = "Make an admin, or make someone who is here already one, with a new password (random unless you give one)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")

    def handle(self, **options: Any) -> None:
        given = sys.stdin.readline().strip() if options["password_stdin"] else None
        if given == "":
            raise CommandError("No password came in on standard input.")
        try:
            sign_in = make_admin(options["email"], given)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        self.stdout.write(f"{sign_in.email} can sign in as an admin.")
        if given is None:
            self.stdout.write(f"Password (shown only now): {sign_in.password}")
