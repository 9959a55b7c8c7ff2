"""The admin of `contacts`. In: what admins type. Out: calls of `contacts/people.py`; files: `files.py`.

A contact is saved by the same function as on its page, so that rules, search and timeline are the same.
"""

# ruff: noqa: ARG002 -- the hooks' signatures are Django's and Unfold's

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from bounces.admin.bases import ReadOnlyInline, TableAdmin
from bounces.admin.verdicts import ShowsVerdict, VerdictFilter
from bounces.models import Address
from bounces.values import Status
from contacts.admin.files import ContactFiles
from contacts.external_ids import as_lines, pairs_of, read_lines
from contacts.fields import FieldErrors, clean_fields
from contacts.models import Contact, ContactAddress
from contacts.people import Conflict, NotAllowed, change_contact, create_contact, delete_contact
from contacts.search import matching

WORDS = ("first_name", "last_name", "title", "owner", "phone", "country", "source", "external_id", "custom")


class ContactForm(forms.ModelForm):
    """Cleans by `contacts/fields.py`, so that the admin refuses what the pages refuse."""

    emails = forms.CharField(
        label="Addresses",
        required=False,
        help_text="One a line, the primary one first. An address keeps its status whoever has it.",
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
    )

    country = forms.CharField(
        required=False,
        max_length=100,
        help_text="ISO code, such as DE, or the country’s name.",
        widget=UnfoldAdminTextInputWidget,
    )
    external_ids = forms.CharField(
        label="Ids in named tools",
        required=False,
        help_text="One id per line: tool name, colon, id. Example: hubspot: 1815.",
        widget=UnfoldAdminTextareaWidget({"rows": 2}),
    )

    class Meta:
        model = Contact
        fields = (*WORDS, "company", "tags")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            reached = self.instance.contact_addresses.select_related("address").order_by("-is_primary", "id")
            self.initial["external_ids"] = as_lines(pairs_of(self.instance))
            self.initial["emails"] = "\n".join(each.address.email for each in reached)

    def clean_external_id(self) -> str | None:
        return (self.cleaned_data["external_id"] or "").strip() or None

    def clean_country(self) -> str:
        try:
            return str(clean_fields({"country": self.cleaned_data["country"]})["country"])
        except FieldErrors as error:
            raise ValidationError(error.errors["country"]) from error

    def words(self) -> dict[str, Any]:
        """The fields as `contacts/people.py` takes them."""
        given = {word: self.cleaned_data[word] for word in WORDS if word in self.cleaned_data}
        # The whole of the custom values is edited here: keys that are gone are to be removed.
        given["custom"] = {**dict.fromkeys(self.instance.custom or {}), **(given.get("custom") or {})}
        if company := self.cleaned_data.get("company"):
            given["company"] = company.name
        else:
            given["company"] = ""
        given["tags"] = [tag.name for tag in self.cleaned_data.get("tags") or ()]
        given["external_ids"] = read_lines(self.cleaned_data.get("external_ids", ""))
        given["addresses"] = self.cleaned_data.get("emails", "").split("\n")
        return given

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        try:
            clean_fields(self.words())
        except FieldErrors as error:
            for word, sentences in error.errors.items():
                name = {"addresses": "emails"}.get(word, "custom" if word.startswith("custom.") else word)
                said = [f"{word.removeprefix('custom.')}: {s}" for s in sentences] if name == "custom" else sentences
                self.add_error(name if name in self.fields else None, ValidationError(said))
        return cleaned


class ContactAddressInline(ShowsVerdict, ReadOnlyInline):
    model = ContactAddress
    fields = ("address", "is_primary", "verdict")
    readonly_fields = fields
    show_change_link = False
    ordering = ("-is_primary", "id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("address")


class PrimaryVerdictFilter(VerdictFilter):
    def of(self, rows: QuerySet[Any], addresses: QuerySet[Address]) -> QuerySet[Any]:
        return rows.filter(
            Exists(ContactAddress.objects.filter(contact=OuterRef("pk"), is_primary=True, address__in=addresses))
        )


class PrimaryStatusFilter(admin.SimpleListFilter):
    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(status.value, status.value.replace("_", " ").capitalize()) for status in Status]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        reached = ContactAddress.objects.filter(contact=OuterRef("pk"), is_primary=True, address__status=self.value())
        return queryset.filter(Exists(reached))


@admin.register(Contact)
class ContactAdmin(ShowsVerdict, ContactFiles, TableAdmin):
    form = ContactForm
    list_display = ("shown_name", "email", "verdict", "company", "owner", "source", "updated_at")
    list_select_related = ("company", "owner")
    list_filter = (PrimaryVerdictFilter, PrimaryStatusFilter, "owner")
    search_fields = ("document",)
    search_help_text = "Part of a name, title, company, tag, address or phone number, or an external id."
    ordering = ("-updated_at", "-id")
    autocomplete_fields = ("company", "owner", "tags")
    inlines = (ContactAddressInline,)
    fieldsets = (
        (None, {"fields": (("first_name", "last_name"), ("title", "company"), "owner")}),
        ("Reached at", {"fields": ("emails", ("phone", "country"))}),
        ("More", {"fields": ("tags", "custom", ("source", "external_id"), "external_ids")}),
    )
    actions = ("delete_contacts",)
    actions_detail = ("delete_softly",)
    change_list_template = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Contact]:
        primary = ContactAddress.objects.filter(is_primary=True).select_related("address")
        contacts = Contact.objects.present()
        return contacts.prefetch_related(Prefetch("contact_addresses", primary, to_attr="primary"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return matching(queryset, search_term), False  # type: ignore[arg-type]  # the manager's own queryset

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # contacts are hidden, by the actions below

    def save_model(self, request: HttpRequest, obj: Contact, form: ContactForm, change: bool) -> None:
        words, now = form.words(), timezone.now()
        if change:
            saved = change_contact(Contact.objects.get(pk=obj.pk), words, by=request.user, now=now).contact
        else:
            saved = create_contact(words, by=request.user, now=now)
        obj.__dict__.update(saved.__dict__)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """What the form could not know beforehand: somebody saved the same a moment ago."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except (FieldErrors, Conflict, NotAllowed) as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(request.get_full_path())

    # --- the list ---------------------------------------------------------------------------------

    @display(description="Name", ordering="sort_name")
    def shown_name(self, contact: Contact) -> str:
        return str(contact)

    @display(description="Primary address")
    def email(self, contact: Any) -> str:
        return contact.primary[0].address.email if contact.primary else "none"

    def address_id_of(self, row: Any) -> int | None:
        return row.primary[0].address_id if row.primary else None

    # --- deleting ---------------------------------------------------------------------------------

    @admin.action(description="Delete the selected contacts")
    def delete_contacts(self, request: HttpRequest, queryset: QuerySet[Contact]) -> None:
        now, deleted = timezone.now(), 0
        for contact in queryset[: self.list_per_page]:
            delete_contact(contact, by=request.user, now=now)
            deleted += 1
        messages.success(request, f"{deleted} deleted. Their addresses keep their history.")

    @action(
        description="Delete",
        icon="delete",
        dialog={
            "title": "Delete this contact",
            "description": "It disappears from lists, segments and campaigns. Its addresses keep their history.",
            "form_class": None,
            "form_submit_text": "Delete",
        },
    )
    def delete_softly(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        delete_contact(Contact.objects.present().get(pk=object_id), by=request.user, now=timezone.now())
        messages.success(request, "The contact is deleted.")
        return HttpResponseClientRedirect(reverse("admin:contacts_contact_changelist"))
