"""Which addresses, and what is known of them, a person sees: one scope for pages, API, export and jobs alike.

In: a user, and rows of which each is about an address. Out: the rows that this user may see. Who sees what, the setting
ADDRESSES_SEEN says (of contacts this package knows nothing). Numbers over all addresses are shown to everybody: what
the setting REBOUND_SALES_SEE does not hide, docs/settings.md lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import Model, Q, QuerySet
from django.utils.module_loading import import_string

from bounces.models import Address, Bounce, Complaint, Evidence, InboundItem

M = TypeVar("M", bound=Model)
User = Any  # the project's own user model, which `bounces` may not import


def only_seen(rows: QuerySet[M], user: User, address: str = "address") -> QuerySet[M]:
    """`address` leads from a row to its address. Costs nothing for who sees everything."""
    seen: QuerySet[Any] | None = import_string(settings.ADDRESSES_SEEN)(user)
    return rows if seen is None else rows.filter(**{f"{address}__in": seen})


def sees_everything(user: User) -> bool:
    return import_string(settings.ADDRESSES_SEEN)(user) is None


def hidden_campaigns(user: User) -> set[str]:
    """The keys of campaigns that must not be named to this user."""
    hidden: set[str] = import_string(settings.CAMPAIGNS_HIDDEN)(user)
    return hidden


def addresses_for(user: User) -> QuerySet[Address]:
    return only_seen(Address.objects.all(), user, "pk")


def bounces_for(user: User) -> QuerySet[Bounce]:
    return only_seen(Bounce.objects.select_related("address"), user)


def readable_of(user: User, items: Mapping[int, InboundItem]) -> set[int]:
    """Of items behind bounces that this user sees, those whose raw bytes they may read, by id."""
    if user.has_perm("bounces.view_inbounditem") or sees_everything(user):
        return set(items)
    return {pk for pk, item in items.items() if may_read_raw(user, item)}


def may_read_raw(user: User, item: InboundItem) -> bool:
    """Whether it is the mail behind a bounce or a complaint, and behind none that this user does not see.

    Other mail in the inbox is for those who tend it. A provider's events are many people's in one piece: for those who
    see everything.
    """
    if user.has_perm("bounces.view_inbounditem"):
        return True
    about = Q(inbound_item_id=item.pk)
    evidence, complaints = Evidence.objects.filter(about), Complaint.objects.filter(about)
    if not (evidence.exists() or complaints.exists()):
        return False
    if sees_everything(user):
        return True
    if item.form not in (InboundItem.Form.MAIL, InboundItem.Form.EVENT):
        return False
    hidden = evidence.exclude(bounce__in=bounces_for(user).values("pk"))
    return not (hidden.exists() or complaints.exclude(address__in=addresses_for(user).values("pk")).exists())
