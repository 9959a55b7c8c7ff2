"""Who we talk to: organisations, people, the addresses they are reached at, tags and custom fields.

In: rows of the pages, the API and imports. Out: what segments filter and campaigns send to.
Nothing about deliverability is kept here: it hangs on the address (`bounces.models.Address`), which contacts share.
Search reads `document`, which triggers keep up to date (`contacts/search.py`). Lists are sorted by `sort_name`.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now
from django.urls import reverse

from bounces.models import Address
from contacts.folding import Folded, SortName, Words

PLAIN_TOOL = r"^[^\s:]+$"  # lower case, no spaces, no colons
PLAIN_KEY = r"^[a-z][a-z0-9_]*$"  # of a custom field


class Company(models.Model):
    name = models.TextField()
    domain = models.TextField(blank=True, default="", help_text="Of its website, without www.")
    country = models.CharField(max_length=2, blank=True, default="", help_text="ISO 3166 code of two letters.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="companies"
    )
    notes = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    sort_name = models.GeneratedField(expression=Folded("name"), output_field=models.TextField(), db_persist=True)

    class Meta:
        verbose_name_plural = "companies"
        constraints = [
            models.UniqueConstraint(Lower("name"), name="company_name_unique"),
            models.CheckConstraint(condition=~Q(name=""), name="company_name_given"),
        ]
        indexes = [
            models.Index(fields=["domain"], name="company_domain"),
            models.Index(fields=["sort_name", "id"], name="company_sort_name"),
            GinIndex(OpClass(Words("name"), name="gin_trgm_ops"), name="company_search"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("contacts:company", args=[self.pk])


class Tag(models.Model):
    name = models.TextField()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="tag_name_unique"),
            models.CheckConstraint(condition=~Q(name=""), name="tag_name_given"),
        ]

    def __str__(self) -> str:
        return self.name


class CustomField(models.Model):
    """Declares one key of `Contact.custom`."""

    class Type(models.TextChoices):
        TEXT = "text", "Text"
        NUMBER = "number", "Number"
        DATE = "date", "Date"
        YES_NO = "yes_no", "Yes or no"
        CHOICE = "choice", "Choice"

    key = models.TextField(validators=[RegexValidator(PLAIN_KEY, "Lower-case letters, digits and _.")])
    label = models.TextField()
    type = models.TextField(choices=Type, default=Type.TEXT)
    options = models.JSONField(default=list, blank=True, help_text="Of a choice: the list of its words.")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "label"]
        constraints = [
            models.UniqueConstraint(fields=["key"], name="customfield_key_unique"),
            models.CheckConstraint(condition=Q(key__regex=PLAIN_KEY), name="customfield_key_plain"),
            models.CheckConstraint(
                condition=Q(type__in=["text", "number", "date", "yes_no", "choice"]),
                name="customfield_type_known",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        is_list_of_words = isinstance(self.options, list) and all(isinstance(word, str) for word in self.options)
        if not is_list_of_words:
            raise ValidationError({"options": "A list of words is needed."})
        if self.type == self.Type.CHOICE and not self.options:
            raise ValidationError({"options": "A choice needs its words."})


class ContactQuerySet(models.QuerySet["Contact"]):
    def present(self) -> ContactQuerySet:
        """Those that nobody deleted."""
        return self.filter(deleted_at__isnull=True)


class Contact(models.Model):
    first_name = models.TextField(blank=True, default="")
    last_name = models.TextField(blank=True, default="")
    title = models.TextField(blank=True, default="", help_text="Of their job.")
    company = models.ForeignKey(Company, models.SET_NULL, null=True, blank=True, related_name="contacts")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="contacts")
    phone = models.TextField(blank=True, default="")
    country = models.CharField(max_length=2, blank=True, default="", help_text="ISO 3166 code of two letters.")
    custom = models.JSONField(default=dict, blank=True, help_text="Values by the keys of the custom fields.")
    source = models.TextField(blank=True, default="", help_text="Where it came from: a file, a tool, a person.")
    external_id = models.TextField(null=True, blank=True, help_text="Its id in the tool it came from.")
    tags = models.ManyToManyField(Tag, blank=True, related_name="contacts")
    document = models.TextField(blank=True, default="", db_default="", editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    sort_name = models.GeneratedField(
        expression=SortName("first_name", "last_name"), output_field=models.TextField(null=True), db_persist=True
    )

    objects = ContactQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["external_id"],
                name="contact_external_id_unique",
                condition=Q(external_id__isnull=False),
            ),
            models.CheckConstraint(
                condition=Q(external_id__isnull=True) | ~Q(external_id=""),
                name="contact_external_id_not_empty",
            ),
            models.CheckConstraint(condition=Q(country__regex=r"^([A-Z]{2})?$"), name="contact_country_code"),
        ]
        indexes = [
            models.Index(fields=["sort_name", "id"], name="contact_sort_name", condition=Q(deleted_at__isnull=True)),
            models.Index(fields=["updated_at", "id"], name="contact_updated", condition=Q(deleted_at__isnull=True)),
            models.Index(fields=["source", "id"], name="contact_source", condition=~Q(source="")),
            GinIndex(OpClass("document", name="gin_trgm_ops"), name="contact_search"),
        ]

    def __str__(self) -> str:
        return self.name or f"contact {self.pk}"

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    def get_absolute_url(self) -> str:
        return reverse("contacts:contact", args=[self.pk])


class ContactExternalId(models.Model):
    """The id of a contact in a named tool. `Contact.external_id` is its id in a tool without a name.

    A deleted contact keeps its rows in case it is restored. A contact that later gets the same id takes the row over.
    """

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="external_ids")
    tool = models.TextField(help_text="A plain name: hubspot, salesforce.")
    external_id = models.TextField()

    class Meta:
        verbose_name = "external id"
        ordering = ["tool", "external_id"]
        indexes = [models.Index(fields=["external_id"], name="contactexternalid_by_id")]  # search names no tool
        constraints = [
            models.UniqueConstraint(fields=["tool", "external_id"], name="contactexternalid_unique"),
            models.CheckConstraint(
                condition=~Q(external_id="") & Q(tool__regex=PLAIN_TOOL), name="contactexternalid_given"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool}: {self.external_id}"


class ContactAddress(models.Model):
    """That a contact is reached at an address. One of a contact's addresses is the primary one."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="contact_addresses", db_index=False)
    address = models.ForeignKey(Address, models.PROTECT, related_name="contact_addresses")
    is_primary = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = "contact addresses"
        constraints = [
            models.UniqueConstraint(fields=["contact", "address"], name="contactaddress_once"),
            models.UniqueConstraint(
                fields=["contact"], condition=Q(is_primary=True), name="contactaddress_one_primary"
            ),
        ]

    def __str__(self) -> str:
        return str(self.address)
