"""The bench's stand: servers of its own, an empty migrated database, and the line in which a figure is said."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def standing(*, with_pages: bool = True, kept: Path | None = None) -> Iterator[None]:
    """Private servers in a folder of this run alone, durable as in earnest, migrated; gone afterwards.

    In `kept`, where it is given, they stay for the next run.
    """
    var = kept or Path(tempfile.mkdtemp(prefix="rebound-bench-"))
    var.mkdir(parents=True, exist_ok=True)
    var.chmod(0o711)  # as root, PostgreSQL's account has to reach its folder
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ |= {"REBOUND_VAR": str(var), "DJANGO_SETTINGS_MODULE": "crm.settings", "REBOUND_LOG_LEVEL": "WARNING"}
    import django
    from django.conf import settings
    from django.core.management import call_command

    from crm.up import places, private

    try:
        with private.serving(private.wanted(settings), places.prepare(var)):
            django.setup()
            call_command("migrate", verbosity=0)
            if with_pages:
                call_command("collectstatic", interactive=False, verbosity=0)
            yield
    finally:
        if kept is None:
            remove(var)


def remove(var: Path) -> None:
    """The data too where it lies elsewhere, because PostgreSQL's account cannot reach the folder."""
    data = var / "postgres"
    if data.is_symlink():
        shutil.rmtree(data.resolve().parent, ignore_errors=True)
    shutil.rmtree(var, ignore_errors=True)


def say(name: str, ours: float, floor: float, goal: float, unit: str = "ms") -> bool:
    """Prints one figure; true where the ratio of ours to the floor is within the goal."""
    ratio = ours / floor if floor else float("inf")
    digits = ".1f" if max(ours, floor) >= 10 else ".2f"
    figures = f"ours {ours:{digits}} {unit}, floor {floor:{digits}} {unit}, ratio {ratio:.2f}, goal {goal:.2f}"
    print(f"{name}: {figures}", flush=True)  # noqa: T201
    return ratio <= goal


def limit(name: str, ours: float, most: float, unit: str) -> bool:
    """Prints one figure that has a limit and no floor; true where it is within."""
    print(f"{name}: ours {ours:.2f} {unit}, goal {most:.2f} {unit}", flush=True)  # noqa: T201
    return ours <= most
