"""The form of a source: what its kind has to be told, and no more.

In: a source, what an admin types. Out: its options, and its secrets, sealed. Secrets are written and never shown: an
empty field keeps those that are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import re2
from django import forms
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from bounces.intake import mailboxes
from bounces.intake.kinds import CHOICES, KINDS
from bounces.intake.webhooks.flaws import Flaw, flaws_in, lines_of
from bounces.intake.webhooks.providers import Field
from bounces.models import IntakeSource
from bounces.models.sources import PLAIN_NAME
from bounces.sealing import CannotOpen
from bounces.values import Trust

NAME = re2.compile(PLAIN_NAME)
SECRET, OPTION = "secret_", "option_"
LEVELS = [
    ("", "As suits its kind"),
    (Trust.TRUSTED, "Trusted: what it tells counts"),
    (Trust.MATCH, "Match: counts where we know of a message to that address in the last 14 days"),
    (Trust.TOKEN, "Token: counts where it came to a return path of ours"),
]


class NewSourceForm(forms.ModelForm):
    """The first step: which kind. What that kind needs is asked on the next page."""

    kind = forms.ChoiceField(choices=CHOICES, widget=UnfoldAdminSelectWidget, help_text="It cannot be changed later.")
    trust = forms.ChoiceField(
        choices=LEVELS,
        widget=UnfoldAdminSelectWidget,
        required=False,
        help_text="Who signs what it tells is trusted; what the others tell must match a message that we know of.",
    )

    class Meta:
        model = IntakeSource
        fields: tuple[str, ...] = ("name", "kind", "trust", "is_enabled")

    def clean_name(self) -> str:
        """The database holds to the same; here it is said in words."""
        name = str(self.cleaned_data["name"])
        if not NAME.fullmatch(name):
            raise forms.ValidationError("Letters, digits, and . _ - alone, without blanks, like postmark-main.")
        return name

    def clean_trust(self) -> str:
        kind = KINDS.get(self.cleaned_data.get("kind") or self.instance.kind)
        return str(self.cleaned_data["trust"] or (kind.trust if kind else Trust.TOKEN))


class SourceForm(NewSourceForm):
    """The second: secrets and options of its kind. Made by `form_for`, which adds their fields."""

    kind = None  # type: ignore[assignment]  # it is fixed by now
    single: frozenset[str] = frozenset()  # fields of one line
    flaws: Mapping[str, Flaw] = {}

    class Meta(NewSourceForm.Meta):
        fields = ("trust", "is_enabled", "options")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.fields:
            if name.startswith(OPTION):
                self.initial[name] = "\n".join(map(str, listed(self.instance.options.get(name.removeprefix(OPTION)))))

    def clean(self) -> dict[str, Any]:
        """A mailbox whose parts do not go together says so here, not in the middle of the night; a secret that is none
        likewise."""
        cleaned = super().clean() or self.cleaned_data
        for name, flaw in self.flaws.items():
            said = [f"Line {number}: {each}" for number, each in flaws_in(lines_of(cleaned.get(name) or ""), flaw)]
            if said:
                self.add_error(name, said)
        if self.instance.kind == mailboxes.KIND and not self.errors:
            told = {name.removeprefix(OPTION): text for name, text in cleaned.items() if name.startswith(OPTION)}
            source = IntakeSource(kind=mailboxes.KIND, name="new", trust=Trust.TOKEN, options=told)
            try:
                mailboxes.inlet_of(source, mailboxes.mailbox_of(source))
            except mailboxes.BadSource as error:
                raise forms.ValidationError(str(error)) from error
        return cleaned

    def save(self, commit: bool = True) -> IntakeSource:
        options, secrets = dict(self.cleaned_data.get("options") or self.instance.options), opened(self.instance)
        for name, text in self.cleaned_data.items():
            lines = lines_of(text) if isinstance(text, str) else []
            kept: Any = "".join(lines) if name in self.single else lines
            if name.startswith(OPTION):
                options[name.removeprefix(OPTION)] = kept
            elif name.startswith(SECRET) and lines:
                secrets[name.removeprefix(SECRET)] = kept
        source: IntakeSource = super().save(commit=False)
        source.options, source.secrets = options, secrets
        if commit:
            source.save()
        return source


def opened(source: IntakeSource) -> dict[str, Any]:
    """Secrets that no key opens are lost: what is typed in takes their place."""
    try:
        return source.secrets
    except CannotOpen:
        return {}


def form_for(source: IntakeSource) -> type[SourceForm]:
    """A form with the fields of the source's kind; a kind that has none is told by its options as JSON."""
    kind = KINDS.get(source.kind)
    told = kind.fields if kind else ()
    fields: dict[str, Any] = {field_name(field): as_form_field(field, source) for field in told}
    if told:
        fields["Meta"] = type("Meta", (SourceForm.Meta,), {"fields": ("trust", "is_enabled")})
    fields["flaws"] = {field_name(field): field.flaw for field in told}
    fields["single"] = frozenset(field_name(field) for field in told if field.is_line)
    return type("SourceFormOfItsKind", (SourceForm,), fields)


def field_name(field: Field) -> str:
    return (SECRET if field.is_secret else OPTION) + field.name


def as_form_field(field: Field, source: IntakeSource) -> forms.Field:
    if field.choices:
        return forms.ChoiceField(
            label=field.label, choices=field.choices, widget=UnfoldAdminSelectWidget, help_text=field.help_text
        )
    kept = len(listed(opened(source).get(field.name))) if field.is_secret else 0
    hint = f" {kept} kept, sealed. Leave it empty to keep {'it' if kept == 1 else 'them'}." if kept else ""
    several = " Several, one a line, while an old one is replaced." if field.is_secret and not field.is_line else ""
    quiet = {"autocomplete": "off", "spellcheck": "false"}
    if field.is_line:
        widget: forms.Widget = (
            UnfoldAdminPasswordWidget(quiet) if field.is_secret else UnfoldAdminTextInputWidget(quiet)
        )
    else:
        widget = UnfoldAdminTextareaWidget({"rows": 3, **quiet})
    return forms.CharField(
        label=field.label,
        required=field.is_required and (not field.is_secret or not kept),
        max_length=20_000,
        widget=widget,
        help_text=f"{field.help_text}{several}{hint}",
    )


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []
