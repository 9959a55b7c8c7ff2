"""`./rebound chaos [NAME] [options]`: injects faults into real processes and compares with an undisturbed run.

In: the name of a module here, `cleaning` where none is given. Out: its figures; exit code 1 where a state differs.
"""

from __future__ import annotations

import importlib
import sys

NAMES = ("cleaning", "imports", "intake", "doubles")


def main(arguments: list[str]) -> int:
    name, *options = arguments if arguments and not arguments[0].startswith("-") else [NAMES[0], *arguments]
    if name not in NAMES:
        print(f"./rebound chaos NAME, where NAME is one of: {', '.join(NAMES)}", file=sys.stderr)  # noqa: T201
        return 2
    return int(importlib.import_module(f"tests.chaos.{name}").main(options))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
