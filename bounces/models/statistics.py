"""Daily counts, made in the transaction of the facts they count.

In: increments of `bounces/recording.py`. Out: what the dashboard and the campaign pages show without a scan.
`dimension` is one of DIMENSIONS; of `all` the key is empty. A recipient domain has one row a month, dated its first
day: a row a day would be nearly as many rows as events. The key of `provider` is a table of providers.toml, or `other`.
`attempted`, `bounced` and `held` belong to the day the message was sent, so that `bounced / attempted` is a rate; the
others to the day the thing happened. What does not count (`bounces/conditions.py`) is in none of them but `held`.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class DailyStat(models.Model):
    DIMENSIONS = ("all", "campaign", "sender", "sender_domain", "provider", "recipient_domain")
    COUNTS = ("attempted", "bounced", "delivered", "deferred", "hard", "soft", "blocked", "complaints", "held")

    day = models.DateField()
    dimension = models.TextField(default="all")
    key = models.TextField(blank=True, default="")
    attempted = models.BigIntegerField(default=0, db_default=0)
    bounced = models.BigIntegerField(default=0, db_default=0, help_text="Attempts that failed for good, and count.")
    held = models.BigIntegerField(default=0, db_default=0, help_text="Attempts whose failure an incident holds.")
    delivered = models.BigIntegerField(default=0, db_default=0)
    deferred = models.BigIntegerField(default=0, db_default=0)
    hard = models.BigIntegerField(default=0, db_default=0)
    soft = models.BigIntegerField(default=0, db_default=0)
    blocked = models.BigIntegerField(
        default=0, db_default=0, help_text="Those of hard and soft that are the sender's fault."
    )
    complaints = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dimension", "key", "day"], name="dailystat_once"),
            models.CheckConstraint(
                condition=Q(attempted__gte=0, bounced__gte=0, hard__gte=0, soft__gte=0),
                name="dailystat_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.dimension} {self.key}".strip()
