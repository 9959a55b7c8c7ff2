"""What we looked up about a domain, so that a bounce is known by who receives its mail.

In: rows of `bounces/providers.py`. Out: the operator of a domain's mail servers. A cache: it may be emptied.
"""

from __future__ import annotations

from django.db import models


class Domain(models.Model):
    """One recipient domain whose MX was looked up. Without a row, nobody has looked."""

    domain = models.TextField(help_text="Lower case, A-labels.")
    operator = models.TextField(
        blank=True,
        default="",
        help_text="The provider that its MX names, a table of providers.toml. Empty: none known.",
    )
    mx_host = models.TextField(blank=True, default="", help_text="The mail server of the lowest preference.")
    looked_up_at = models.DateTimeField(help_text="Also when the look-up failed: it is tried again a day later.")
    failed = models.BooleanField(default=False, help_text="The DNS gave no answer. Says nothing about any address.")

    class Meta:
        ordering = ["domain"]
        constraints = [models.UniqueConstraint(fields=["domain"], name="domain_unique")]

    def __str__(self) -> str:
        return self.domain
