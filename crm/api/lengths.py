"""Bodies whose length nobody says. In: a request to the API. Out: 411 where its body comes in pieces.

Django reads as much as Content-Length says: of such a body nothing, and it would be answered as if it were empty. RFC
9110, 15.5.12. Providers' webhooks may come so (`bounces/views/webhooks.py`).
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

BELOW = "/api/"
SAID = "Say how long the body is (Content-Length): one in pieces (Transfer-Encoding: chunked) is not read here."


def ask_for_length(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    def answer(request: HttpRequest) -> HttpResponseBase:
        is_in_pieces = request.path_info.startswith(BELOW) and "Transfer-Encoding" in request.headers
        return refuse() if is_in_pieces else get_response(request)

    return answer


def refuse() -> HttpResponse:
    error = {"code": "length_required", "detail": SAID, "attr": None}
    return JsonResponse({"type": "client_error", "errors": [error]}, status=411)
