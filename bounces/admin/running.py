"""What is running: the inbox, cleaning runs, leases and the outbox to read; schedules to edit."""

from __future__ import annotations

from typing import Any

from croniter import croniter
from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from bounces.admin.bases import STATUS_LABEL, FormAdmin, ReadOnlyAdmin, label_of
from bounces.models import (
    CleaningRow,
    CleaningRun,
    CleaningTarget,
    InboundItem,
    Lease,
    Outbox,
    PrunedCount,
    RawChunk,
    Schedule,
    ScheduleRun,
)
from bounces.schedule import next_time
from bounces.sentences import explain_change
from bounces.tasks import TASKS

RUN_LABEL = {
    "queued": "info",
    "evaluating": "info",
    "ready": "warning",
    "applying": "info",
    "paused": "warning",
    "undoing": "info",
    "done": "success",
    "failed": "danger",
    "cancelled": "warning",
}
INBOX_LABEL = {
    "pending": "info",
    "done": "success",
    "ignored": "info",
    "unverified": "warning",
    "quarantined": "danger",
}


@admin.register(CleaningRun)
class CleaningRunAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "state_label",
        "scope_label",
        "via",
        "started_by",
        "changes",
        "applied",
        "left_out",
        "created_at",
    )
    list_select_related = ("started_by",)
    list_filter = ("state", "via")

    @display(description="Run", ordering="id")
    def name(self, run: CleaningRun) -> str:
        return f"Cleaning run {run.pk}"

    @display(description="State", label=RUN_LABEL, ordering="state")
    def state_label(self, run: CleaningRun) -> tuple[str, str]:
        return label_of(run.state, run.get_state_display())


@admin.register(CleaningTarget)
class CleaningTargetAdmin(ReadOnlyAdmin):
    list_display = ("run", "address")
    list_select_related = ("run", "address")
    address_path = "address"


@admin.register(CleaningRow)
class CleaningRowAdmin(ReadOnlyAdmin):
    list_display = ("run", "address", "from_label", "to_label", "sentence", "outcome_label")
    list_select_related = ("run", "address")
    list_filter = ("outcome", "to_status")
    address_path = "address"
    search_help_text = "The beginning of an address, or of its domain."

    @display(description="From", label=STATUS_LABEL)
    def from_label(self, row: CleaningRow) -> tuple[str, str]:
        return label_of(row.from_status, row.get_from_status_display())

    @display(description="To", label=STATUS_LABEL)
    def to_label(self, row: CleaningRow) -> tuple[str, str]:
        return label_of(row.to_status, row.get_to_status_display())

    @display(description="Why")
    def sentence(self, row: CleaningRow) -> str:
        return explain_change(row)

    @display(description="Outcome", label={"pending": "info", "applied": "success", "left_out": "warning"})
    def outcome_label(self, row: CleaningRow) -> tuple[str, str]:
        return label_of(row.outcome, row.get_outcome_display())


@admin.register(InboundItem)
class InboundItemAdmin(ReadOnlyAdmin):
    list_display = ("received_at", "shown_name", "source", "form", "state_label", "why", "facts", "size", "by")
    list_select_related = ("by",)
    list_filter = ("state", "form", "trust")
    search_fields = ("=id",)
    search_help_text = "The number of an item."
    readonly_fields = ("raw",)

    @display(description="Name")
    def shown_name(self, item: InboundItem) -> str:
        return str(item)

    @display(description="State", label=INBOX_LABEL, ordering="state")
    def state_label(self, item: InboundItem) -> tuple[str, str]:
        return label_of(item.state, item.get_state_display())

    @display(description="Its bytes")
    def raw(self, item: InboundItem) -> str:
        """The page shows them as text, in a frame that runs nothing: never the admin, whose policy is relaxed."""
        return format_html(
            '<a class="text-primary-600 dark:text-primary-500" href="{}">Open it in the inbox</a>',
            reverse("bounces:item", args=[item.pk]),
        )


@admin.register(RawChunk)
class RawChunkAdmin(ReadOnlyAdmin):
    """Which pieces there are; what is in them is shown by the inbox' page."""

    list_display = ("id", "item_id", "position")
    fields = ("item_id", "position")
    search_fields = ("=item_id",)
    search_help_text = "The number of an item."

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("body")


