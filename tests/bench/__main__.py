"""`./rebound bench NAME [options]`: runs one benchmark.

In: the name of a module here. Out: its figures; exit code 1 where one falls short.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

NO_NAMES = ("__init__", "__main__", "house", "import_parts", "page_list", "people", "population", "stand")
FILES = (file.stem for file in Path(__file__).parent.glob("*.py"))
# By what one types. No module may be called import.
MODULES = {"import" if stem == "importing" else stem: stem for stem in sorted(FILES) if stem not in NO_NAMES}


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in MODULES:
        print(f"./rebound bench NAME, where NAME is one of: {', '.join(MODULES)}", file=sys.stderr)  # noqa: T201
        return 2
    return int(importlib.import_module(f"tests.bench.{MODULES[arguments[0]]}").main(arguments[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
