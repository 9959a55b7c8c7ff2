"""The forms of the pages: they hold what was typed; what is right is judged by the domain (`contacts/fields.py`).

In: POST data. Out: fields for `contacts/people.py`, and the domain's errors at the field where they belong.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.db.models import Value
from django.db.models.functions import Lower
from django.http import QueryDict

from bounces.addresses import BadAddress
from bounces.cleaning.scope import of_domain
from bounces.demands import WritesTo
from bounces.forms import NumbersForm
from contacts.countries import COUNTRIES
from contacts.external_ids import as_lines, pairs_of, read_lines
from contacts.fields import LONGEST, MOST_ADDRESSES, FieldErrors
from contacts.models import Campaign, Company, Contact, CustomField, Segment
from contacts.models.campaigns import WRITES_TO
from contacts.people import addresses_of
from contacts.scopes import imports

BLANK_ROWS = 1
COUNTRY_CHOICES = [("", "–"), *COUNTRIES.items()]


def active_users() -> Any:
    return get_user_model()._default_manager.filter(is_active=True)


class ContactForm(forms.Form):
    """A contact's fields, its custom fields (`custom.KEY`), and its addresses as rows (`address-N`, `primary`)."""

    first_name = forms.CharField(required=False)
    last_name = forms.CharField(required=False)
    title = forms.CharField(required=False, help_text="Of their job.")
    company = forms.CharField(
        required=False,
        help_text="By name; one that is new is created.",
        widget=forms.TextInput({"list": "company-names"}),
    )
    owner: forms.ModelChoiceField[Any] = forms.ModelChoiceField(None, required=False, empty_label="Nobody")
    phone = forms.CharField(required=False, widget=forms.TextInput({"type": "tel"}))
    country = forms.ChoiceField(required=False, choices=COUNTRY_CHOICES)
    tags = forms.CharField(required=False, help_text="Separated by commas.")
    source = forms.CharField(required=False, help_text="Where it came from: a fair, a tool, a person.")
    external_id = forms.CharField(required=False, label="External id", help_text="Its id in the tool it came from.")

    external_ids = forms.CharField(
        required=False,
        label="Ids in named tools",
        help_text="One id per line: tool name, colon, id. Example: hubspot: 1815.",
        widget=forms.Textarea({"rows": 2}),
    )

    ABOUT = ("first_name", "last_name", "title", "company", "phone", "country")
    KEPT = ("owner", "tags", "source", "external_id", "external_ids")

    def __init__(self, data: QueryDict | None = None, *, contact: Contact | None = None, owner: Any = None) -> None:
        super().__init__(data, initial=_values_of(contact) if contact else {"owner": owner})
        self.custom_fields = list(CustomField.objects.all())
        for field in self.custom_fields:
            self.fields[f"custom.{field.key}"] = _field_for(field)
            self.initial[f"custom.{field.key}"] = _shown(contact.custom.get(field.key)) if contact else ""
        owners = self.fields["owner"]
        assert isinstance(owners, forms.ModelChoiceField)
        owners.queryset = active_users() | _also(contact)
        for name, longest in LONGEST.items():
            self.fields[name].widget.attrs["maxlength"] = longest
        self.rows = _rows_typed(data) if data is not None else _rows_of(contact)
        self.address_errors: list[str] = []

    def about(self) -> list[forms.BoundField]:
        return [self[name] for name in self.ABOUT]

    def kept(self) -> list[forms.BoundField]:
        return [self[name] for name in self.KEPT]

    def custom(self) -> list[forms.BoundField]:
        return [self[f"custom.{field.key}"] for field in self.custom_fields]

    def emails(self) -> list[str]:
        """As typed, the primary one first, without the removed."""
        kept = [row for row in self.rows if row["email"] and not row["is_removed"]]
        return [row["email"] for row in sorted(kept, key=lambda row: not row["is_primary"])]

    def contact_fields(self) -> dict[str, Any]:
        """The words of `contacts/fields.py`. Only of a valid form."""
        data = self.cleaned_data
        return {
            **{name: data[name] for name in (*self.ABOUT, *self.KEPT)},
            "tags": data["tags"].split(","),
            "external_ids": read_lines(data["external_ids"]),
            "addresses": self.emails(),
            "custom": {field.key: data[f"custom.{field.key}"] for field in self.custom_fields},
        }

    def add_errors(self, error: FieldErrors) -> None:
        for name, sentences in error.errors.items():
            if name == "addresses":
                self.address_errors += sentences
                self.add_error(None, "Look at the addresses again.")
            else:
                self.add_error(name if name in self.fields else None, sentences)


