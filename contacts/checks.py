"""What of our settings is wrong. In: settings. Out: faults that stop every command, with what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks

from contacts.countries import COUNTRIES
from contacts.importing.values import Order

SALES_SEE = ("all", "team")


@checks.register
def check_sales_see(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:  # noqa: ARG001 -- Django's signature
    if settings.SALES_SEE in SALES_SEE:
        return []
    sentence = f"REBOUND_SALES_SEE is “{settings.SALES_SEE}”: set it to all or team, or leave it out for all."
    return [checks.Error(sentence, id="contacts.E001")]


@checks.register
def check_reading(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:  # noqa: ARG001 -- Django's signature
    faults: list[checks.CheckMessage] = []
    if settings.DATE_ORDER not in tuple(Order):
        sentence = f"REBOUND_DATE_ORDER is “{settings.DATE_ORDER}”: set it to dmy or mdy, or leave it out for dmy."
        faults.append(checks.Error(sentence, id="contacts.E002"))
    if settings.PHONE_REGION and settings.PHONE_REGION not in COUNTRIES:
        sentence = f"REBOUND_PHONE_REGION is “{settings.PHONE_REGION}”: set it to a country’s two letters, like DE."
        faults.append(checks.Error(sentence, id="contacts.E003"))
    return faults
