"""The admin of people and access: users by role, teams, keys, and who was locked out.

In: what an admin types. Out: User, Team and ApiKey rows. Nobody is deleted here (history names people): accounts are
switched off, keys are revoked. A key's secret is shown once, when it is made.
"""

# ruff: noqa: ARG002 -- the hooks' signatures are Django's and Unfold's

from __future__ import annotations

from typing import Any

# These four register first, so that what they register can be taken back below.
import allauth.account.admin
import allauth.mfa.admin  # noqa: F401
import axes.admin  # noqa: F401
import django_rq.admin  # noqa: F401
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRefresh
from django_rq.models import Dashboard
from unfold.decorators import action, display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldBooleanWidget

from bounces.admin.bases import FormAdmin, ReadOnlyAdmin, TableAdmin, label_of
from crm.mail import admin as mail_admin  # noqa: F401  (importing registers)
from crm.models import ApiKey, Scope, Team, User
from crm.roles import Role
from crm.signin import limits
from crm.signin.client import network_with
from crm.signin.forms import RevokingKeys
from crm.signin.limits import user_of
from crm.webhooks import admin as webhooks_admin  # noqa: F401  (importing registers)

# What packages register on their own and nobody needs: groups (roles decide), allauth's addresses (none are verified),
# a second entrance to the queue. The others come back below in our own dress.
for model in (Group, EmailAddress, Dashboard, Authenticator, AccessAttempt, AccessLog, AccessFailureLog):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class NewUserForm(UserCreationForm):
    usable_password = None  # everyone signs in with one

    class Meta:
        model = User
        fields = ("email", "name", "role", "team")
        field_classes: dict[str, Any] = {}

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).strip().lower()


class ChangedUserForm(UserChangeForm):
    """An admin cannot lock themselves out: somebody else has to."""

    acting: User

    class Meta:
        model = User
        fields = "__all__"
        field_classes: dict[str, Any] = {}

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).strip().lower()

    def clean_role(self) -> str:
        role = str(self.cleaned_data["role"])
        if self.instance == self.acting and role != Role.ADMIN:
            raise ValidationError("You cannot take the admin role from yourself. Ask another admin.")
        return role

    def clean_is_active(self) -> bool:
        is_active = bool(self.cleaned_data["is_active"])
        if self.instance == self.acting and not is_active:
            raise ValidationError("You cannot switch off your own account. Ask another admin.")
        return is_active


class SetPasswordForm(RevokingKeys, AdminPasswordChangeForm):
    """Ends every session of that user, as any changed password does, and what pauses their sign-in."""

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        if "revoke_keys" in self.fields:
            self.fields["revoke_keys"].widget = UnfoldBooleanWidget()

    def save(self, commit: bool = True) -> User:
        user: User = super().save(commit)
        self.revoke_if_wanted()
        limits.unlock_second_step(user)
        return user


