"""The settings that `up` runs with, left for the commands of another shell.

In: the environment of `up`. Out: `var/up-settings.json`, readable by its owner alone, as it may hold passwords. A
command takes from it what its own environment does not say, so that it works with the same servers, keys and networks
as the running Rebound. `up` itself never reads it. Needs no Django: `manage.py` reads it before the settings.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path

NAME = "up-settings.json"


def leave(var: Path, names: Iterable[str], environment: Mapping[str, str], derived: Mapping[str, str]) -> None:
    """Writes what is set, whole or not at all. Raises OSError."""
    known = {**derived, **{name: environment[name] for name in names if name in environment}}
    with tempfile.NamedTemporaryFile("w", dir=var, prefix=f".{NAME}.", delete=False) as file:  # 0600 from the start
        try:
            json.dump(known, file, indent=1, sort_keys=True)
            file.flush()
            os.replace(file.name, var / NAME)  # noqa: PTH105 -- atomic, beside its own temporary file
        except OSError:
            Path(file.name).unlink(missing_ok=True)
            raise


def take_over(var: Path, environment: MutableMapping[str, str]) -> list[str]:
    """Sets what the environment lacks; returns the names. Raises PermissionError for another account's file."""
    try:
        known = json.loads((var / NAME).read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return []
    taken = [name for name in known if name not in environment]
    environment.update({name: str(known[name]) for name in taken})
    return taken