def _values_of(contact: Contact) -> dict[str, Any]:
    names = ("first_name", "last_name", "title", "company", "owner", "phone", "country", "source", "external_id")
    tags = ", ".join(contact.tags.values_list("name", flat=True))
    ids = as_lines(pairs_of(contact))
    return {**{name: getattr(contact, name) for name in names}, "tags": tags, "external_ids": ids}


def _also(contact: Contact | None) -> Any:
    """The present owner stays choosable after they left."""
    return get_user_model()._default_manager.filter(pk__in=[contact.owner_id] if contact and contact.owner_id else [])


def _rows_of(contact: Contact | None) -> list[dict[str, Any]]:
    known = addresses_of(contact) if contact else []
    rows = [
        {"email": reached.address.email, "is_primary": reached.is_primary, "is_removed": False} for reached in known
    ]
    blank = [{"email": "", "is_primary": not rows, "is_removed": False} for _ in range(BLANK_ROWS)]
    return rows + blank


def _rows_typed(data: QueryDict) -> list[dict[str, Any]]:
    numbers = [number for number in range(MOST_ADDRESSES + 5) if f"address-{number}" in data]
    return [
        {
            "email": str(data[f"address-{number}"]).strip()[:1000],
            "is_primary": data.get("primary") == str(number),
            "is_removed": f"remove-{number}" in data,
        }
        for number in numbers
    ]


def _field_for(field: CustomField) -> forms.Field:
    if field.type == CustomField.Type.YES_NO:
        choices = [("", "–"), ("yes", "Yes"), ("no", "No")]
        return forms.ChoiceField(label=field.label, required=False, choices=choices)
    if field.type == CustomField.Type.CHOICE:
        choices = [("", "–"), *[(word, word) for word in field.options]]
        return forms.ChoiceField(label=field.label, required=False, choices=choices)
    kinds = {CustomField.Type.DATE: "date", CustomField.Type.NUMBER: "number"}
    attrs = {"type": kinds.get(CustomField.Type(field.type), "text"), "step": "any"}
    return forms.CharField(label=field.label, required=False, widget=forms.TextInput(attrs))


def _shown(value: Any) -> Any:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


class Day(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


def free_name(form: forms.ModelForm) -> str:
    """The name in one line, where no other row has it in any case; the database says so only to engineers."""
    name = " ".join(form.cleaned_data["name"].split())
    rows = form.instance.__class__._default_manager.annotate(lower=Lower("name")).filter(lower=Lower(Value(name)))
    if other := rows.exclude(pk=form.instance.pk).first():
        kind = form.instance._meta.verbose_name
        raise forms.ValidationError(f"There is a {kind} called “{other}” already. Choose another name.")
    return name


class CompanyForm(forms.ModelForm):
    name = forms.CharField(max_length=200)
    domain = forms.CharField(max_length=253, required=False, help_text="Of its website, like example.org.")
    country = forms.ChoiceField(required=False, choices=COUNTRY_CHOICES)
    notes = forms.CharField(max_length=10_000, required=False, widget=forms.Textarea({"rows": 4}))

    class Meta:
        model = Company
        fields = ("name", "domain", "country", "owner", "notes")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"] = forms.ModelChoiceField(
            active_users() | get_user_model()._default_manager.filter(pk=self.instance.owner_id),
            required=False,
            empty_label="Nobody",
        )

    def clean_name(self) -> str:
        return free_name(self)

    def clean_domain(self) -> str:
        return str(self.cleaned_data["domain"]).strip().lower().removeprefix("www.")


