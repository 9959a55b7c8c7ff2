"""The sources from which mails and events come, as admins declare them; and what was seen of each.

In: what an admin typed; what the doors saw. Out: which door takes what, and how far it is believed.
A source's name is what inbox items and evidence carry. Its secrets are sealed (`bounces/sealing.py`).
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from bounces.models.constraints import choices, one_of
from bounces.sealing import seal, unseal
from bounces.values import Trust

PLAIN_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
LEVELS = (Trust.TRUSTED, Trust.MATCH, Trust.TOKEN)


def make_token() -> str:
    """192 random bits: what makes a webhook's URL one that nobody guesses."""
    return secrets.token_urlsafe(24)


class IntakeSource(models.Model):
    """One door: a provider's webhook, a mailbox, recipients of the mail server. `kind` says which."""

    name = models.TextField(help_text="What the inbox and evidence call it: ses-main. Letters, digits, . _ -")
    kind = models.TextField(help_text="imap, smtp, or a provider of webhooks.")
    is_enabled = models.BooleanField(default=True)
    trust = models.TextField(choices=[choice for choice in choices(Trust) if choice[0] in LEVELS])
    token = models.TextField(default=make_token, editable=False, help_text="The unguessable part of its URL.")
    options = models.JSONField(default=dict, blank=True, help_text="What the kind needs to know.")
    sealed_secrets = models.TextField(blank=True, default="", editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["name"], name="intakesource_name_unique"),
            models.UniqueConstraint(fields=["token"], name="intakesource_token_unique"),
            one_of("trust", LEVELS, "intakesource_trust_known"),
            models.CheckConstraint(condition=Q(name__regex=PLAIN_NAME), name="intakesource_name_plain"),
            models.CheckConstraint(condition=~Q(kind=""), name="intakesource_kind_given"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def door(self) -> str:
        """What inbox items call it: the source that makes a digest unique, and that people read."""
        return f"{self.kind}:{self.name}"

    def renew_token(self) -> None:
        """Its old address is nobody's from now on."""
        self.token = make_token()
        self.save(update_fields=["token"])

    @property
    def secrets(self) -> dict[str, Any]:
        """Opened. Raises bounces.sealing.CannotOpen."""
        opened: dict[str, Any] = json.loads(unseal(self.sealed_secrets)) if self.sealed_secrets else {}
        return opened

    @secrets.setter
    def secrets(self, values: dict[str, Any]) -> None:
        self.sealed_secrets = seal(json.dumps(values)) if values else ""


class SourceSeen(models.Model):
    """What was seen of a source: a narrow row of its own, since it changes with every request."""

    source = models.OneToOneField(IntakeSource, models.CASCADE, primary_key=True, related_name="seen")
    last_seen_at = models.DateTimeField(null=True, blank=True, help_text="It last brought something.")
    received = models.BigIntegerField(default=0, db_default=0)
    refused = models.BigIntegerField(default=0, db_default=0)
    last_error = models.TextField(blank=True, default="", db_default="", help_text="In words for people; empty: none.")
    last_error_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "seen of sources"

    def __str__(self) -> str:
        return f"{self.received} received"