class ScheduleForm(forms.ModelForm):
    class Meta:
        model = Schedule
        fields = ("name", "task", "cron", "is_enabled")
        widgets = {
            "task": UnfoldAdminSelectWidget(choices=[(name, name.replace("_", " ").capitalize()) for name in TASKS]),
        }


@admin.register(Schedule)
class ScheduleAdmin(FormAdmin):
    form = ScheduleForm
    list_display = ("name", "task", "cron", "in_words", "next_run", "last_run_at", "last_outcome", "is_enabled")
    fields = ("name", "task", "cron", "in_words", "is_enabled", "next_run", "last_run_at", "last_outcome")
    readonly_fields = ("in_words", "next_run", "last_run_at", "last_outcome")

    def save_model(self, request: HttpRequest, obj: Schedule, form: forms.ModelForm, change: bool) -> None:  # noqa: ARG002 -- the hook's signature is Django's
        """What was changed alone: the scheduler may have written the rest since the form was read."""
        changed = set(form.changed_data)
        if {"cron", "is_enabled"} & changed or not change:
            obj.next_run_at = next_time(obj.cron, timezone.now()) if obj.is_enabled else None
            changed.add("next_run_at")
        obj.save(update_fields=changed if change else None)

    @display(description="In words")
    def in_words(self, schedule: Schedule) -> str:
        return explain_cron(schedule.cron) if schedule.cron else "Shown when it is saved."

    @display(description="Next run")
    def next_run(self, schedule: Schedule) -> str:
        if not schedule.is_enabled:
            return "never: it is switched off"
        if schedule.next_run_at is None:
            return "worked out at the next tick"
        return f"{schedule.next_run_at:%a %-d %B %Y, %H:%M} UTC"


START_LABEL = {"Finished": "success", "Failed": "danger", "Running": "info", "Waiting": "info"}


@admin.register(ScheduleRun)
class ScheduleRunAdmin(ReadOnlyAdmin):
    list_display = ("due_at", "schedule", "state", "started_at", "finished_at", "tries", "outcome")
    list_filter = ("schedule", "failed", ("finished_at", admin.EmptyFieldListFilter))
    list_select_related = ("schedule",)
    fields = ("schedule", "task", "state", "due_at", "queued_at", "started_at", "finished_at", "tries", "outcome")
    readonly_fields = ("state",)

    @display(
        description="State", label={"Finished": "success", "Failed": "danger", "Running": "info", "Waiting": "info"}
    )
    def state(self, run: ScheduleRun) -> str:
        """Running is what its job said last: one that was killed is queued again within two minutes."""
        if run.finished_at is not None:
            return "Failed" if run.failed else "Finished"
        return "Running" if run.started_at is not None else "Waiting"


WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def explain_cron(cron: str) -> str:
    """The common forms in words; for the others, the next three times, which explain any."""
    if not croniter.is_valid(cron) or len(cron.split()) != 5:  # set by hand in the database
        return "This cron expression cannot be read. Write it as in 30 2 * * *."
    minute, hour, day, month, weekday = cron.split()
    at = f"at {int(hour):02}:{int(minute):02} UTC" if minute.isdigit() and hour.isdigit() else ""
    if at and (day, month, weekday) == ("*", "*", "*"):
        return f"Every day {at}."
    if at and (day, month) == ("*", "*") and weekday.isdigit():
        return f"Every {WEEKDAYS[int(weekday)]} {at}."
    if at and (month, weekday) == ("*", "*") and day.isdigit():
        return f"Every month on day {day} {at}."
    if minute.isdigit() and (hour, day, month, weekday) == ("*",) * 4:
        return f"Every hour at minute {minute}."
    if minute.startswith("*/") and (hour, day, month, weekday) == ("*",) * 4:
        return f"Every {minute.removeprefix('*/')} minutes."
    moment, times = timezone.now(), []
    for _ in range(3):
        moment = next_time(cron, moment)
        times.append(f"{moment:%a %-d %B, %H:%M}")
    return f"Next: {'; '.join(times)} (UTC)."


@admin.register(PrunedCount)
class PrunedCountAdmin(ReadOnlyAdmin):
    list_display = ("state", "items")
    ordering = ("state",)


@admin.register(Lease)
class LeaseAdmin(ReadOnlyAdmin):
    list_display = ("name", "holder", "fence", "expires_at")
    ordering = ("name",)


@admin.register(Outbox)
class OutboxAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "topic", "receiver", "due_at", "done_at", "tries", "error")
    list_filter = ("topic", ("done_at", admin.EmptyFieldListFilter))