class CampaignForm(forms.ModelForm):
    name = forms.CharField(max_length=200)
    description = forms.CharField(max_length=2000, required=False, widget=forms.Textarea({"rows": 3}))
    writes_to = forms.ChoiceField(
        label="Whom it writes to",
        choices=WRITES_TO,
        required=False,
        initial=WritesTo.SURE.value,
        help_text="Of those who may be written to at all. What the policy refuses stays refused.",
    )

    class Meta:
        model = Campaign
        fields = ("name", "key", "writes_to", "quiet_days", "starts_on", "ends_on", "description")
        widgets = {"starts_on": Day(), "ends_on": Day()}
        help_texts = {
            "key": "Your sending tool names the campaign by this word when it reports what became of its mails. "
            "Left empty, it is made of the name."
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:  # attempts and bounces name the campaign by it
            self.fields["key"].disabled = True
            self.fields["key"].help_text = "What your sending tool calls the campaign. It cannot be changed any more."

    def clean_name(self) -> str:
        return free_name(self)

    def clean_writes_to(self) -> str:
        return self.cleaned_data["writes_to"] or self.instance.writes_to


class SegmentForm(forms.ModelForm):
    name = forms.CharField(max_length=100, help_text="How you will find it again: “Invalid in Germany”.")

    class Meta:
        model = Segment
        fields = ("name",)

    def clean_name(self) -> str:
        return free_name(self)


class ImportField(forms.ModelChoiceField):
    def label_from_instance(self, run: Any) -> str:
        return f"{run.name}, {run.applied_at:%-d %B %Y}, {run.wrote:,} contact{'' if run.wrote == 1 else 's'}"


class ScopeForm(forms.Form):
    """Which addresses are to be judged: all, a segment's, an import's, or those at a domain."""

    segment: forms.ModelChoiceField[Any] = forms.ModelChoiceField(
        None, required=False, label="Addresses", empty_label="All addresses"
    )
    imported = ImportField(None, required=False, label="Only those of one import", empty_label="Any import, or none")
    domain = forms.CharField(
        label="Only those at one domain",
        required=False,
        max_length=254,
        widget=forms.TextInput(attrs={"placeholder": "example.org", "autocapitalize": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, segments: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["segment"].queryset = segments  # type: ignore[attr-defined]  # a ModelChoiceField
        self.fields["imported"].queryset = imports()  # type: ignore[attr-defined]  # likewise

    def clean_domain(self) -> str:
        text = str(self.cleaned_data["domain"]).strip()
        if text:
            try:
                of_domain(text)
            except BadAddress as error:
                raise forms.ValidationError(f"“{text}” is no domain. Write it as in example.org.") from error
        return text

    def clean(self) -> dict[str, Any]:
        chosen = super().clean() or {}
        named = [name for name in ("segment", "imported", "domain") if chosen.get(name)]
        if len(named) > 1:
            self.add_error(named[-1], "Choose one of them: a segment, an import or a domain.")
        return chosen


class CleaningForm(ScopeForm):
    """What a cleaning run is about, and whether it stops at the preview."""

    MODES = [
        ("preview", "Preview first: see what would change, then decide"),
        ("apply", "Apply at once"),
    ]
    mode = forms.ChoiceField(
        label="When it has looked at them", choices=MODES, initial="preview", widget=forms.RadioSelect
    )


class WhatIfForm(NumbersForm, ScopeForm):
    """Numbers of the policy to try, and on which addresses."""


class AddMembersForm(forms.Form):
    """Adds the contacts of a segment to a campaign."""

    segment: forms.ModelChoiceField[Any] = forms.ModelChoiceField(None, empty_label="Choose a segment")
    leave_out = forms.BooleanField(
        required=False, initial=True, label="Skip contacts that you cannot email (verdict “No”)"
    )

    def __init__(self, *args: Any, segments: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["segment"].queryset = segments  # type: ignore[attr-defined]  # a ModelChoiceField
