#!/usr/bin/env python
"""Django's command line for Rebound. In: a command's name and options. Out: its exit code.

What the environment does not say is as the last `up` had it. Where no servers are named and nobody runs the private
ones, they run for as long as the command does.
"""

import os
import sys
from pathlib import Path


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    take_over_settings()
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    from crm.up import private
    from crm.up.places import StartError

    try:
        with private.borrowed(private.wanted(settings), sys.argv[1:]) as database_is_new:
            if database_is_new:
                execute_from_command_line([sys.argv[0], "migrate", "--verbosity", "0"])
            execute_from_command_line(sys.argv)
    except (StartError, ImproperlyConfigured) as error:
        return fail(str(error))
    return 0


def take_over_settings() -> None:
    """Of `up`, which alone begins with what its own shell says."""
    from crm.up import remembered

    if sys.argv[1:2] == ["up"]:
        return
    var = Path(os.environ.get("REBOUND_VAR") or Path(__file__).resolve().parent / "var")
    try:
        remembered.take_over(var, os.environ)
    except PermissionError as error:
        print(f"The settings of `up` are another account's and were not read: {error.filename}", file=sys.stderr)  # noqa: T201 -- of a command


def fail(why: str) -> int:
    """A mail system whose mail could not be taken shall try again: EX_TEMPFAIL of sysexits.h."""
    print(why, file=sys.stderr)  # noqa: T201 -- of a command
    return 75 if sys.argv[1:2] == ["ingest"] and "-" in sys.argv else 1


if __name__ == "__main__":
    sys.exit(main())
