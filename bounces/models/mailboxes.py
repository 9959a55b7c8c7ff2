"""Up to where each mailbox was read. In: `bounces/intake/imap.py`. Out: the same; what is behind it was kept."""

from __future__ import annotations

from django.db import models


class MailboxPosition(models.Model):
    """The last mail of a folder that was kept, by the server's own numbers (RFC 3501 2.3.1.1)."""

    source_id = models.BigIntegerField()
    folder = models.TextField()
    uid_validity = models.BigIntegerField()
    uid = models.BigIntegerField(default=0, help_text="All mails up to this one were kept.")
    read = models.BigIntegerField(default=0, help_text="Mails that were kept or refused.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source_id", "folder"], name="mailbox_position_once")]

    def __str__(self) -> str:
        return f"{self.folder} up to {self.uid}"
