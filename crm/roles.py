"""Who may do what: one table from role to permissions.

In: a role. Out: its permissions by Django's names (`app.action_model`), so that `bounces` and `contacts` ask for a
permission (`user.has_perm`) and need not know of roles. An admin may do everything.
"""

from __future__ import annotations

from django.db.models import TextChoices


class Role(TextChoices):
    SALES = "sales", "Sales"
    MANAGER = "manager", "Manager"
    ADMIN = "admin", "Admin"


SALES = frozenset(
    {
        "contacts.view_contact",
        "contacts.add_contact",
        "contacts.change_contact",  # own and unowned ones: `contacts/access.py` says which
        "contacts.view_company",
        "contacts.add_company",
        "contacts.change_company",
        "contacts.view_campaign",
        "contacts.add_campaign",
        "contacts.change_campaign",
        "contacts.view_segment",
        "contacts.add_segment",
        "contacts.export_contact",
        "bounces.view_bounce",
        "bounces.view_cleaningrun",
        "bounces.ask_restore",
    }
)
MANAGER = SALES | {
    "contacts.change_everyones_contact",
    "contacts.change_everyones_campaign",
    "contacts.delete_contact",
    "contacts.import_contact",
    "contacts.add_customfield",  # on the way, by an import
    "contacts.change_segment",
    "contacts.delete_segment",
    "bounces.upload_bounces",
    "bounces.view_inbounditem",
    "bounces.change_inbounditem",
    "bounces.run_cleaning",
    "bounces.restore_address",
    "bounces.change_suppression",
}
PERMISSIONS: dict[Role, frozenset[str]] = {Role.SALES: SALES, Role.MANAGER: MANAGER}
