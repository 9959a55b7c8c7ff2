"""What the admin asks of a file of contacts. In: a POST. Out: the upload, with what was said of it (`Said`).

The same as on the page “Import”, but for what single columns mean: they are found out, or are those of a saved mapping.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django import forms
from import_export.forms import ConfirmImportForm
from unfold.contrib.import_export.forms import ImportForm
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from contacts.importing.reading import LARGEST_FILE
from contacts.importing.waiting import Said
from contacts.models import SavedMapping
from contacts.views.import_forms import OptionsForm
from contacts.views.import_manner import MannerFields

TOO_LARGE = (
    f"The file is larger than {LARGEST_FILE // 1024**2} MB. Bring it on the page “Import”, where a worker reads it."
)


class ContactImportForm(OptionsForm, MannerFields, ImportForm):
    saved = forms.ModelChoiceField(
        label="What its columns mean",
        queryset=SavedMapping.objects.all(),
        required=False,
        empty_label="Find out from their names and cells",
        help_text="Columns that were kept under a name on the page “Import”.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The reader refuses an empty one, and says what is needed.
        self.fields["import_file"].allow_empty_file = True  # type: ignore[attr-defined]  # of its type
        self.fields["source"].help_text = "Empty: the file’s name."
        self.fields["tags"].help_text = "Parted by commas."
        self.fields["encoding"].help_text = "To be said, as what follows, where the preview shows nonsense."
        self.fields["sheet"].help_text = "By name. Empty: the first visible one that has rows."
        for name in (*OptionsForm.base_fields, *MannerFields.base_fields, "saved"):
            if name in self.fields:
                _dress(self.fields[name])

    def clean_import_file(self) -> Any:
        upload = self.cleaned_data["import_file"]
        if upload.size > LARGEST_FILE:
            raise forms.ValidationError(TOO_LARGE)
        return upload

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.errors:
            upload, saved = cleaned["import_file"], cleaned["saved"]
            options = self.options()
            options = replace(options, source=options.source or upload.name)
            upload.said = Said(upload.name, self.manner, options, saved.mapping if saved else None)
        return cleaned

    def groups(self) -> list[tuple[str, list[Any]]]:
        """What the page shows under headings of their own, in this order."""
        return [
            ("", list(self._of(("resource", "import_file", "format", "saved")))),
            ("What the import may do", list(self._of(OptionsForm.base_fields))),
            ("How the file is read", list(self._of(MannerFields.base_fields))),
        ]

    def _of(self, names: Any) -> Iterator[Any]:
        return (self[name] for name in names if name in self.fields)


class ContactConfirmForm(ConfirmImportForm):
    """There is one format and one resource: the library looks up whatever number it is sent."""

    format = forms.ChoiceField(choices=[("0", "")], widget=forms.HiddenInput)
    resource = forms.ChoiceField(choices=[("0", "")], widget=forms.HiddenInput, required=False)


def _dress(field: Any) -> None:
    """In the admin's clothes."""
    if isinstance(field, forms.BooleanField):
        field.widget = UnfoldBooleanSwitchWidget()
    elif isinstance(field, forms.ChoiceField | forms.ModelChoiceField):
        field.widget = UnfoldAdminSelectWidget(choices=field.choices)
    else:
        field.widget = UnfoldAdminTextInputWidget(attrs=field.widget_attrs(field.widget))
