"""`manage.py erase ADDRESS --reason TEXT`: personal erasure. In: an address. Out: what was erased, in words."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from bounces.addresses import BadAddress
from bounces.plain_text import plain
from contacts.erasure import NoReason, erase_email


class Command(BaseCommand):
    help = (
        "Erase a person by their address: the contact, what happened with it, the raw mails that name it. "
        "A keyed hash stays, so that nobody writes there again. It cannot be undone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address")
        parser.add_argument("--reason", type=plain, required=True, help="Kept with the suppression that stays.")
        parser.add_argument("--by", metavar="EMAIL", help="The user who decided it.")
        parser.add_argument("--yes", action="store_true", help="Do not ask.")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 -- Django's signature
        by = self._user(options["by"])
        if not options["yes"] and input(f"Erase {options['address']} for good? Type yes: ").strip() != "yes":
            raise CommandError("Nothing was erased.")
        try:
            erased = erase_email(options["address"], by, options["reason"], timezone.now())
        except (BadAddress, NoReason) as error:
            raise CommandError(f"Nothing was erased. {error}") from error
        self.stdout.write(f"Erased: {', '.join(erased.addresses)}. Contacts: {erased.contacts}.")
        if erased.shared:
            self.stdout.write(f"Left, since other contacts have them too: {', '.join(erased.shared)}.")

    def _user(self, email: str | None) -> Any:
        if email is None:
            return None
        user = get_user_model().objects.filter(email=email.lower()).first()
        if user is None:
            raise CommandError(f"There is no user {email}.")
        return user
