"""The admin of emails to users: what became of each, and sending again. In: OutgoingEmail rows. Out: the same."""

# ruff: noqa: ARG002 -- the hooks' signatures are Django's and Unfold's

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRefresh
from unfold.decorators import action, display

from bounces.admin.bases import ReadOnlyAdmin, label_of
from crm.mail.models import OutgoingEmail
from crm.mail.sending import send_again

STATE_LABEL = {"sent": "success", "waiting": "info", "uncertain": "warning", "given_up": "danger"}


@admin.register(OutgoingEmail)
class OutgoingEmailAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "about", "recipient", "state_label", "tries", "due_at", "done_at", "answer")
    list_filter = ("state", "kind")
    list_select_related = ("recipient",)
    fields = ("about", "recipient", "state_label", "tries", "due_at", "created_at", "done_at", "answer")
    readonly_fields = ("about", "state_label")
    actions_detail = ("send_once_more",)

    @display(description="About", ordering="kind")
    def about(self, email: OutgoingEmail) -> str:
        return email.kind.replace("_", " ").capitalize()

    @display(description="State", label=STATE_LABEL, ordering="state")
    def state_label(self, email: OutgoingEmail) -> tuple[str, str]:
        return label_of(email.state, email.get_state_display())

    def has_send_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(getattr(request.user, "is_staff", False))

    @action(
        description="Send again",
        icon="send",
        permissions=["send"],
        dialog={
            "title": "Send this email again",
            "description": "If the mail server took an earlier try, the recipient gets it twice.",
            "form_class": None,
            "form_submit_text": "Send again",
        },
    )
    def send_once_more(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        if send_again(OutgoingEmail.objects.get(pk=object_id), timezone.now()):
            messages.success(request, "The email will be sent within a minute.")
        else:
            messages.error(request, "Only emails that are uncertain or given up can be sent again.")
        return HttpResponseClientRefresh()
