"""A command's output as rich writes it. In: a management command. Out: a Console on its stdout."""

from __future__ import annotations

from typing import IO, cast

from django.core.management.base import BaseCommand
from rich.console import Console


def terminal(command: BaseCommand) -> Console:
    """Writes where the command writes, so that `call_command(stdout=…)` catches it."""
    command.stdout.ending = ""  # rich ends its own lines
    return Console(file=cast(IO[str], command.stdout))
