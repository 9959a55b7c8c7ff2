"""Tables of duplicates: pairs that may be the same, what people decided, and what each merge changed.

Written only by `contacts/duplicates/` and `contacts/merging/`.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse

from bounces.models.constraints import one_of
from contacts.models.people import Company, Contact

# A check passes if a comparison is NULL, so each condition tests for NULL explicitly.
BOTH_CONTACTS = Q(
    first_contact__isnull=False,
    second_contact__isnull=False,
    first_contact__lt=F("second_contact"),
    first_company__isnull=True,
    second_company__isnull=True,
)
BOTH_COMPANIES = Q(
    first_company__isnull=False,
    second_company__isnull=False,
    first_company__lt=F("second_company"),
    first_contact__isnull=True,
    second_contact__isnull=True,
)


class MergeRun(models.Model):
    """A run in which a worker merges all certain pairs."""

    class State(models.TextChoices):
        RUNNING = "running", "Merging"
        DONE = "done", "Merged"
        UNDOING = "undoing", "Undoing"
        UNDONE = "undone", "Undone"

    OPEN = (State.RUNNING, State.UNDOING)

    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    reason = models.TextField()
    state = models.TextField(choices=State, default=State.RUNNING)
    last_pair_id = models.BigIntegerField(help_text="Pairs found after the preview are left out.")
    total = models.PositiveIntegerField(default=0)
    merged = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0, help_text="Changed since the preview, or not this person's.")
    undone = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            one_of("state", ("running", "done", "undoing", "undone"), "mergerun_state_known"),
            models.CheckConstraint(condition=~Q(reason=""), name="mergerun_has_a_reason"),
            models.UniqueConstraint(
                models.Value(1), name="mergerun_one_at_a_time", condition=Q(state__in=["running", "undoing"])
            ),
        ]

    def __str__(self) -> str:
        return f"merge run {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("contacts:duplicates_run", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN


class Merge(models.Model):
    """One merge, with the rows it changed until it is undone or 30 days old.

    The ids are kept, so that erasing the kept contact also erases those that were merged into it.
    """

    class Subject(models.TextChoices):
        CONTACT = "contact", "Contact"
        COMPANY = "company", "Company"

    class State(models.TextChoices):
        DONE = "done", "Merged"
        UNDONE = "undone", "Undone"
        EXPIRED = "expired", "Undo expired"

    subject = models.TextField(choices=Subject)
    kept_id = models.BigIntegerField()
    other_id = models.BigIntegerField()
    state = models.TextField(choices=State, default=State.DONE)
    reason = models.TextField(blank=True, default="")
    run = models.ForeignKey(MergeRun, models.SET_NULL, null=True, blank=True, related_name="merges")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()
    changes = models.JSONField(default=dict, editable=False, help_text="Empty once it cannot be undone any more.")
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    stayed = models.JSONField(default=list, editable=False, help_text="What the undo left with the kept one.")

    class Meta:
        ordering = ["-id"]
        constraints = [
            one_of("subject", ("contact", "company"), "merge_subject_known"),
            one_of("state", ("done", "undone", "expired"), "merge_state_known"),
            models.CheckConstraint(condition=~Q(kept_id=F("other_id")), name="merge_of_two"),
            models.CheckConstraint(
                condition=Q(state="done") | Q(changes={}), name="merge_keeps_rows_only_while_it_can_be_undone"
            ),
        ]
        indexes = [
            models.Index(fields=["subject", "kept_id"], name="merge_kept"),
            models.Index(fields=["subject", "other_id"], name="merge_other"),
            models.Index(fields=["at"], name="merge_to_expire", condition=Q(state="done")),
        ]

    def __str__(self) -> str:
        return f"merge {self.pk} of {self.subject} {self.other_id} into {self.kept_id}"

    def get_absolute_url(self) -> str:
        return reverse("contacts:merged", args=[self.pk])


class DuplicatePair(models.Model):
    """Two contacts or two companies that may be the same. `first` has the smaller id."""

    class Kind(models.TextChoices):
        ADDRESS = "address", "Same address"
        PHONE = "phone", "Same phone"
        NAME = "name", "Same name"
        SIMILAR = "similar", "Similar name"
        COMPANY = "company", "Companies"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        DISMISSED = "dismissed", "Not the same"
        MERGED = "merged", "Merged"

    first_contact = models.ForeignKey(Contact, models.CASCADE, null=True, related_name="+", db_index=False)
    second_contact = models.ForeignKey(Contact, models.CASCADE, null=True, related_name="+")
    first_company = models.ForeignKey(Company, models.CASCADE, null=True, related_name="+", db_index=False)
    second_company = models.ForeignKey(Company, models.CASCADE, null=True, related_name="+")
    kind = models.TextField(choices=Kind)
    score = models.PositiveSmallIntegerField(help_text="0 to 100. Pairs below the threshold are not kept.")
    is_certain = models.BooleanField(default=False)
    reasons = models.JSONField(default=list, help_text="Names of rules in contacts/duplicates/rules.toml.")
    state = models.TextField(choices=State, default=State.OPEN)
    found_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    carried_by = models.ForeignKey(
        Merge, models.CASCADE, null=True, blank=True, related_name="+", help_text="The merge that brought the decision."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["first_contact", "second_contact"], name="duplicatepair_contacts_once"),
            models.UniqueConstraint(fields=["first_company", "second_company"], name="duplicatepair_companies_once"),
            models.CheckConstraint(condition=BOTH_CONTACTS | BOTH_COMPANIES, name="duplicatepair_of_two"),
            models.CheckConstraint(
                condition=Q(first_company__isnull=True) | Q(kind="company"), name="duplicatepair_company_kind"
            ),
            one_of("kind", ("address", "phone", "name", "similar", "company"), "duplicatepair_kind_known"),
            one_of("state", ("open", "dismissed", "merged"), "duplicatepair_state_known"),
        ]
        indexes = [
            models.Index(fields=["-score", "id"], name="duplicatepair_queue", condition=Q(state="open")),
            models.Index(
                fields=["kind", "is_certain", "-score", "id"], name="duplicatepair_by_kind", condition=Q(state="open")
            ),
        ]

    def __str__(self) -> str:
        return f"pair {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("contacts:duplicate", args=[self.pk])

    @property
    def is_of_companies(self) -> bool:
        return self.first_company_id is not None

    @property
    def ids(self) -> list[int]:
        """The ids of the two contacts or companies, the smaller one first."""
        sides = (self.first_contact_id, self.second_contact_id, self.first_company_id, self.second_company_id)
        return [pk for pk in sides if pk is not None]


class DuplicateKeys(models.Model):
    """Hashes of a contact: two contacts that share one are compared. They hold no readable text."""

    contact = models.OneToOneField(Contact, models.CASCADE, primary_key=True, related_name="+")
    keys = ArrayField(models.BigIntegerField())

    class Meta:
        verbose_name_plural = "duplicate keys"
        indexes = [GinIndex(fields=["keys"], name="duplicatekeys_keys", fastupdate=False)]

    def __str__(self) -> str:
        return f"keys of contact {self.contact_id}"


class DuplicateSearch(models.Model):
    """The progress of the search. One row."""

    class Stage(models.TextChoices):
        IDLE = "idle", "Not under way"
        KEYS = "keys", "Reading contacts"
        PAIRS = "pairs", "Comparing contacts"

    stage = models.TextField(choices=Stage, default=Stage.IDLE, help_text="Of a search of all contacts.")
    compared_until = models.DateTimeField(null=True, help_text="Contacts changed later are compared next. Empty: all.")
    cursor = models.BigIntegerField(default=0, help_text="The last contact of a full search that is under way.")
    is_full = models.BooleanField(default=True, help_text="Whether the search under way compares all contacts.")
    began_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    skipped = models.JSONField(default=dict, help_text="Groups too large to compare, by rule: how many, the largest.")

    class Meta:
        verbose_name_plural = "duplicate searches"
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="duplicatesearch_one_row"),
            one_of("stage", ("idle", "keys", "pairs"), "duplicatesearch_stage_known"),
        ]

    def __str__(self) -> str:
        return "the search for duplicates"
