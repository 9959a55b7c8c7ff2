"""The admin of the sources from which mails and events come.

In: what an admin types. Out: IntakeSource rows. Secrets are written and never shown again (`source_forms.py`); “Test
this source” sends what the provider would (`trying.py`).
"""

# ruff: noqa: ARG002 -- the hooks' signatures are Django's and Unfold's

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRefresh
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from bounces.admin.bases import FormAdmin, ReadOnlyAdmin
from bounces.admin.source_forms import NewSourceForm, field_name, form_for
from bounces.admin.trying import try_source, url_of
from bounces.intake.kinds import KINDS
from bounces.lists import count_states
from bounces.models import InboundItem, IntakeSource, SourceSeen

WAITING = (InboundItem.State.UNVERIFIED, InboundItem.State.QUARANTINED)  # for a person


@admin.register(IntakeSource)
class IntakeSourceAdmin(FormAdmin):
    list_display = ("name", "kind_name", "trust", "is_enabled", "last_seen", "received", "refused", "last_error")
    list_select_related = ("seen",)
    list_filter = ("kind", "is_enabled", "trust")
    search_fields = ("name",)
    seen_fields = ("last_seen", "received", "set_aside", "refused", "last_error")
    readonly_fields = ("name", "kind_name", "where", "steps", *seen_fields)
    actions_detail = ("test", "renew")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = NewSourceForm if obj is None else form_for(obj)
        kwargs["fields"] = None  # the form's own
        return super().get_form(request, obj, change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.readonly_fields

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return [(None, {"fields": ("name", "kind", "trust", "is_enabled")})]
        kind = KINDS.get(obj.kind)
        told = [field_name(field) for field in kind.fields] if kind and kind.fields else ["options"]
        how = ("where", "steps") if kind and kind.has_url else ("steps",)
        connecting = [("How it is connected", {"fields": how})] if kind and kind.steps else []
        return [
            (None, {"fields": ("name", "kind_name", "trust", "is_enabled")}),
            ("What it has to be told", {"fields": told}),
            *connecting,
            ("What was seen of it", {"fields": self.seen_fields}),
        ]

    def save_model(self, request: HttpRequest, obj: IntakeSource, form: forms.ModelForm, change: bool) -> None:
        if not change:
            obj.created_by = request.user  # type: ignore[assignment]  # signed in
        super().save_model(request, obj, form, change)
        SourceSeen.objects.get_or_create(source=obj)

    def response_add(
        self, request: HttpRequest, obj: IntakeSource, post_url_continue: str | None = None
    ) -> HttpResponse:
        """On to what its kind has to be told."""
        messages.success(request, "Made. Now tell it what its kind needs, and connect it by the steps below.")
        return HttpResponseRedirect(reverse("admin:bounces_intakesource_change", args=[obj.pk]))

    @action(
        description="Test this source",
        icon="science",
        dialog={
            "title": "Test this source",
            "description": "Of a webhook: sends a bounce as the provider would, through the source's own address, says "
            "what came of it, and takes it back. Of a mailbox: signs in, looks what is there, and touches nothing. "
            "Save your changes first.",
            "form_class": BaseDialogForm,
            "form_submit_text": "Test",
        },
    )
    def test(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        tried = try_source(IntakeSource.objects.get(pk=object_id), timezone.now())
        (messages.success if tried.is_good else messages.error)(request, tried.sentence)
        return HttpResponseClientRefresh()

    @action(
        description="New address",
        icon="refresh",
        dialog={
            "title": "Give it a new address",
            "description": "For when others have seen the old one, which is nobody's from then on: paste the new one "
            "at the provider at once.",
            "form_class": BaseDialogForm,
            "form_submit_text": "Give it a new one",
        },
    )
    def renew(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        IntakeSource.objects.get(pk=object_id).renew_token()
        messages.success(request, "It has a new address. The old one answers nobody any more.")
        return HttpResponseClientRefresh()

    @display(description="Kind", ordering="kind")
    def kind_name(self, source: IntakeSource) -> str:
        kind = KINDS.get(source.kind)
        return kind.name if kind else source.kind

    @display(description="Its address")
    def where(self, source: IntakeSource) -> str:
        return render_to_string("admin/bounces/intakesource/address.html", {"url": url_of(source)})

    @display(description="Steps")
    def steps(self, source: IntakeSource) -> str:
        return render_to_string("admin/bounces/intakesource/steps.html", {"steps": KINDS[source.kind].steps})

    @display(description="Last seen")
    def last_seen(self, source: IntakeSource) -> str:
        seen = getattr(source, "seen", None)
        return in_words(seen.last_seen_at) if seen and seen.last_seen_at else "never"

    @display(description="Received")
    def received(self, source: IntakeSource) -> str:
        seen = getattr(source, "seen", None)
        return f"{seen.received:,}" if seen else "0"

    @display(description="Waits for somebody")
    def set_aside(self, source: IntakeSource) -> str:
        items = count_states(InboundItem.objects.filter(source=source.door, state__in=WAITING))
        told = [f"{items[state]:,} {state}" for state in WAITING if items[state]]
        return f"{', '.join(told)}: the Inbox says why" if told else "nothing"

    @display(description="Refused")
    def refused(self, source: IntakeSource) -> str:
        seen = getattr(source, "seen", None)
        return f"{seen.refused:,}" if seen else "0"

    @display(description="Error")
    def last_error(self, source: IntakeSource) -> str:
        seen = getattr(source, "seen", None)
        if not seen or not seen.last_error:
            return "none"
        is_over = bool(seen.last_seen_at and seen.last_seen_at > seen.last_error_at)
        said = f"{in_words(seen.last_error_at)}: {seen.last_error}"
        return f"Over: something was taken since. {said}" if is_over else said


def in_words(at: datetime) -> str:
    return f"{at:%-d %B %Y, %H:%M} UTC"


@admin.register(SourceSeen)
class SourceSeenAdmin(ReadOnlyAdmin):
    list_display = ("source", "last_seen_at", "received", "refused", "last_error", "last_error_at")
    list_select_related = ("source",)
    ordering = ("source__name",)
