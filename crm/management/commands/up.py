"""`manage.py up`: run Rebound, with servers of its own where none are given, until Ctrl-C."""

from __future__ import annotations

import itertools
import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser, OutputWrapper
from rich.console import Console
from rich.panel import Panel

from crm.up import start
from crm.up.first_start import SignIn
from crm.up.listening import LOOPBACK, host_names
from crm.up.places import StartError
from crm.up.supervisor import StopRequest, Supervisor

COLOURS = ("36", "32", "33", "35", "34", "31", "96", "92")
NAME_WIDTH = 9


class Command(BaseCommand):
    help = "Run Rebound: web, workers and scheduler, with a private PostgreSQL and Valkey where none are given."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: this machine only)")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--demo", action="store_true", default=None, help="load the demo, even into yours")
        parser.add_argument("--no-demo", action="store_false", dest="demo", help="start empty")

    def handle(self, **given: Any) -> None:
        options = start.Options(given["host"], given["port"], given["demo"])
        supervisor = Supervisor(_Lines(self.stdout))
        supervisor.heed_signals()
        try:
            start.run(
                options,
                supervisor,
                lambda url, sign_in, wanted: _announce(options, url, sign_in, is_demo_wanted=wanted),
            )
        except StopRequest:
            self.stdout.write("Rebound has stopped.")
        except StartError as error:
            self.stderr.write(self.style.ERROR(str(error)))
            sys.exit(1)


class _Lines:
    """Each line behind the name of its program, each name in a colour of its own."""

    def __init__(self, out: OutputWrapper) -> None:
        self._out = out
        self._colours: dict[str, str] = {}
        self._fresh = itertools.cycle(COLOURS)

    def __call__(self, name: str, line: str) -> None:
        prefix = f"{name:<{NAME_WIDTH}}|"
        if self._out.isatty():
            colour = self._colours.setdefault(name, next(self._fresh))
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        self._out.write(f"{prefix} {line}")
        self._out.flush()


def _announce(options: start.Options, url: str, sign_in: SignIn | None, *, is_demo_wanted: bool) -> None:
    lines = [f"Rebound is running at [bold]{url}[/bold]", ""]
    if sign_in is not None:
        lines += [
            f"Sign in as  [bold]{sign_in.email}[/bold]",
            f"Password    [bold]{sign_in.password}[/bold]   (shown only now)",
        ]
    else:
        lines += ["Password forgotten?  ./rebound manage make_admin --email YOU@EXAMPLE.COM"]
    if options.host not in LOOPBACK:
        names = settings.ALLOWED_HOSTS if os.environ.get("ALLOWED_HOSTS") else host_names(options.host)
        lines += [f"Answers to  {', '.join(names)}   (ALLOWED_HOSTS changes that)"]
    if is_demo_wanted:
        lines += [
            "",
            "The demo is loading: the pages fill up as it goes. Its progress is shown below and on the dashboard.",
        ]
    lines += ["", "Ctrl-C stops it; the data stays, and a demo that is not complete goes on with the next start."]
    Console().print(Panel("\n".join(lines), title="Rebound", expand=False, padding=(1, 2)))
