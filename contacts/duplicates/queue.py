"""The queue of pairs that a user may decide: they may change both contacts, or both companies.

In: a user, a tab. Out: open pairs, the highest score first, their number, the next one. Fast at any size: the order is
that of an index, and counts are capped.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from bounces.paging import CappedCount, capped_count
from contacts.access import User, changeable_companies, changeable_contacts
from contacts.models import Contact, DuplicatePair

CERTAIN = "certain"
TABS: dict[str, str] = {"": "All", CERTAIN: "Certain", **dict(DuplicatePair.Kind.choices)}
ORDER = ("-score", "pk")
MAY = "contacts.delete_contact"
SIDES = ("first_contact", "second_contact", "first_company", "second_company")


def pairs_for(user: User) -> QuerySet[DuplicatePair]:
    """Pairs of any state that this user may decide."""
    if not user.has_perm(MAY):
        return DuplicatePair.objects.none()
    pairs = DuplicatePair.objects.exclude(_one_is_deleted())
    if user.has_perm("contacts.change_everyones_contact"):
        return pairs
    contacts, companies = changeable_contacts(user).values("pk"), changeable_companies(user).values("pk")
    return pairs.filter(
        Q(first_contact__in=contacts, second_contact__in=contacts)
        | Q(first_company__in=companies, second_company__in=companies)
    )


def _one_is_deleted() -> Q:
    return Q(first_contact__deleted_at__isnull=False) | Q(second_contact__deleted_at__isnull=False)


def open_pairs(user: User, tab: str = "") -> QuerySet[DuplicatePair]:
    return _in_tab(pairs_for(user), tab)


def _in_tab(pairs: QuerySet[DuplicatePair], tab: str) -> QuerySet[DuplicatePair]:
    pairs = pairs.filter(state=DuplicatePair.State.OPEN)
    if tab == CERTAIN:
        return pairs.filter(is_certain=True)
    return pairs.filter(kind=tab) if tab else pairs


def counts(user: User) -> dict[str, CappedCount]:
    """The number of open pairs in each tab."""
    return {tab: count(user, tab) for tab in TABS}


def count(user: User, tab: str) -> CappedCount:
    """Skip the join with contacts for users who may change everyone's: the search deletes pairs of deleted contacts."""
    pairs = open_pairs(user, tab)
    if user.has_perm(MAY) and user.has_perm("contacts.change_everyones_contact"):
        pairs = _in_tab(DuplicatePair.objects.all(), tab)
    return capped_count(pairs)


def next_pair(user: User, tab: str, after: DuplicatePair | None = None) -> DuplicatePair | None:
    """The open pair that follows `after` in the queue; without `after`, the first."""
    pairs = open_pairs(user, tab).order_by(*ORDER)
    if after is None:
        return pairs.first()
    # Two index ranges: with OR, PostgreSQL would read every pair before `after`.
    return pairs.filter(score=after.score, pk__gt=after.pk).first() or pairs.filter(score__lt=after.score).first()


def hints_for(user: User, contact: Contact, most: int = 3) -> list[tuple[DuplicatePair, Contact]]:
    """Possible duplicates of a contact, for its page: open pairs that this user may decide."""
    if not user.has_perm(MAY):
        return []
    # Filter by the contact first: in the order of the queue, PostgreSQL would search all pairs for it.
    about = Q(first_contact=contact) | Q(second_contact=contact)
    ids = list(DuplicatePair.objects.filter(about, state=DuplicatePair.State.OPEN).values_list("pk", flat=True))
    if not ids:
        return []
    found = (
        open_pairs(user).filter(pk__in=ids).select_related("first_contact", "second_contact").order_by(*ORDER)[:most]
    )
    return [(pair, other_of(pair, contact)) for pair in found]


def other_of(pair: DuplicatePair, contact: Contact) -> Any:
    return pair.second_contact if pair.first_contact_id == contact.pk else pair.first_contact


def sides_of(pair: DuplicatePair) -> tuple[Any, Any]:
    """The two contacts, or the two companies."""
    if pair.is_of_companies:
        return pair.first_company, pair.second_company
    return pair.first_contact, pair.second_contact
