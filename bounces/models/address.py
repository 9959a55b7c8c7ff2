"""One e-mail address: unique, outliving contacts, the thing all deliverability hangs on.

In: addresses as `bounces/addresses.py` normalises them. Out: the row that every fact points to.
`status`, `status_rule`, `status_changed_at`, `evidence` and `reevaluate_at` are written by `bounces/policy.py` alone,
the `last_*` columns by `bounces/recording.py` alone: they are monotonic maxima, so that the order of events does not
matter. The row is narrow and leaves room on its page, so that an update of a date stays on it: `evidence` is kept only
of what bounces or an undo decided, one address in eight.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from bounces.models.constraints import choices, one_of
from bounces.values import Status


class Address(models.Model):
    email = models.TextField(help_text="Lower case, domain as A-labels.")
    domain = models.TextField()
    status = models.TextField(choices=choices(Status), default=Status.UNVERIFIED, db_default=Status.UNVERIFIED.value)
    status_rule = models.TextField(blank=True, default="", db_default="", help_text="The policy rule that decided.")
    status_changed_at = models.DateTimeField(null=True, blank=True)
    last_bounce_at = models.DateTimeField(null=True, blank=True)
    last_delivered_at = models.DateTimeField(null=True, blank=True)
    last_reply_at = models.DateTimeField(null=True, blank=True)
    last_click_at = models.DateTimeField(null=True, blank=True)
    restored_at = models.DateTimeField(null=True, blank=True, help_text="Bounces up to here count no more.")
    verified_at = models.DateTimeField(null=True, blank=True)
    verified_ok = models.BooleanField(null=True, blank=True, help_text="What the newest verification said.")
    evidence = models.JSONField(
        null=True,
        blank=True,
        editable=False,
        help_text="The counts and dates of the bounces that decide. Empty: the address's own dates say all.",
    )
    reevaluate_at = models.DateTimeField(
        null=True, blank=True, help_text="When the clock alone changes the status, or the days that it goes by."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = "addresses"
        constraints = [
            models.UniqueConstraint(fields=["email"], name="address_email_unique"),
            one_of("status", Status, "address_status_known"),
            models.CheckConstraint(condition=Q(email__regex=r"^[^A-Z\s]+@[^A-Z\s@]+$"), name="address_email_normal"),
            models.CheckConstraint(
                condition=Q(verified_at__isnull=True, verified_ok__isnull=True)
                | Q(verified_at__isnull=False, verified_ok__isnull=False),
                name="address_verification_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["domain", "id"], name="address_domain"),
            models.Index(fields=["status", "id"], name="address_status"),
            models.Index(fields=["reevaluate_at"], name="address_reevaluate", condition=Q(reevaluate_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.email


class Silence(models.Model):
    """The mails delivered to an address since it last replied or clicked. None: no row.

    Apart from the address, since it changes with every delivery: the row is narrow, and no index has its columns.
    """

    address = models.OneToOneField(Address, models.CASCADE, primary_key=True, related_name="silence")
    delivered = models.PositiveIntegerField()
    since = models.DateTimeField(help_text="When the first of them was delivered.")

    class Meta:
        verbose_name_plural = "silences"
        constraints = [models.CheckConstraint(condition=Q(delivered__gte=1), name="silence_has_a_mail")]

    def __str__(self) -> str:
        return f"{self.delivered} without an answer"
