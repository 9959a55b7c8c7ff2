"""The form of the policy's numbers. In: what a person typed, the numbers in force. Out: numbers that make sense."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from django import forms

from bounces.policy_numbers import MOST, NUMBERS, Number, faults_of


class NumbersForm(forms.Form):
    """A field a number; `in_force` stands beside each."""

    def __init__(self, *args: Any, in_force: Mapping[str, int], **kwargs: Any) -> None:
        kwargs["initial"] = {**in_force, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        self.in_force = in_force
        for number in NUMBERS:
            self.fields[number.name] = forms.IntegerField(
                label=number.label,
                help_text=number.explanation,
                widget=forms.NumberInput({"min": number.least, "max": MOST, "inputmode": "numeric"}),
                error_messages={
                    "required": "A number is needed.",
                    "invalid": f"A whole number from {number.least} to {MOST:,} is needed.",
                },
            )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for name, sentence in faults_of(values).items():
            self.add_error(name, sentence)
        return values

    def groups(self) -> Iterator[tuple[str, list[tuple[Any, int]]]]:
        """The fields under their headings, each with the value in force."""
        for title, numbers in groupby(NUMBERS, key=_group):
            yield title, [(self[number.name], self.in_force[number.name]) for number in numbers]

    @property
    def numbers(self) -> dict[str, int]:
        return {number.name: self.cleaned_data[number.name] for number in NUMBERS}


def _group(number: Number) -> str:
    return number.group
