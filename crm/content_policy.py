"""The Content-Security-Policy. In: a response. Out: its header: everything from ourselves, nothing inline.

Two places bring code of others that cannot live with that. No page allows inline scripts; what is relaxed is only
below these paths, and still nothing from outside:

- the admin: Unfold evaluates expressions in attributes (Alpine: `unsafe-eval`) and sets styles inline. The one inline
  script of the queue's pages is allowed by its hash;
- the browsable API documentation, which sets styles inline.
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
# Of django-rq's lists: `$("tr input.action-select").actions();`. A test says when an update of it changes that.
QUEUE_SCRIPT = "'sha256-1kZe1KRxelr3ptMPsod17Z6BDvbtm4WcufgsZGvsErM='"
ADMIN: dict[str, list[str]] = {
    **STRICT,
    "script-src": [SELF, UNSAFE_EVAL],
    "script-src-attr": [NONE],
    "style-src": [SELF, UNSAFE_INLINE],
}
QUEUE: dict[str, list[str]] = {**ADMIN, "script-src": [*ADMIN["script-src"], QUEUE_SCRIPT]}
API_DOCS: dict[str, list[str]] = {**STRICT, "style-src": [SELF, UNSAFE_INLINE]}
# The first that a path begins with.
RELAXED_BELOW = {"/admin/queue/": QUEUE, "/admin/": ADMIN, "/api/v1/docs/": API_DOCS}


class PolicyMiddleware(CSPMiddleware):
    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if parts.config is None and not report_only:
            parts.config = next(
                (policy for path, policy in RELAXED_BELOW.items() if request.path_info.startswith(path)), None
            )
        return parts
