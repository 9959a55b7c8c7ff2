"""The Content-Security-Policy. In: a response. Out: its header: everything from ourselves, nothing inline.

Two places bring code of others that cannot live with that: the admin (Unfold evaluates expressions and sets
styles) and the browsable API documentation. Only below those paths it is relaxed, and still nothing from outside.
"""

from __future__ import annotations

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest, HttpResponseBase

STRICT: dict[str, list[str]] = {
    "default-src": [SELF],
    "img-src": [SELF, "data:"],
    "object-src": [NONE],
    "base-uri": [SELF],
    "form-action": [SELF],
    "frame-ancestors": [NONE],
}
RELAXED: dict[str, list[str]] = {
    **STRICT,
    "script-src": [SELF, UNSAFE_EVAL, UNSAFE_INLINE],
    "style-src": [SELF, UNSAFE_INLINE],
    "worker-src": [SELF, "blob:"],
}
RELAXED_BELOW = ("/admin/", "/api/v1/docs/")


class PolicyMiddleware(CSPMiddleware):
    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if parts.config is None and not report_only and request.path_info.startswith(RELAXED_BELOW):
            parts.config = RELAXED
        return parts
