"""The address that a provider posts to. In: a request, no session. Out: 2xx after COMMIT, 4xx where it is not believed.

The body is capped before it is read. Our own fault is 5xx: a provider stops trying after some 4xx (invariant I8).
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from bounces.intake.webhooks.arrival import Arrival
from bounces.intake.webhooks.door import NOT_THERE, Answer, receive, turn_away
from bounces.intake.webhooks.known import find, load
from bounces.models import IntakeSource

BELOW = "/in/"  # where bounces/urls.py has it


@csrf_exempt
def take_in(request: HttpRequest, token: str) -> HttpResponse:
    known = find(token)
    if known is None:
        return say(NOT_THERE)
    if request.method in ("GET", "HEAD"):  # some providers look whether anybody is here
        return HttpResponse(headers={"Content-Length": "0"}) if load(token) else say(NOT_THERE)
    if request.method == "OPTIONS":
        return answer_options(known.source, request)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if declared_length(request) > settings.WEBHOOK_CAP:
        return say(turn_away(token, timezone.now()))
    body = stream_of(request).read(settings.WEBHOOK_CAP + 1)
    if len(body) > settings.WEBHOOK_CAP:
        return say(turn_away(token, timezone.now()))
    headers = {name.lower(): value for name, value in request.headers.items()}
    url = settings.SITE_URL.rstrip("/") + request.get_full_path()
    return say(receive(known, Arrival(body=body, headers=headers, url=url), timezone.now()))


def say(answer: Answer) -> HttpResponse:
    response = JsonResponse(dict(answer.said), status=answer.status)
    response["Content-Length"] = str(len(response.content))  # no middleware does it here
    return response


def answer_options(source: IntakeSource, request: HttpRequest) -> HttpResponse:
    """What Event Grid asks before it sends CloudEvents ("HTTP 1.1 Web Hooks for Event Delivery", 4.1)."""
    origin = request.headers.get("WebHook-Request-Origin", "")
    if source.kind != "azure" or not (origin and origin.isascii() and origin.isprintable()):
        return HttpResponseNotAllowed(["POST"])
    allowed = {"WebHook-Allowed-Origin": origin[:255], "WebHook-Allowed-Rate": "*"}
    return HttpResponse(headers={**allowed, "Content-Length": "0"})


def stream_of(request: HttpRequest) -> Any:
    """Django reads as much as Content-Length says, so nothing of a body in chunks, whose end the server finds."""
    environ = getattr(request, "environ", {})
    is_chunked = "CONTENT_LENGTH" not in environ and environ.get("wsgi.input_terminated")
    return environ["wsgi.input"] if is_chunked else request


def declared_length(request: HttpRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    return int(text[:20]) if text.isascii() and text.isdigit() else 0
