"""What allauth asks of us. In: sign-up, sign-in and reset attempts. Out: refusals, limits, clean sessions."""

# ruff: noqa: ARG002 -- the hooks' signatures are allauth's

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from crm.models import User
from crm.signin import client, limits

RETRY_AFTER = 300  # seconds, until the shortest lock is over
STEP_KEY = "signin_password_mark"  # in the session between password and second step

log = structlog.get_logger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Only admins make accounts."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client.address_of(request)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """By account and client. allauth's own is by account alone, beside the Host header, which anybody writes."""
        return limits.attempt_key(request, str(credentials.get("email", "")))

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refused before the password is looked at: a right one is not told from a wrong one while locked."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            log.warning("sign_in_refused", client=client.network_of(request))
            response = render(request, "account/lockout.html", status=429)
            response["Retry-After"] = str(RETRY_AFTER)
            raise ImmediateHttpResponse(response) from None

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse | None:
        request.session[STEP_KEY] = limits.password_mark(user)
        return super().pre_login(request, user, **kwargs)

    def login(self, request: HttpRequest, user: User) -> None:
        """After the last step. A password that changed since the first one, or an account switched off, ends here."""
        user.refresh_from_db()
        if not user.is_active or request.session.pop(STEP_KEY, "") != limits.password_mark(user):
            request.session.flush()
            raise ImmediateHttpResponse(redirect("account_login"))
        super().login(request, user)

    def reauthenticate(self, user: User, password: str) -> bool:
        """By the address of the account: it is the only one that signs in."""
        again = self.authenticate(context.request, email=user.email, password=password)
        return again is not None and again.pk == user.pk

    def get_reset_password_from_key_url(self, key: str) -> str:
        """At SITE_URL: the Host header of whoever asks for the mail must not decide where its link leads."""
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return settings.SITE_URL.rstrip("/") + path.replace("UID-KEY", quote(key))


def note_second_step_failure(user: User, request: HttpRequest, **kwargs: Any) -> None:  # noqa: ARG001 -- a signal's signature
    """A wrong code stands in the same log as a wrong password."""
    log.warning("second_step_failed", user=user.pk)
    user_login_failed.send(sender=__name__, credentials={"email": user.email}, request=request)
