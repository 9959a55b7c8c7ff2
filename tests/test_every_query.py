"""No query string and no action makes a page fail: not with unknown parameters, not with garbage in known ones.

Which parameters a URL reads is recorded while it answers, so that a new one is tried by itself. The admin's lists are
asked for their filters one by one beside: Django turns the whole list away for one that it cannot read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.urls import reverse
from pytest_django import DjangoDbBlocker
from redis import Redis

from tests.every_kind import KINDS
from tests.every_url import Url, World, every_url, whole_world
from tests.recorded_query import RECORDER, names_read
from tests.test_every_url import MODELS, URLS, stands_alone

pytestmark = pytest.mark.django_db

NUMBER = "9" * 30
GARBAGE = (NUMBER, "\x00", "abc")
MORE_GARBAGE = ("", "-1", "2026-99-99 é%s'\"<b>")  # with --all
QUERIES = (
    {"p": "abc", "o": "abc", "e": "1", "q": "\x00", "all": "", "_facets": "abc", "_popup": "x"},
    {"p": NUMBER, "o": "99.-99.x", "q": "ada"},
    {"q": "ada", "next": "/x"},
    {"_to_field": "nonsense"},
    {"_changelist_filters": "nonsense=1"},
    {"pk__gt": NUMBER},
    {"pk__exact": "\x00"},
    {"pk__in": ""},
    {"pk__isnull": "maybe"},
    {"pk__nonsense": "1"},
)
FORMS = (
    {"action": "delete_selected", "_selected_action": "abc"},
    {"action": "", "index": "abc", "_selected_action": NUMBER},
    {"action": "delete_selected", "_selected_action": "\x00"},
    {"action": "export_admin_action", "_selected_action": "abc", "select_across": "x"},
    {"_save": "1", "form-TOTAL_FORMS": "abc"},
    {"format": "abc", "export_items": "abc", "resource": NUMBER},
)


@pytest.fixture(scope="module")
def world(private_servers: None, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock(), whole_world([*KINDS, *MODELS]) as made:
        yield made


@pytest.fixture(autouse=True)
def surroundings(settings: Any, redis: Redis) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, RECORDER]
    settings.RETURN_PATH_DOMAIN = "bounces.example"


def faults(world: World, path: str, queries: list[dict[str, str]]) -> list[str]:
    """The URLs among them that fail."""
    asked = [f"{path}?{urlencode(query)}" for query in queries]
    return [url for url in asked if world.ask("get", url, "admin") >= 500]


@pytest.mark.parametrize("url", [each for each in every_url() if stands_alone(each)], ids=lambda url: url.name)
def test_no_parameter_makes_a_url_fail(url: Url, world: World, run_all: bool):
    path = world.paths(url, URLS.get(url.name, "?: ").partition(": ")[0])[:2][-1]
    with names_read() as names:
        world.ask("get", path, "admin")
    known, texts = sorted(names), GARBAGE + MORE_GARBAGE * run_all
    queries = [{"q": "ada", "next": "/x"}, *(dict.fromkeys(known, text) for text in texts if known)]
    assert faults(world, path, queries) == []


@pytest.mark.parametrize("label", sorted(MODELS))
def test_no_filter_makes_a_list_of_the_admin_fail(label: str, world: World):
    path = reverse(f"admin:{MODELS[label]._meta.app_label}_{MODELS[label]._meta.model_name}_changelist")
    filters = [{name: text} for name in filters_of(MODELS[label]) for text in GARBAGE]
    assert faults(world, path, [*QUERIES, *filters]) == []


def filters_of(model: Any) -> Iterator[str]:
    """The parameters of the filters beside a list."""
    for each in admin.site._registry[model].list_filter:
        if isinstance(each, str):
            yield f"{each}__exact"
            yield f"{each}__isnull"
        elif isinstance(each, tuple):
            yield f"{each[0]}__isempty"
        else:
            yield each.parameter_name


@pytest.mark.parametrize("label", sorted(MODELS))
def test_no_action_makes_a_list_of_the_admin_fail(label: str, world: World):
    path = reverse(f"admin:{MODELS[label]._meta.app_label}_{MODELS[label]._meta.model_name}_changelist")
    assert [form for form in FORMS if world.ask("post", path, "admin", form) >= 500] == []


def test_export_of_the_admin_survives_whatever_is_posted(world: World):
    path = reverse("admin:contacts_contact_export")
    assert [form for form in FORMS if world.ask("post", path, "admin", form) >= 500] == []


def test_an_export_with_an_unreadable_filter_exports_nobody(world: World):
    """Not everybody, as it would be without the filter."""
    url = f"{reverse('admin:contacts_contact_export')}?q=ada&next=/x"
    client = world.client("admin", with_key=False)
    answer = client.get(url, follow=True)
    assert answer.redirect_chain == [(reverse("admin:contacts_contact_changelist"), 302)]
    assert "Nothing was exported" in answer.content.decode()
