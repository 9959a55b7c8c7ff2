"""Wrong cells of a preview by the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contacts.importing import runs
from contacts.models import ImportRun
from tests.builders import NOW, a_user
from tests.contacts.importing import previewed
from tests.contacts.test_import_correcting import MESSY

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(client: Client):
    user = a_user("manager")
    client.force_login(user)
    return user


def post(client: Client, run: ImportRun, **said: Any):
    url = reverse("api:import_corrections", args=[run.pk])
    return client.post(url, said, content_type="application/json")


def wrong(client: Client, run: ImportRun) -> dict[tuple[str, str], Any]:
    found = client.get(reverse("api:import", args=[run.pk])).json()["wrong_cells"]
    return {(each["kind"], each["value"]): each for each in found}


def test_a_preview_lists_its_wrong_cells(client: Client, manager):
    found = wrong(client, previewed(MESSY, by=manager))
    assert set(found) == {
        ("invalid", "ada@"), ("invalid", "not one"), ("unreadable", "Atlantis"), ("mistyped", "gmial.com"),
    }  # fmt: skip
    assert (found["unreadable", "Atlantis"]["cells"], found["mistyped", "gmial.com"]["sentence"]) == (2, "gmail.com")


def test_cells_a_row_and_a_domain_are_corrected(client: Client, manager):
    run = previewed(MESSY, by=manager)
    told = post(client, run, column="E-mail", value="ada@", correction="ada@b.example", row=2)
    assert (told.status_code, told.json()["counts"]["invalid"]) == (200, 1)
    assert post(client, run, column="Country", value="Atlantis", correction="Austria").status_code == 200
    assert post(client, run, value="gmial.com", correction="gmail.com", scope="domain").status_code == 200
    assert set(wrong(client, run)) == {("invalid", "not one")}


def test_rows_of_a_preview_tell_of_their_cells(client: Client, manager):
    run = previewed(MESSY, by=manager)
    rows = client.get(reverse("api:import_rows", args=[run.pk]), {"verdict": "new"}).json()["results"]
    assert [notice["why"] for row in rows for notice in row["notices"]] == ["unreadable", "unreadable"]


def test_what_cannot_be_corrected_is_refused_with_the_reason(client: Client, manager):
    run = previewed(MESSY, by=manager)
    told = post(client, run, column="Country", value="Germany", correction="France")
    assert (told.status_code, "No wrong cell" in told.content.decode()) == (400, True)
    assert post(client, run, column="Country", value="Atlantis").status_code == 400
    runs.confirm(run, manager, NOW)
    assert post(client, run, column="Country", value="Atlantis", correction="Austria").status_code == 409


def test_the_import_of_somebody_else_is_not_corrected(client: Client, manager):
    run = previewed(MESSY, by=a_user("manager"))
    told = post(client, run, column="Country", value="Atlantis", correction="Austria")
    assert (told.status_code, "Only" in told.content.decode()) == (409, True)
