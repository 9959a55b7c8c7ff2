"""The page that says how accounts come to be: only an admin makes them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def say_how_accounts_come_to_be(request: HttpRequest) -> HttpResponse:
    return render(request, "account/signup_closed.html")
