"""The admin of outgoing webhooks: who listens, what became of each message, a test, sending again.

In: what an admin types. Out: WebhookEndpoint rows. The secret is shown once, when it is made or made anew.
"""

# ruff: noqa: ARG002 -- the hooks' signatures are Django's and Unfold's

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRefresh
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from bounces.admin.bases import FormAdmin, ReadOnlyAdmin, label_of
from bounces.network import Unreachable, vet
from bounces.sealing import seal
from crm.models import Topic, WebhookDelivery, WebhookEndpoint
from crm.webhooks.announcing import queue_test
from crm.webhooks.sending import forget_waiting, send_again
from crm.webhooks.signing import make_secret

STATE_LABEL = {"taken": "success", "waiting": "info", "given_up": "danger"}


class EndpointForm(forms.ModelForm):
    topics = forms.MultipleChoiceField(
        label="Events", choices=Topic.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )

    class Meta:
        model = WebhookEndpoint
        fields = ("name", "url", "topics", "is_enabled")
        labels = {"url": "URL", "is_enabled": "Enabled"}
        help_texts = {
            "name": "The tool that receives the events.",
            "is_enabled": "When off, nothing is sent. Events from that time are not sent later either.",
        }

    def clean_url(self) -> str:
        """Looked at now, and again whenever it is connected to."""
        url = str(self.cleaned_data["url"])
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValidationError("This is not a valid URL: the port must be a number.") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValidationError("The URL must start with https:// (or http:// inside your own network).")
        if parts.username or parts.password:
            raise ValidationError("Remove the user name and password from the URL. The signature proves who sends.")
        try:
            vet(parts.hostname, port or 443)
        except Unreachable as error:
            raise ValidationError(str(error)) from None
        return url


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(FormAdmin):
    form = EndpointForm
    list_display = ("name", "url", "topic_list", "state", "last_success_at", "last_error")
    search_fields = ("name", "url")
    fields = ("name", "url", "topics", "is_enabled")
    actions_detail = ("send_test", "renew_secret")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        facts = ("state", "last_success_at", "last_error", "stopped_why", "created_by", "created_at")
        return self.fields if obj is None else (*self.fields, *facts)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("state", "last_success_at", "last_error", "stopped_why", "created_by", "created_at")

    def save_model(self, request: HttpRequest, obj: WebhookEndpoint, form: forms.ModelForm, change: bool) -> None:
        if not change:
            request.issued_secret = make_secret()  # type: ignore[attr-defined]  # for the page that answers this request
            obj.sealed_secret = seal(request.issued_secret)  # type: ignore[attr-defined]
            obj.created_by = request.user  # type: ignore[assignment]  # signed in
        if obj.is_enabled:
            obj.stopped_why = ""
        super().save_model(request, obj, form, change)
        if not obj.is_enabled:
            forget_waiting(obj, timezone.now())

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        return self.show_secret(request, obj, request.issued_secret)  # type: ignore[attr-defined]  # set by save_model

    def show_secret(self, request: HttpRequest, endpoint: WebhookEndpoint, secret: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"The webhook “{endpoint.name}”",
            "endpoint": endpoint,
            "secret": secret,
        }
        response = TemplateResponse(request, "admin/crm/webhookendpoint/issued.html", context)
        response["Cache-Control"] = "no-store"
        return response

    @display(description="Events")
    def topic_list(self, endpoint: WebhookEndpoint) -> str:
        return ", ".join(endpoint.topics)

    @display(description="State", label={"listening": "success", "off": "info", "stopped": "danger"})
    def state(self, endpoint: WebhookEndpoint) -> str:
        if endpoint.is_enabled:
            return "listening"
        return "stopped" if endpoint.stopped_why else "off"

    @action(
        description="Send a test",
        icon="send",
        dialog={
            "title": "Send a test message",
            "description": "Sends one test event. The result appears under Webhook deliveries.",
            "form_class": None,
            "form_submit_text": "Send",
        },
    )
    def send_test(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        endpoint = WebhookEndpoint.objects.get(pk=object_id)
        if endpoint.is_enabled:
            queue_test(endpoint, timezone.now())
            messages.success(request, "Test event queued. The result appears under Webhook deliveries.")
        else:
            messages.error(request, "This webhook is off. Turn it on, then send the test again.")
        return HttpResponseClientRefresh()

    @action(
        description="New secret",
        icon="key",
        dialog={
            "title": "Create a new secret",
            "description": "Later events are signed with the new secret, and the old one stops working at once. "
            "Give the new secret to your tool.",
            "form_class": None,
            "form_submit_text": "Create secret",
        },
    )
    def renew_secret(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        secret = make_secret()
        WebhookEndpoint.objects.filter(pk=object_id).update(sealed_secret=seal(secret))
        messages.success(request, f"New secret (shown only once): {secret}")
        return HttpResponseClientRefresh()


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "endpoint", "topic", "state_label", "tries", "answer", "due_at")
    list_select_related = ("endpoint",)
    list_filter = ("state", "topic", "endpoint")
    fields = (
        "endpoint", "topic", "message_id", "state_label", "tries", "answer", "created_at", "due_at", "done_at", "shown"
    )  # fmt: skip
    readonly_fields = ("state_label", "shown")
    actions_detail = ("again",)

    @display(description="State", label=STATE_LABEL, ordering="state")
    def state_label(self, delivery: WebhookDelivery) -> tuple[str, str]:
        return label_of(delivery.state, delivery.get_state_display())

    @display(description="Payload")
    def shown(self, delivery: WebhookDelivery) -> str:
        return json.dumps(delivery.payload, ensure_ascii=False, indent=2)

    @action(
        description="Send again",
        icon="replay",
        dialog={
            "title": "Send this message again",
            "description": "Sends it again with the same ID, so a tool that already received it can ignore it.",
            "form_class": None,
            "form_submit_text": "Send again",
        },
    )
    def again(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        send_again(WebhookDelivery.objects.get(pk=object_id), timezone.now())
        messages.success(request, "The event is queued again.")
        return HttpResponseClientRefresh()
