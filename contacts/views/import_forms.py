"""What the columns of a file mean, and what its import may do, as a form. In: a POST. Out: a mapping and Options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import re2
from django import forms
from django.contrib.auth import get_user_model

from contacts.fields import LONGEST
from contacts.importing.columns import CUSTOM
from contacts.importing.guessing import Guess
from contacts.importing.mapping import CHOICES
from contacts.importing.options import (
    LONGEST_KEY,
    NEW_TYPES,
    OPT_OUT_LABELS,
    UPDATE_LABELS,
    Options,
    OptOuts,
    Update,
    given_to_all,
)
from contacts.models import CustomField, ImportRun

NEW = "new:"
NOT_KEY = re2.compile(r"[^a-z0-9]+")


class OptionsForm(forms.Form):
    """What an import may do, by whoever brings it (`user`)."""

    update = forms.ChoiceField(
        label="When a contact already exists",
        choices=list(UPDATE_LABELS.items()),
        initial=Update.OVERWRITE,
        widget=forms.RadioSelect,
    )
    strict = forms.BooleanField(
        label="Leave out the whole row where a cell cannot be read",
        required=False,
        help_text="Otherwise only that cell is left out, and the preview says so.",
    )
    opt_outs = forms.ChoiceField(
        label="People who unsubscribed, bounced or were blocked",
        choices=list(OPT_OUT_LABELS.items()),
        initial=OptOuts.SUPPRESS,
        required=False,
        widget=forms.RadioSelect,
        help_text="As columns such as “Status” or “Email Opt Out” say.",
    )
    opt_out_reason = forms.CharField(
        label="Why they may be imported as ordinary contacts", required=False, max_length=500
    )
    empties = forms.BooleanField(label="Clear fields where the cell is empty", required=False)
    change_others = forms.BooleanField(label="Also change contacts owned by other people", required=False)
    owner = forms.ModelChoiceField(
        label="Owner of new contacts",
        queryset=get_user_model()._default_manager.none(),
        required=False,
        empty_label="Nobody",
    )
    tags = forms.CharField(label="Tags for every contact", required=False, max_length=500)
    source = forms.CharField(label="Source of new contacts", required=False, max_length=LONGEST["source"])

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["owner"].queryset = get_user_model()._default_manager.filter(is_active=True)  # type: ignore[attr-defined]  # of its type
        if not user.has_perm("contacts.change_everyones_contact"):
            del self.fields["change_others"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("opt_outs") == OptOuts.ORDINARY and not cleaned.get("opt_out_reason", "").strip():
            self.add_error("opt_out_reason", "Say why, so that others can read it later.")
        return cleaned

    def clean_tags(self) -> list[str]:
        return list(self._given("tags", self.cleaned_data["tags"].split(",")))

    def clean_source(self) -> str:
        return str(self._given("source", self.cleaned_data["source"]))

    def _given(self, word: str, value: Any) -> Any:
        try:
            return given_to_all(word, value)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def options(self, new_fields: Sequence[dict[str, str]] = ()) -> Options:
        said = self.cleaned_data
        return Options(
            update=said["update"],
            empties=said["empties"],
            change_others=said.get("change_others", False),
            owner_id=said["owner"].pk if said["owner"] else None,
            source=said["source"],
            strict=said["strict"],
            opt_outs=said["opt_outs"] or OptOuts.SUPPRESS,
            opt_out_reason=said["opt_out_reason"],
            tags=said["tags"],
            new_fields=list(new_fields),
        )


class ColumnsForm(OptionsForm):
    save_as = forms.CharField(label="Save these columns as", required=False, max_length=100)

    def __init__(self, *args: Any, run: ImportRun, guesses: Sequence[Guess], **kwargs: Any) -> None:
        kept = run.options
        kwargs["initial"] = {
            "update": kept.get("update"),
            "empties": kept.get("empties"),
            "strict": kept.get("strict"),
            "opt_outs": kept.get("opt_outs") or OptOuts.SUPPRESS,
            "opt_out_reason": kept.get("opt_out_reason"),
            "change_others": kept.get("change_others"),
            "owner": kept.get("owner_id"),
            "tags": ", ".join(kept.get("tags", [])),
            "source": kept.get("source") or run.name,
        }
        super().__init__(*args, **kwargs)
        self.run, self.guesses = run, list(guesses)
        self.new_fields: list[dict[str, str]] = []
        self.custom = [(f"{CUSTOM}{each.key}", each.label) for each in CustomField.objects.all()]
        for at, guess in enumerate(self.guesses):
            self.fields[f"word-{at}"] = forms.ChoiceField(
                label=guess.header, choices=self._choices(guess.header), required=False
            )

    def _choices(self, header: str) -> list[tuple[str, Any]]:
        choices: list[tuple[str, Any]] = [("", "Leave out"), ("Fields", list(CHOICES.items()))]
        if self.custom:
            choices.append(("Your fields", self.custom))
        if self.user.has_perm("contacts.add_customfield"):
            new = [(f"{NEW}{kind}", f"New field: {header[:30]} ({name})") for kind, name in NEW_TYPES.items()]
            choices.append(("A new field", new))
        return choices

    def choose(self, mapping: Mapping[str, str]) -> None:
        """What the page shows as chosen, before anybody has."""
        for at, guess in enumerate(self.guesses):
            self.initial[f"word-{at}"] = mapping.get(guess.header, "")

    def rows(self) -> list[tuple[Guess, Any]]:
        return [(guess, self[f"word-{at}"]) for at, guess in enumerate(self.guesses)]

    def mapping(self) -> dict[str, str]:
        """Our word by header. A new field gets its key from its header."""
        self.new_fields = []
        taken = set(CustomField.objects.values_list("key", flat=True))
        chosen: dict[str, str] = {}
        for at, guess in enumerate(self.guesses):
            word = self.cleaned_data[f"word-{at}"]
            if word.startswith(NEW):
                key = _key_of(guess.header, taken)
                taken.add(key)
                self.new_fields.append({"key": key, "label": guess.header[:100], "type": word.removeprefix(NEW)})
                word = f"{CUSTOM}{key}"
            chosen[guess.header] = word
        return chosen


def _key_of(header: str, taken: set[str]) -> str:
    plain = NOT_KEY.sub("_", header.lower()).strip("_")[:LONGEST_KEY] or "field"
    key = base = plain if plain[0].isalpha() else f"field_{plain}"
    number = 1
    while key in taken:
        number += 1
        key = f"{base}_{number}"
    return key
