"""Which scopes a user may give to a key, and a key may use: one table from scope to permission.

In: a user. Out: scopes. A key acts as its user, so a scope counts only while its user's role allows it: a key that
reports events stops working when its user is no manager any more.
"""

from __future__ import annotations

from crm.models import Scope, User

PERMISSIONS: dict[Scope, str] = {
    Scope.CONTACTS_READ: "contacts.view_contact",
    Scope.CONTACTS_WRITE: "contacts.change_contact",
    Scope.BOUNCES_READ: "bounces.view_bounce",
    Scope.EVENTS_WRITE: "bounces.upload_bounces",  # what it reports is believed: a trusted door
    Scope.SUPPRESSIONS_READ: "bounces.change_suppression",
    Scope.SUPPRESSIONS_WRITE: "bounces.change_suppression",
    Scope.CHECK: "bounces.view_bounce",
}


def scopes_for(user: User) -> list[Scope]:
    return [scope for scope, permission in PERMISSIONS.items() if user.has_perm(permission)]
