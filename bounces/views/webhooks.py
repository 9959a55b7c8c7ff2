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
from bounces.intake.webhooks.door import receive
from bounces.intake.webhooks.providers import PROVIDERS
from bounces.models import IntakeSource


@csrf_exempt
def take_in(request: HttpRequest, token: str) -> HttpResponse:
    source = IntakeSource.objects.filter(token=token, is_enabled=True, kind__in=list(PROVIDERS)).first()
    if source is None:
        return JsonResponse({"error": "There is no such source."}, status=404)
    if request.method in ("GET", "HEAD"):  # some providers look whether anybody is here
        return HttpResponse()
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if declared_length(request) > settings.WEBHOOK_CAP:
        return JsonResponse({"error": f"At most {settings.WEBHOOK_CAP:,} bytes fit."}, status=413)
    body = stream_of(request).read(settings.WEBHOOK_CAP + 1)
    if len(body) > settings.WEBHOOK_CAP:
        return JsonResponse({"error": f"At most {settings.WEBHOOK_CAP:,} bytes fit."}, status=413)
    headers = {name.lower(): value for name, value in request.headers.items()}
    url = settings.SITE_URL.rstrip("/") + request.get_full_path()
    answer = receive(source, Arrival(body=body, headers=headers, url=url), timezone.now())
    return JsonResponse(dict(answer.said), status=answer.status)


def stream_of(request: HttpRequest) -> Any:
    """Django reads as much as Content-Length says, so nothing of a body in chunks, whose end the server finds."""
    environ = getattr(request, "environ", {})
    is_chunked = "CONTENT_LENGTH" not in environ and environ.get("wsgi.input_terminated")
    return environ["wsgi.input"] if is_chunked else request


def declared_length(request: HttpRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isascii() and text.isdigit() else 0
