#!/usr/bin/env python
"""Django's command line for Rebound. In: a command's name and options. Out: its exit code.

Where the environment names no servers and nobody runs the private ones, they run for as long as the command does.
"""

import os
import sys


def main() -> int | str:
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
        return str(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
