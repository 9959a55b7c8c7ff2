"""`/empty/` answers at once; `/checked/` reads a webhook, checks its signature, parses it, and keeps nothing."""

from __future__ import annotations

import json

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from bounces.intake.webhooks.arrival import Arrival
from bounces.intake.webhooks.signatures import Given, hmac_in
from crm.urls import urlpatterns as rebound

SECRET = "a secret of the benchmark"
CHECK = hmac_in("mailtrap-signature", "signing_secret")
GIVEN = Given({"signing_secret": [SECRET]}, {})


@csrf_exempt
def answer(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@csrf_exempt
def check(request: HttpRequest) -> HttpResponse:
    headers = {name.lower(): value for name, value in request.headers.items()}
    arrival = Arrival(request.read(), headers)
    CHECK(arrival, GIVEN, timezone.now())
    json.loads(arrival.body)
    return HttpResponse()


urlpatterns = [path("empty/", answer), path("checked/", check), *rebound]
