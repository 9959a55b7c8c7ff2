"""A page of a list of contacts with what is shown of each: its primary address, company, owner and tags.

In: contacts, the key of an order, a cursor. Out: the page. The rows of the page are found first, without their
company and address: joined to all rows that a search sorts, those cost more than the search.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db.models import QuerySet

from bounces.paging import PAGE_SIZE, Page, page_of
from contacts.filters import ORDERS, with_primary
from contacts.models import Contact
from contacts.models.people import ContactQuerySet

OWN = frozenset({"updated", "-updated", "name", "-name"})  # orders by what the contact's own row holds


def page_of_contacts(
    rows: ContactQuerySet, sort: str, after: str | None = None, before: str | None = None, size: int = PAGE_SIZE
) -> Page[Any]:
    if sort not in OWN:
        return page_of(_shown(rows), ORDERS[sort], after, before, size)
    page = page_of(rows, ORDERS[sort], after, before, size)
    found = _shown(Contact.objects.all()).in_bulk([contact.pk for contact in page.items])
    return replace(page, items=[found[contact.pk] for contact in page.items if contact.pk in found])


def _shown(rows: ContactQuerySet) -> QuerySet[Any]:
    return with_primary(rows).select_related("company", "owner").prefetch_related("tags")
