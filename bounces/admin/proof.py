"""The admin of what waits for proof or for a person, and of attempts that turned out to be one. Read-only."""

from __future__ import annotations

from django.contrib import admin

from bounces.admin.bases import ReadOnlyAdmin
from bounces.models import MailboxPosition, MergedAttempt, ReviewItem, Unproved


@admin.register(Unproved)
class UnprovedAdmin(ReadOnlyAdmin):
    list_display = ("occurred_at", "event", "address", "shortcoming", "item_id")
    list_select_related = ("address",)
    list_filter = ("event", "shortcoming")
    address_path = "address"


@admin.register(MergedAttempt)
class MergedAttemptAdmin(ReadOnlyAdmin):
    list_display = ("attempt_id", "into_id")
    ordering = ("-attempt_id",)


@admin.register(MailboxPosition)
class MailboxPositionAdmin(ReadOnlyAdmin):
    list_display = ("source_id", "folder", "uid_validity", "uid", "read")


@admin.register(ReviewItem)
class ReviewItemAdmin(ReadOnlyAdmin):
    list_display = ("decided_at", "cause", "decision", "address", "number", "decided_by", "reason", "undone_at")
    list_select_related = ("address", "decided_by")
    list_filter = ("cause", "decision")
    address_path = "address"
