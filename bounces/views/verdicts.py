"""The answer to "Can we email them?" for every address that a page lists. In: addresses. Out: `verdict` on each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from bounces.models import Address
from bounces.verdict import verdicts_of


def add_verdicts(addresses: Iterable[Address]) -> None:
    """Set `verdict` on each address, for `components/verdict.html`. One query."""
    listed: list[Any] = list(addresses)
    verdicts = verdicts_of([address.pk for address in listed], timezone.now())
    for address in listed:
        address.verdict = verdicts[address.pk]
