"""The page of the address that somebody signs in with, and the page that the mailed link opens."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.decorators import rate_limit
from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from crm.models import User
from crm.signin import email_change


class EmailChangeForm(forms.Form):
    email = forms.EmailField(
        label="New address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    password = forms.CharField(
        label="Current password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).strip().lower()
        if email == self.user.email:
            raise ValidationError("This is your address already. Enter another one.")
        return email

    def clean(self) -> dict[str, Any] | None:
        """Asked last and once: each look at a password counts as an attempt."""
        if not self.errors and not get_adapter().reauthenticate(self.user, self.cleaned_data["password"]):
            self.add_error("password", "This is not your current password.")
        return super().clean()


@sensitive_post_parameters("password")
@never_cache
@login_required
@rate_limit(action="manage_email")
def ask_for_email_change(request: HttpRequest) -> HttpResponse:
    """Answers the same for an address that is free and for one that another account has."""
    user: User = request.user  # type: ignore[assignment]  # signed in
    form = EmailChangeForm(user, request.POST if request.method == "POST" else None)
    asked = ""
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data["email"]
        email_change.ask(user, asked, timezone.now())
        form = EmailChangeForm(user)
    return render(request, "account/email.html", {"form": form, "asked": asked})


@never_cache
def confirm_email_change(request: HttpRequest, token: str) -> HttpResponse:
    """A GET only shows the button: programs that look into mails open links, too. Begins no session."""
    if request.method == "POST":
        done = email_change.confirm(token, timezone.now())
        return render(request, "account/email_confirmed.html", {"done": done})
    found = email_change.read(token, timezone.now())
    return render(request, "account/email_confirm.html", {"change": found[1] if found else None})
