"""Who may do what. In: a request, and what its view declares. Out: yes, or a refusal that says what is missing.

A view names, by HTTP method, the scope that a key needs and the permission that its user needs:

    required_scopes = {"GET": "contacts:read"}
    required_permissions = {"GET": "contacts.view_contact"}

A method that is not named is refused to everyone. A session has the scopes that its user could give to a key.
"""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from crm.models import ApiKey
from crm.scopes import scopes_for


class Scoped(BasePermission):
    message = "You may not do this."

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        method = "GET" if request.method == "HEAD" else str(request.method)
        if not hasattr(view, method.lower()):
            return True  # answered with 405, which tells nothing
        scope = getattr(view, "required_scopes", {}).get(method)
        permission = getattr(view, "required_permissions", {}).get(method)
        if not scope or not permission:
            return False
        if isinstance(request.auth, ApiKey) and scope not in request.auth.scopes:
            self.message = f"This key lacks the scope {scope}. Make a key that has it."
            return False
        if scope not in scopes_for(request.user) or not request.user.has_perm(permission):
            self.message = f"{request.user} has the role {request.user.get_role_display()}, which may not do this."
            return False
        return True
