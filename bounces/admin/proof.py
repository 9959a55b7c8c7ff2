"""The admin of what waits for proof, for its attempt or for a person, and of what turned out to be one. Read-only."""

from __future__ import annotations

from django.contrib import admin

from bounces.admin.bases import ReadOnlyAdmin
from bounces.models import EarlyOutcome, MailboxPosition, MergedAttempt, ReviewItem, SameMessage, Unproved


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


@admin.register(SameMessage)
class SameMessageAdmin(ReadOnlyAdmin):
    list_display = ("message_id", "provider_id", "address", "is_sure")
    list_select_related = ("address",)
    list_filter = ("is_sure",)
    address_path = "address"


@admin.register(EarlyOutcome)
class EarlyOutcomeAdmin(ReadOnlyAdmin):
    list_display = ("occurred_at", "event", "name", "address", "sender", "campaign_key")
    list_select_related = ("address",)
    list_filter = ("event",)
    address_path = "address"


@admin.register(MailboxPosition)
class MailboxPositionAdmin(ReadOnlyAdmin):
    list_display = ("source_id", "folder", "uid_validity", "uid", "read")


@admin.register(ReviewItem)
class ReviewItemAdmin(ReadOnlyAdmin):
    list_display = ("decided_at", "cause", "decision", "address", "number", "decided_by", "reason", "undone_at")
    list_select_related = ("address", "decided_by")
    list_filter = ("cause", "decision")
    address_path = "address"
