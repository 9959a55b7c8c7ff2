"""`manage.py intake imap|smtp`: the doors that run by themselves, beside the web.

In: where to listen; the sources that admins declared. Out: kept mails, until SIGTERM (`imap --once`: until all that is
there was read).
"""

from __future__ import annotations

import asyncio
import signal
import ssl
import threading
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from bounces.intake import listening, mailboxes, watching
from bounces.intake.envelopes import openings
from bounces.intake.places import BadPlace, parse_place
from bounces.intake.smtp import Work

ALL = timedelta(days=1)


class Command(BaseCommand):
    help = "Runs a door for mail: reads the mailboxes (imap), or listens as a mail server for bounces alone (smtp)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        doors = parser.add_subparsers(dest="door", required=True)
        imap = doors.add_parser("imap", help="Read the mailboxes among the sources, and stay.")
        imap.add_argument("--once", action="store_true", help="Read what is there, say what it was, and end.")
        smtp = doors.add_parser("smtp", help="Listen as a mail server for return paths and the sources' recipients.")
        smtp.add_argument(
            "--listen", action="append", required=True, metavar="PLACE", help="host:port or unix:/path; several times."
        )
        smtp.add_argument("--lmtp", action="store_true", help="Speak LMTP, for a mail server beside it.")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002  (Django's signature)
        if options["door"] == "smtp":
            self.listen(options["listen"], is_lmtp=options["lmtp"])
        elif options["once"]:
            self.read_once()
        else:
            self.watch()

    def read_once(self) -> None:
        turns = mailboxes.read_all(timezone.now, ALL)
        if not turns:
            self.stdout.write("No source is a mailbox that is switched on.")
        for name, turn in turns.items():
            self.stdout.write(f"{name}: {in_words(turn)}")
        if any(turn is not None and turn.trouble for turn in turns.values()):
            raise CommandError("Not every mailbox could be read.")

    def watch(self) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        watching.watch_all(timezone.now, stop)

    def listen(self, texts: Sequence[str], *, is_lmtp: bool) -> None:
        try:
            places = [parse_place(text) for text in texts]
            tls = certificate()
        except (BadPlace, OSError) as error:
            raise CommandError(str(error)) from error
        listeners = [listening.Listener(place, is_lmtp, tls) for place in places]
        try:
            with listening.database_threads() as threads:
                asyncio.run(self._serve(listeners, Work(openings, timezone.now, threads)))
        except OSError as error:
            raise CommandError(f"Cannot listen at {', '.join(texts)}: {error.strerror or error}.") from error

    async def _serve(self, listeners: Sequence[listening.Listener], work: Work) -> None:
        stop = asyncio.Event()
        listening.stop_on_signals(stop)
        await listening.serve(
            listeners, work, stop, lambda names: self.stdout.write(f"Listening at {', '.join(names)}.")
        )


def certificate() -> ssl.SSLContext | None:
    """For STARTTLS, where the operator has given one."""
    if not settings.SMTP_CERT:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(settings.SMTP_CERT, settings.SMTP_KEY or None)
    return context


def in_words(turn: mailboxes.Turn | None) -> str:
    if turn is None:
        return "somebody else is reading it."
    tally = turn.tally
    told = f"{tally.new:,} new, {tally.known:,} here before, {tally.refused:,} too large"
    return f"{told}. {turn.trouble}" if turn.trouble else f"{told}."
