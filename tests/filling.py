"""Fills in the forms of a page, whatever they are: each text with a given one, everything else as it stands.

In: HTML, a text. Out: `Form` values with the data to post. So a test can go through every form that there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import URLPattern, URLResolver, get_resolver

TEXTS = ("text", "search", "textarea", "")
PLAIN_VALUES = {"number": "3", "date": "2026-12-01", "datetime-local": "2026-12-01T10:00", "url": "https://a.example/"}


@dataclass
class Input:
    name: str
    kind: str
    value: str = ""
    is_checked: bool = False
    options: list[tuple[str, bool]] = field(default_factory=list)


@dataclass
class Form:
    action: str
    method: str
    inputs: list[Input] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    @property
    def has_texts(self) -> bool:
        return any(each.kind in (*TEXTS, "file") for each in self.inputs)

    def filled(
        self, text: str, email: str, make_file: Callable[[], SimpleUploadedFile] | None = None
    ) -> dict[str, Any]:
        """What a browser would post; the first button is pressed."""
        data: dict[str, Any] = dict(self.buttons[:1])
        for each in self.inputs:
            values = data.setdefault(each.name, [])
            if each.kind == "file":
                values += [make_file()] if make_file else []
            else:
                values += filled_in(each, text, email)
        return {name: values for name, values in data.items() if values}


def filled_in(each: Input, text: str, email: str) -> list[str]:
    if each.kind in TEXTS:
        return [text]
    if each.kind == "email":
        return [email]
    if each.kind in ("checkbox", "radio"):
        return [each.value or "on"] if each.is_checked else []
    if each.kind == "select":
        chosen = [value for value, is_chosen in each.options if is_chosen]
        return chosen or [value for value, _ in each.options if value][:1]
    return [each.value or PLAIN_VALUES.get(each.kind, "")]


class Forms(HTMLParser):
    """Collects the forms of a page, and fields that name theirs by its id (`form=`)."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.by_id: dict[str, Form] = {}
        self.open: Form | None = None
        self.select: Input | None = None
        self.textarea: Input | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.open = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self.open)
            self.by_id[given.get("id", "")] = self.open
        elif tag == "option" and self.select is not None:
            self.select.options.append((given.get("value", ""), "selected" in given))
        elif tag in ("input", "textarea", "select", "button"):
            self.take(tag, given)

    def take(self, tag: str, given: dict[str, str]) -> None:
        form = self.by_id.get(given["form"]) if "form" in given else self.open
        name = given.get("name", "")
        if form is None or not name or "disabled" in given:
            return
        kind = given.get("type", "") if tag == "input" else tag
        if tag == "button" or kind in ("submit", "button", "image"):
            form.buttons.append((name, given.get("value", "")))
            return
        made = Input(name, kind, given.get("value", ""), "checked" in given)
        form.inputs.append(made)
        self.select = made if tag == "select" else self.select
        self.textarea = made if tag == "textarea" else None

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = None
        elif tag == "select":
            self.select = None


def forms_of(page: str) -> list[Form]:
    return Forms(page).forms


def url_patterns(parts: Any = None, before: str = "", space: str = "") -> Iterator[tuple[str, str, URLPattern]]:
    """Every pattern of the URLconf: its name with its namespaces, its route, itself."""
    for part in get_resolver().url_patterns if parts is None else parts:
        route = before + str(part.pattern)
        if isinstance(part, URLResolver):
            inner = f"{space}{part.namespace}:" if part.namespace else space
            yield from url_patterns(part.url_patterns, route, inner)
        else:
            yield f"{space}{part.name or ''}", route, part
