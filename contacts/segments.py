"""Whom a segment is about, wherever nobody is looking: cleaning from the terminal or by the clock.

In: a segment. Out: its contacts and their addresses, as its owner means them (`me` is the owner).
"""

from __future__ import annotations

from django.db.models import QuerySet

from bounces.models import Address
from contacts.filters import narrow_to, words_of
from contacts.models import Contact, Segment
from contacts.models.people import ContactQuerySet


def contacts_of(segment: Segment) -> ContactQuerySet:
    """The contacts that fit the segment's words; nobody where those cannot be read."""
    words = words_of(segment)
    if segment.owner is None and "me" in words.get("owner", []):
        return Contact.objects.none()
    return narrow_to(Contact.objects.present(), segment, segment.owner)


def addresses_of(segment: Segment) -> QuerySet[Address]:
    """All addresses of those contacts, not the primary ones alone."""
    return Address.objects.filter(contact_addresses__contact__in=contacts_of(segment))
