"""The inbox: everything that arrives from outside, stored before anything else happens to it.

In: rows written by `bounces/intake/keep.py` alone. Out: what `bounces/process.py` reads, and a page that counts it:
in = done + ignored (why) + unverified + quarantined (why) + pending, a container counting as its children.
The raw bytes live apart, in chunks, so that the rows that are scanned stay small and an archive is read as a stream.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from bounces.models.address import Address
from bounces.models.constraints import choices, one_of
from bounces.values import Event, Shortcoming, Trust


class InboundItem(models.Model):
    """One thing that arrived: a mail, an archive of mails, or one event of a tool."""

    class State(models.TextChoices):
        PENDING = "pending", "Waiting"
        DONE = "done", "Recorded"
        IGNORED = "ignored", "Ignored"
        UNVERIFIED = "unverified", "Unverified"
        QUARANTINED = "quarantined", "Quarantined"

    class Form(models.TextChoices):
        MAIL = "mail", "Mail"
        EVENT = "event", "Event"
        MBOX = "mbox", "Mailbox file"
        ZIP = "zip", "Zip archive"
        EVENTS = "events", "Events of a provider"
        LIST = "list", "List of a provider"
        UNKNOWN = "unknown", "Unknown"

    ARCHIVES = (Form.MBOX, Form.ZIP)
    CONTAINERS = (*ARCHIVES, Form.EVENTS, Form.LIST)

    source = models.TextField(help_text="The door: upload, command, api:<key>.")
    digest = models.BinaryField(max_length=32, editable=False, help_text="SHA-256 of the payload or of its event id.")
    form = models.TextField(choices=Form, default=Form.MAIL)
    trust = models.TextField(choices=choices(Trust), default=Trust.UNPROVED)
    name = models.TextField(blank=True, default="", help_text="File name, or the event's id.")
    size = models.BigIntegerField(default=0, help_text="Bytes.")
    parent_id = models.BigIntegerField(null=True, blank=True, help_text="The container it came in.")
    tells = models.TextField(blank=True, default="", db_default="", help_text="Of a list: what its rows are.")
    state = models.TextField(choices=State, default=State.PENDING)
    why = models.TextField(blank=True, default="", help_text="In plain words, what became of it.")
    facts = models.PositiveIntegerField(default=0, help_text="New facts it gave; of a container, its messages.")
    tries = models.PositiveSmallIntegerField(default=0)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    released_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    released_because = models.TextField(blank=True, default="", db_default="", help_text="Why they vouch for it.")
    received_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "digest"], name="inbound_once"),
            one_of("state", ("pending", "done", "ignored", "unverified", "quarantined"), "inbound_state_known"),
            one_of("form", ("mail", "event", "mbox", "zip", "events", "list", "unknown"), "inbound_form_known"),
            one_of("trust", Trust, "inbound_trust_known"),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "done", "unverified"]) | ~Q(why=""), name="inbound_says_why"
            ),
        ]
        indexes = [
            models.Index(fields=["id"], name="inbound_pending", condition=Q(state="pending")),
            models.Index(fields=["state", "id"], name="inbound_state"),
            models.Index(fields=["parent_id", "id"], name="inbound_parent", condition=Q(parent_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name or f"item {self.pk}"

    @property
    def is_container(self) -> bool:
        return self.form in self.CONTAINERS

    @property
    def is_archive(self) -> bool:
        return self.form in self.ARCHIVES


class Unproved(models.Model):
    """One report of an item that is not proved to be about our mail: it changes nobody's status, and waits in review.

    In: `bounces/proof.py`. It goes when proof comes, by whichever door, and the item is then read again.
    """

    item_id = models.BigIntegerField()
    event_key = models.TextField(help_text="Which of the item's reports.")
    event = models.TextField(choices=choices(Event))
    address = models.ForeignKey(Address, models.CASCADE, related_name="unproved")
    shortcoming = models.TextField(choices=choices(Shortcoming), help_text="The proof that it lacks.")
    occurred_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "unproved reports"
        constraints = [
            models.UniqueConstraint(fields=["item_id", "event_key"], name="unproved_once"),
            one_of("shortcoming", Shortcoming, "unproved_shortcoming_known"),
            one_of("event", Event, "unproved_event_known"),
        ]

    def __str__(self) -> str:
        return f"{self.event}: {self.shortcoming}"


class PrunedCount(models.Model):
    """How many items of a state are no more: with them the inbox's numbers are all that ever arrived."""

    state = models.TextField(primary_key=True, choices=InboundItem.State)
    items = models.BigIntegerField(default=0)

    class Meta:
        constraints = [one_of("state", ("done", "ignored"), "prunedcount_state_known")]

    def __str__(self) -> str:
        return f"{self.items} {self.state}"


class RawChunk(models.Model):
    """A piece of an item's bytes, as they came. Most items have one."""

    item_id = models.BigIntegerField()
    position = models.PositiveIntegerField(default=0)
    body = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item_id", "position"], name="rawchunk_once")]

    def __str__(self) -> str:
        return f"chunk {self.position} of item {self.item_id}"
