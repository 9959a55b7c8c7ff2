"""The form that asks why. In: the action's name, what was typed. Out: the reason, which the history keeps."""

from __future__ import annotations

from typing import Any

from django import forms

from bounces.reason_examples import reason_help


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="Why",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say why: the history keeps the reason with your name."},
    )

    def __init__(self, action: str, *args: Any, **kwargs: Any) -> None:
        """`action`: a name of `EXAMPLES`."""
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = reason_help(action)
