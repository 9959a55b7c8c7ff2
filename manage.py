#!/usr/bin/env python
"""Django's command line for Rebound. In: a command's name and options. Out: its exit code.

Where the environment names no servers and nobody runs the private ones, they run for as long as the command does.
"""

import os
import sys


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
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


def fail(why: str) -> int:
    """A mail system whose mail could not be taken shall try again: EX_TEMPFAIL of sysexits.h."""
    print(why, file=sys.stderr)  # noqa: T201 -- of a command
    return 75 if sys.argv[1:2] == ["ingest"] and "-" in sys.argv else 1


if __name__ == "__main__":
    sys.exit(main())
