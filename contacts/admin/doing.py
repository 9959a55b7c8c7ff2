"""What is to be done: tasks, and what happens by itself when an address becomes at risk or invalid."""

from __future__ import annotations

from django.contrib import admin
from unfold.decorators import display

from bounces.admin.bases import STATUS_LABEL, FormAdmin, TableAdmin, label_of
from contacts.models import StatusAction, Task


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
