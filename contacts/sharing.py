"""Who else has an address of a contact: what is known about it holds for all of them.

In: address ids, whose page it is, who looks. Out: by address, the others whom the viewer sees, and how many more.
Two queries, whatever the number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Count

from contacts.access import User, contacts_for
from contacts.models import Contact, ContactAddress

MOST_NAMED = 5


@dataclass(slots=True)
class Shared:
    """`total` counts everybody else; of those seen the first MOST_NAMED are named."""

    total: int = 0
    named: list[Contact] = field(default_factory=list)

    @property
    def others(self) -> int:
        """Those that are not named: too many, or not seen by whoever looks."""
        return self.total - len(self.named)


def shared_with(contact: Contact, address_ids: Sequence[int], user: User) -> dict[int, Shared]:
    """An address that nobody else has is not in it."""
    rows = ContactAddress.objects.filter(address__in=address_ids, contact__deleted_at__isnull=True).exclude(
        contact=contact
    )
    counted = rows.order_by().values_list("address_id").annotate(n=Count("pk"))
    found = {address_id: Shared(total) for address_id, total in counted}
    if found:
        seen = rows.filter(contact__in=contacts_for(user)).select_related("contact")
        for row in seen.order_by("contact__last_name", "contact__first_name", "contact_id")[: MOST_NAMED * len(found)]:
            if len(found[row.address_id].named) < MOST_NAMED:
                found[row.address_id].named.append(row.contact)
    return found
