"""What is to be done: tasks, and what happens by itself when an address becomes at risk or invalid."""

from __future__ import annotations

from django.contrib import admin
from unfold.decorators import display

from bounces.admin.bases import STATUS_LABEL, FormAdmin, ReadOnlyAdmin, TableAdmin, label_of
from contacts.models import Deed, StatusAction, Task


@admin.register(StatusAction)
class StatusActionAdmin(FormAdmin):
    list_display = ("status_label", "does", "tag", "days", "is_enabled")
    list_select_related = ("tag",)
    list_editable = ("is_enabled",)
    autocomplete_fields = ("tag",)

    @display(description="When an address becomes", label=STATUS_LABEL, ordering="status")
    def status_label(self, action: StatusAction) -> tuple[str, str]:
        return label_of(action.status, action.get_status_display())


@admin.register(Task)
class TaskAdmin(TableAdmin):
    list_display = ("text", "contact", "owner", "due_on", "done_at")
    list_select_related = ("contact", "owner")
    list_filter = ("owner", ("done_at", admin.EmptyFieldListFilter))
    search_fields = ("text",)
    autocomplete_fields = ("contact", "owner")
    readonly_fields = ("done_at", "done_by")


@admin.register(Deed)
class DeedAdmin(ReadOnlyAdmin):
    """What actions did, and what became of it when the address got its status back."""

    list_display = ("at", "address", "status", "does", "contact", "ending", "ended_at")
    list_select_related = ("address", "contact")
    list_filter = ("status", "does", "ending")
    address_path = "address"
    search_help_text = "The beginning of an address, or of its domain."