@admin.register(User)
class UserAdmin(DjangoUserAdmin, FormAdmin):
    form = ChangedUserForm
    add_form = NewUserForm
    change_password_form = SetPasswordForm
    change_user_password_template = "admin/crm/user/change_password.html"  # noqa: S105 -- a template
    list_display = ("shown_name", "email", "role_label", "team", "is_active", "last_login")
    list_select_related = ("team",)
    list_filter = ("role", "is_active", "team")
    search_fields = ("email", "name")
    ordering = ("name", "email")
    filter_horizontal = ()
    autocomplete_fields = ("team",)
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": (("name", "email"), "password")}),
        ("Access", {"fields": (("role", "team"), "is_active")}),
        ("Dates", {"fields": (("last_login", "date_joined"),)}),
    )
    add_fieldsets = (
        (None, {"fields": (("name", "email"), ("role", "team"))}),
        ("Password", {"fields": ("password1", "password2")}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.acting = request.user
        return form

    @display(description="Name", ordering="name")
    def shown_name(self, user: User) -> str:
        return str(user)

    @display(description="Role", label={"admin": "danger", "manager": "warning", "sales": "info"}, ordering="role")
    def role_label(self, user: User) -> tuple[str, str]:
        return label_of(user.role, user.get_role_display())


@admin.register(Team)
class TeamAdmin(FormAdmin):
    list_display = ("name",)
    search_fields = ("name",)


class ApiKeyForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget, help_text="Within what its user may do."
    )

    class Meta:
        model = ApiKey
        fields = ("name", "user", "scopes")


@admin.register(ApiKey)
class ApiKeyAdmin(FormAdmin):
    form = ApiKeyForm
    list_display = ("name", "beginning", "user", "scope_list", "last_used_at", "state")
    list_select_related = ("user",)
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    search_fields = ("name", "prefix", "user__email")
    autocomplete_fields = ("user",)
    fields = ("name", "user", "scopes")
    actions_detail = ("revoke",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (
            self.fields
            if obj is None
            else ("name", "beginning", "user", "scope_list", "created_at", "last_used_at", "state")
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("beginning", "scope_list", "state")

    def save_model(self, request: HttpRequest, obj: ApiKey, form: forms.ModelForm, change: bool) -> None:
        made, secret = ApiKey.issue(obj.user, obj.name, form.cleaned_data["scopes"])
        obj.__dict__.update(made.__dict__)
        request.issued_secret = secret  # type: ignore[attr-defined]  # for the page that answers this request, nowhere else

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"The key “{obj.name}”",
            "key": obj,
            "secret": request.issued_secret,  # type: ignore[attr-defined]  # set by save_model
        }
        response = TemplateResponse(request, "admin/crm/apikey/issued.html", context)
        response["Cache-Control"] = "no-store"
        return response

    @display(description="Begins with")
    def beginning(self, key: ApiKey) -> str:
        return f"{key.prefix}…"

    @display(description="Scopes")
    def scope_list(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @display(description="State", label={"in use": "success", "revoked": "danger"})
    def state(self, key: ApiKey) -> str:
        return "revoked" if key.revoked_at else "in use"

    @action(
        description="Revoke",
        icon="key_off",
        dialog={
            "title": "Revoke this key",
            "description": "Tools that use it are refused from the next second. This cannot be undone.",
            "form_class": None,
            "form_submit_text": "Revoke",
        },
    )
    def revoke(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        key = ApiKey.objects.get(pk=object_id)
        key.revoke(timezone.now())
        messages.success(request, f"{key} is revoked.")
        return HttpResponseClientRefresh()


@admin.register(AccessAttempt)
class LockoutAdmin(ReadOnlyAdmin):
    """Failed sign-ins of the last days. One client's attempts at one account are paused; an admin can end that here."""

    list_display = ("attempt_time", "username", "ip_address", "failures_since_start")
    search_fields = ("username", "ip_address")
    ordering = ("-attempt_time",)
    fields = ("username", "ip_address", "user_agent", "attempt_time", "failures_since_start", "state")
    readonly_fields = ("state",)
    actions_detail = ("unlock",)

    @display(description="State", label={"paused": "danger", "may try": "success"})
    def state(self, attempt: AccessAttempt) -> str:
        user = user_of(attempt.username or "")
        return "paused" if user and limits.is_locked(user, network_with(attempt.ip_address)) else "may try"

    @action(
        description="Unlock",
        icon="lock_open",
        dialog={
            "title": "Let this person sign in again",
            "description": "Forgets the failed sign-ins at this account from this address, and wrong codes of its "
            "second step.",
            "form_class": None,
            "form_submit_text": "Unlock",
        },
    )
    def unlock(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        attempt = AccessAttempt.objects.get(pk=object_id)
        user = user_of(attempt.username or "")
        if user:
            limits.unlock(user, network_with(attempt.ip_address))
        attempt.delete()
        messages.success(request, f"{attempt.username} can sign in again.")
        response = HttpResponse()
        response["HX-Redirect"] = "../../"
        return response


@admin.register(AccessLog)
class SignInAdmin(ReadOnlyAdmin):
    list_display = ("attempt_time", "username", "ip_address", "user_agent", "logout_time")
    search_fields = ("username", "ip_address")
    ordering = ("-attempt_time",)
    fields = ("username", "ip_address", "user_agent", "attempt_time", "logout_time")


@admin.register(Authenticator)
class SecondFactorAdmin(TableAdmin):
    """Which second factors people have; deleting one helps whoever lost a device. Their secrets are never shown."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_select_related = ("user",)
    list_filter = ("type",)
    search_fields = ("user__email",)
    fields = ("user", "type", "created_at", "last_used_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """What was done in the admin, by whom."""

    list_display = ("action_time", "user", "content_type", "object_repr", "action_label")
    list_select_related = ("user", "content_type")
    list_filter = ("action_flag",)
    fields = ("action_time", "user", "content_type", "object_repr", "action_flag", "change_message")

    @display(description="Action", label={"1": "success", "2": "info", "3": "danger"})
    def action_label(self, entry: LogEntry) -> tuple[str, str]:
        return label_of(str(entry.action_flag), entry.get_action_flag_display())
