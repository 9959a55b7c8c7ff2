"""Every action that asks a person for a reason shows an example of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.conf import settings
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils.html import escape

from bounces.models import Ruling
from bounces.reason_examples import EXAMPLES
from tests.builders import (
    a_cleaning_row,
    a_cleaning_run,
    a_contact,
    a_suppression,
    a_user,
    an_address,
    an_import_run,
    an_inbound_item,
)

BASE = Path(settings.BASE_DIR)
ASKS = re.compile(r'name="(?:reason|why|note)"')
NAMES_ITS_ACTION = re.compile(r"(?:'|\")(\w+)(?:'|\")(?:\|add:cause)?\|reason_(?:example|help)")


def test_no_two_actions_share_an_example() -> None:
    assert len(set(EXAMPLES.values())) == len(EXAMPLES)


def test_every_example_is_shown_somewhere() -> None:
    files = [path for app in ("bounces", "contacts", "crm", "templates") for path in (BASE / app).rglob("*.*")]
    text = "\n".join(path.read_text() for path in files if path.suffix in (".py", ".html"))
    asked = set(re.findall(r'(?:ReasonForm|NoteForm|reason_form|reason_help)\((?:\'|")(\w+)', text))
    asked |= set(NAMES_ITS_ACTION.findall(text))
    asked |= {f"review_{cause}" for cause in re.findall(r'cause="(\w+)"', text)}
    assert set(EXAMPLES) - asked == set()


def test_a_template_that_asks_for_a_reason_names_its_action() -> None:
    silent = []
    for path in (BASE / "templates").rglob("*.html"):
        for tag in re.findall(r"<(?:input|textarea)[^>]*>[^<]*(?:<[^i][^>]*>[^<]*){0,2}", path.read_text()):
            is_hidden = 'type="hidden"' in tag
            if ASKS.search(tag) and not is_hidden and not NAMES_ITS_ACTION.search(tag):
                silent.append(path.name)
    assert silent == []


def forms_of(base: type[forms.BaseForm]) -> Iterator[type[forms.BaseForm]]:
    for one in base.__subclasses__():
        yield one
        yield from forms_of(one)


def test_a_form_that_asks_why_takes_its_words_from_the_table() -> None:
    """A form whose reason is said by its action takes the action when it is made; the others have it in the class."""
    assert get_resolver().url_patterns  # every form is imported
    silent = {
        f"{form.__module__}.{form.__name__}"
        for form in forms_of(forms.BaseForm)
        if form.__module__.split(".")[0] in ("bounces", "contacts", "crm")
        for field in form.base_fields.values()
        if isinstance(field, forms.CharField) and (field.label or "").capitalize() in ("Why", "Reason")
        if not any(example in str(field.help_text) for example in EXAMPLES.values())
    }
    assert silent <= {
        "bounces.views.reason_form.ReasonForm",
        "bounces.views.incidents.NoteForm",
        "bounces.admin.bases.ReasonForm",
    }


def fallen() -> int:
    return an_address(status="invalid").pk


PAGES: dict[str, tuple[str, Callable[[], Any]]] = {
    "restore": ("bounces:restore", fallen),
    "hold": ("bounces:hold", fallen),
    "ask_restore": ("bounces:ask_restore", fallen),
    "lift": ("bounces:lift", lambda: a_suppression().pk),
    "erase": ("contacts:erase", lambda: a_contact("ada@b.example").pk),
    "undo_import": ("contacts:import_undo", lambda: an_import_run(written={"new": 1}).pk),
    "undo_cleaning": (
        "bounces:cleaning_undo",
        lambda: a_cleaning_row(a_cleaning_run(applied=1), outcome="applied").run_id,
    ),
    "release_item": ("bounces:release_item", lambda: an_inbound_item(state="unverified").pk),
    "discard_item": ("bounces:discard", lambda: an_inbound_item(state="quarantined", why="No report in it.").pk),
}


@pytest.mark.django_db
@pytest.mark.parametrize("action", PAGES)
def test_a_page_shows_the_example_of_its_action_and_no_other(action: str) -> None:
    name, make = PAGES[action]
    boss = Client()
    boss.force_login(a_user("admin"))
    page = boss.get(reverse(name, args=[make()])).content.decode()
    shown = [each for each, example in EXAMPLES.items() if escape(example) in page or example in page]
    assert shown == [action]


@pytest.mark.django_db
def test_a_dialog_of_the_admin_shows_the_example_of_its_action() -> None:
    boss = Client()
    boss.force_login(a_user("admin"))
    address = an_address(status="invalid").pk
    for action in ("restore", "hold", "suppress"):
        dialog = boss.get(reverse(f"admin:bounces_address_{action}", args=[address])).content.decode()
        assert escape(EXAMPLES[action]) in dialog or EXAMPLES[action] in dialog
    assert not Ruling.objects.exists()
