"""Every kind of event that each provider documents, as it posts it, and what it becomes here.

In: `<provider>.json`: rows of a name, what becomes of it, what is posted. `{to}` and the moments are filled in. Out:
`Documented` values. Sources: the providers' documentation of their webhooks; anymail's mappings.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from bounces.intake.webhooks import samples

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Documented:
    slug: str
    name: str
    becomes: str
    said: Any

    def __str__(self) -> str:
        return f"{self.slug}: {self.name}"

    def posted(self, to: str, now: datetime) -> Any:
        """As its provider posts it at that moment; Amazon's event within a message of SNS."""
        said = filled(self.said, moments(now) | {"{to}": to})
        if self.slug != "amazon_ses":
            return said
        return {**samples.amazon_ses(to, now), "Message": json.dumps(said)}


def moments(now: datetime) -> dict[str, Any]:
    seconds = int(now.timestamp())
    return {
        "{seconds}": seconds,
        "{seconds_text}": str(seconds),
        "{milliseconds}": seconds * 1000,
        "{float}": now.timestamp(),
        "{iso}": samples.iso(now),
        "{utc}": f"{now:%Y-%m-%d %H:%M:%S}",
    }


def filled(value: Any, given: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: filled(each, given) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, given) for each in value]
    return given.get(value, value) if isinstance(value, str) else value


@cache
def documented() -> tuple[Documented, ...]:
    files = sorted(HERE.glob("*.json"))
    rows = [(file.stem, row) for file in files for row in json.loads(file.read_text(encoding="utf-8"))]
    return tuple(Documented(slug, **row) for slug, row in rows)
