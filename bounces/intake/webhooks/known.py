"""The sources of webhooks, remembered by each process so that a request need not ask for its own.

In: the unguessable part of a URL. Out: a `Known` source, its secrets opened, and the version of its row. What is
remembered is never believed by itself: the statement that keeps a request holds only while the row is of that version
(`door.py`), and what a remembered secret refuses is asked again. So a change holds from the next request on, in every
process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models.expressions import RawSQL

from bounces.intake.webhooks.arrival import Refused
from bounces.intake.webhooks.providers import PROVIDERS
from bounces.intake.webhooks.signatures import Given
from bounces.models import IntakeSource
from bounces.sealing import CannotOpen

# Where the row lies, and which transaction wrote it: one of them is another after each UPDATE.
VERSION = "bounces_intakesource.ctid::text || bounces_intakesource.xmin::text"
MOST = 1000  # remembered; far more than there are providers


@dataclass(frozen=True, slots=True)
class Known:
    """`version` is that of its row (see `VERSION`)."""

    source: IntakeSource
    version: str
    given: Given | None  # None where its secrets cannot be opened


_remembered: dict[str, Known] = {}


def find(token: str) -> Known | None:
    """As it is remembered, or as it is; None where there is no such source."""
    return _remembered.get(token) or load(token)


def load(token: str) -> Known | None:
    """As it is now."""
    if "\0" in token:  # which PostgreSQL takes in no text
        return None
    sources = IntakeSource.objects.filter(token=token, is_enabled=True, kind__in=list(PROVIDERS))
    source = sources.annotate(version=RawSQL(VERSION, ())).first()  # noqa: S611  (a constant of this module)
    _remembered.pop(token, None)
    if source is None:
        return None
    known = Known(source, source.version, _opened(source))
    if len(_remembered) < MOST:
        _remembered[token] = known
    return known


def _opened(source: IntakeSource) -> Given | None:
    try:
        return given_by(source)
    except Refused:
        return None


def given_by(source: IntakeSource) -> Given:
    """Raises Refused where our key is gone: the provider shall try again."""
    try:
        secrets = source.secrets
    except CannotOpen as error:
        raise Refused(str(error), status=503) from None
    return Given({name: listed(value) for name, value in secrets.items()}, source.options)


def listed(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]
