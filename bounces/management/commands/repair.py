"""`manage.py repair`: takes back what became invalid because of one provider in one time. Shows first, then does.

In: provider, from, to, reason; without --yes nothing is changed. Out: the addresses, one a line, and their number.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from bounces.models import Repair
from bounces.plain_text import plain
from bounces.providers import load_providers
from bounces.repair import NoReason, Scope, count, preview, start, work

SHOWN = 20


class Command(BaseCommand):
    help = "Takes back what became invalid because of one receiving provider between two moments (UTC)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--provider", required=True, help="Such as google, or a domain that stands for itself.")
        parser.add_argument("--since", required=True, help="Such as 2020-12-14T20:00, in UTC.")
        parser.add_argument("--until", required=True, help="Such as 2020-12-16T00:00, in UTC.")
        parser.add_argument("--reason", default="", help="Such as userunknown. Left out: any.")
        parser.add_argument("--by", default="", help="The e-mail of the person who decides. Needed with --yes.")
        parser.add_argument("--why", type=plain, default="", help="Kept with each address. Needed with --yes.")
        parser.add_argument("--yes", action="store_true", help="Do it. Without it, only look.")

    def handle(self, **options: Any) -> None:
        scope = Scope(options["provider"], moment(options["since"]), moment(options["until"]), options["reason"])
        if scope.since >= scope.until:
            raise CommandError("--until lies before --since: swap them.")
        if scope.provider not in load_providers() and "." not in scope.provider:
            raise CommandError(f"There is no provider “{scope.provider}”: one of {', '.join(load_providers())}.")
        if options["yes"]:
            done = self.repaired(scope, options)
            self.stdout.write(
                f"{done.restored:,} addresses were taken back, as repair {done.pk}: its page can undo it."
            )
            return
        for each in preview(scope)[:SHOWN]:
            self.stdout.write(f"{each.email}  bounced {each.bounced_at:%Y-%m-%d %H:%M}")
        self.stdout.write(f"{count(scope):,} addresses would be taken back. Add --yes, --by and --why to do it.")

    def repaired(self, scope: Scope, options: dict[str, Any]) -> Repair:
        user = get_user_model().objects.filter(email=options["by"], is_active=True).first()
        if user is None or not user.has_perm("bounces.restore_address"):
            raise CommandError(
                f"“{options['by']}” is nobody who may restore addresses: give a manager's e-mail in --by."
            )
        try:
            begun = start(scope, user, options["why"], timezone.now())
        except NoReason as error:
            raise CommandError(f"--why is missing. {error}") from error
        while begun.is_running:
            if not work(begun.pk, timezone.now):  # a worker has taken it, or is at another one
                time.sleep(0.5)
            begun.refresh_from_db()
        if begun.state == Repair.State.FAILED:
            raise CommandError(f"Repair {begun.pk} failed: {begun.error}")
        return begun


def moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"“{text}” is no moment: write it as 2020-12-14T20:00.") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
