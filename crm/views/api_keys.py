"""A user's own API keys: make one, see its secret once, revoke it. In: a name and scopes. Out: pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from crm.models import ApiKey, Scope, User
from crm.scopes import scopes_for

MOST_KEYS = 50
MOST_SHOWN = 100


class KeyForm(forms.Form):
    """Offers only the scopes that this user's role allows."""

    name = forms.CharField(max_length=100, help_text="The tool that will use it.")
    scopes = forms.MultipleChoiceField(
        label="What it may do",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["scopes"].choices = [(scope.value, scope.label) for scope in scopes_for(user)]  # type: ignore[attr-defined]  # it has choices

    def clean(self) -> dict[str, Any] | None:
        if self.user.api_keys.filter(revoked_at__isnull=True).count() >= MOST_KEYS:
            self.add_error(None, f"You have {MOST_KEYS} keys, which is as many as fit. Revoke one that no tool uses.")
        return super().clean()


@never_cache
@login_required
def show_keys(request: HttpRequest) -> HttpResponse:
    """The answer to the POST shows the secret; it is nowhere else, so there is no redirect to carry it through."""
    user: User = request.user  # type: ignore[assignment]  # signed in
    form = KeyForm(user, request.POST if request.method == "POST" else None)
    secret, made = "", None
    if request.method == "POST" and form.is_valid():
        made, secret = ApiKey.issue(user, form.cleaned_data["name"], form.cleaned_data["scopes"])
        form = KeyForm(user)
    keys = list(user.api_keys.order_by("-created_at")[:MOST_SHOWN])
    context = {
        "form": form,
        "secret": secret,
        "made": made,
        "keys": [(key, [Scope(scope).label for scope in key.scopes]) for key in keys if key.revoked_at is None],
        "revoked": [key for key in keys if key.revoked_at is not None],
        "try_url": try_url(request, made) if made else "",
    }
    return render(request, "crm/api_keys.html", context)


def try_url(request: HttpRequest, key: ApiKey) -> str:
    """What the new key may read, to see that it works; empty: nothing."""
    readable = {Scope.CONTACTS_READ: "api:contacts", Scope.BOUNCES_READ: "api:bounces"}
    name = next((name for scope, name in readable.items() if scope in key.scopes), "")
    return request.build_absolute_uri(reverse(name)) if name else ""


@require_POST
@login_required
def revoke_key(request: HttpRequest, pk: int) -> HttpResponse:
    key = get_object_or_404(ApiKey, pk=pk, user=request.user.pk)
    key.revoke(timezone.now())
    messages.success(request, f"“{key.name}” is revoked. Whatever uses it is refused from now on.")
    return redirect("crm:api_keys")
