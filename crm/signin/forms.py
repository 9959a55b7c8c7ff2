"""Changing and resetting a password. In: what somebody types. Out: a new password, and API keys revoked if wanted.

A key acts as its user and outlives a changed password, so whoever changes it because it leaked needs both at once.
"""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import ChangePasswordForm, ResetPasswordForm, ResetPasswordKeyForm
from allauth.core import context
from allauth.core.internal import ratelimit
from django import forms
from django.http import HttpRequest
from django.utils import timezone

from crm.keys import active_keys, revoke_all
from crm.models import User


class RevokingKeys(forms.Form):
    """Adds a tick to a form that knows its `user`, where that user has keys in use."""

    user: User | None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.user is not None and (number := active_keys(self.user).count()):
            self.fields["revoke_keys"] = revoking_field(number)

    def revoke_if_wanted(self) -> None:
        if self.user is not None and self.cleaned_data.get("revoke_keys"):
            revoke_all(self.user, timezone.now())


def revoking_field(number: int) -> forms.BooleanField:
    keys = "1 API key" if number == 1 else f"all {number} API keys"
    return forms.BooleanField(
        label=f"Revoke {keys}",
        required=False,
        help_text="Tools that use them stop working at once. Tick this if someone else may know the password.",
    )


class PasswordChangeForm(RevokingKeys, ChangePasswordForm):
    """The current password is checked as a sign-in is: with the same limits, in the same log."""

    def clean_oldpassword(self) -> str:
        if not get_adapter().reauthenticate(self.user, self.cleaned_data.get("oldpassword", "")):
            raise get_adapter().validation_error("enter_current_password")
        return str(self.cleaned_data["oldpassword"])

    def save(self) -> None:
        super().save()
        self.revoke_if_wanted()


class PasswordResetKeyForm(RevokingKeys, ResetPasswordKeyForm):
    """Whoever has the mail clears the limits of the second step: what was guessed there needed the old password."""

    def save(self) -> None:
        super().save()
        self.revoke_if_wanted()


class PasswordResetForm(ResetPasswordForm):
    """Sends a few mails an hour to an address, whoever asks; the answer is the same either way."""

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        email = str(self.cleaned_data["email"])
        key = email.lower()
        if ratelimit.consume(context.request, app="allauth.account", action="reset_mail", key=key) is None:
            return email
        return str(super().save(request, **kwargs))
