"""The table of emails to users. In: rows of `rows.py`. Out: OutgoingEmail, and what became of each."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class OutgoingEmail(models.Model):
    """One email to one person. What it says is written when it is sent, of what is true then.

    An account's email (a password reset) cannot be written later: it is kept sealed until it is sent.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        UNCERTAIN = "uncertain", "Uncertain"
        GIVEN_UP = "given_up", "Given up"
        NOT_NEEDED = "not_needed", "No longer needed"

    kind = models.TextField(help_text="What it is about.")
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+", help_text="Empty: not a user."
    )
    about_id = models.BigIntegerField(null=True, help_text="The row that it is about.")
    occasion = models.TextField(help_text="What happened: each person gets one email about it.")
    sealed_message = models.TextField(blank=True, default="", editable=False)
    state = models.TextField(choices=State, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    answer = models.TextField(blank=True, default="", help_text="What the mail server said, or why there was no reply.")
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "email to a user"
        verbose_name_plural = "emails to users"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "occasion", "recipient"], name="outgoingemail_once"),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "sent", "uncertain", "given_up", "not_needed"]),
                name="outgoingemail_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting") | Q(done_at__isnull=False), name="outgoingemail_is_dated"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "uncertain", "given_up"]) | Q(sealed_message=""),
                name="outgoingemail_forgets_what_it_said",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="outgoingemail_due", condition=Q(state="waiting")),
            models.Index(fields=["done_at"], name="outgoingemail_done", condition=Q(done_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
