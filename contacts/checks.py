"""What of our settings is wrong. In: settings. Out: faults that stop every command, with what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks

SALES_SEE = ("all", "team")


@checks.register
def check_sales_see(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:  # noqa: ARG001 -- Django's signature
    if settings.SALES_SEE in SALES_SEE:
        return []
    sentence = f"REBOUND_SALES_SEE is “{settings.SALES_SEE}”: set it to all or team, or leave it out for all."
    return [checks.Error(sentence, id="contacts.E001")]
