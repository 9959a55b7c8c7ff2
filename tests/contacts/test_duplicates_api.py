"""Duplicates by the API: the same decisions as on the pages."""

from __future__ import annotations

from typing import Any

import pytest

from contacts.models import Contact, DuplicatePair
from tests.builders import a_company, a_contact, a_pair, a_user, an_api_key
from tests.tools import a_tool

pytestmark = pytest.mark.django_db


def send(client: Any, path: str, body: Any = None) -> Any:
    return client.post(f"/api/v1/{path}", body or {}, content_type="application/json")


def test_open_pairs_are_listed_by_group() -> None:
    pair = a_pair(a_contact(), a_contact())
    a_pair(a_contact(), a_contact(), state="dismissed")
    client = a_tool().client
    (listed,) = client.get("/api/v1/duplicates/?group=name").json()["results"]
    assert (listed["id"], listed["ids"]) == (pair.pk, [pair.first_contact_id, pair.second_contact_id])
    assert listed["sentence"] == "Same name, same company"
    assert client.get("/api/v1/duplicates/?group=phone").json()["results"] == []
    assert client.get("/api/v1/duplicates/?group=moon").status_code == 400


def test_a_pair_is_merged_and_the_merge_undone() -> None:
    first, second = a_contact(title="Admiral"), a_contact(title="Professor")
    pair, client = a_pair(first, second), a_tool().client
    merged = send(client, f"duplicates/{pair.pk}/merge/", {"keep": second.pk, "take": ["title"]})
    assert merged.status_code == 200
    second.refresh_from_db()
    assert (second.title, Contact.objects.present().count()) == ("Admiral", 1)
    assert send(client, f"duplicates/{pair.pk}/merge/", {"keep": second.pk}).status_code == 404
    undone = send(client, f"merges/{merged.json()['id']}/undo/").json()
    assert (undone["state"], undone["stayed"]) == ("undone", [])
    assert send(client, f"merges/{merged.json()['id']}/undo/").status_code == 409


def test_ids_and_fields_outside_the_pair_are_refused() -> None:
    first, second = a_contact(), a_contact()
    path, client = f"duplicates/{a_pair(first, second).pk}/merge/", a_tool().client
    assert send(client, path, {"keep": 999}).json()["errors"][0]["attr"] == "keep"
    assert send(client, path, {"keep": first.pk, "take": ["shoe_size"]}).json()["errors"][0]["attr"] == "take"


def test_a_pair_is_dismissed_once() -> None:
    firms = a_company(), a_company()
    pair = DuplicatePair.objects.create(
        first_company=firms[0], second_company=firms[1], kind="company", score=80, found_at=a_contact().created_at
    )
    client = a_tool().client
    assert send(client, f"duplicates/{pair.pk}/dismiss/").json()["state"] == "dismissed"
    assert send(client, f"duplicates/{pair.pk}/dismiss/").status_code == 409


def test_only_users_who_may_merge_see_and_decide_pairs(client: Any) -> None:
    pair = a_pair(a_contact(), a_contact())
    for role, expected in (("sales", 403), ("manager", 200)):
        key = an_api_key(a_user(role), ("contacts:read", "contacts:write"))[1]
        headers = {"authorization": f"Bearer {key}"}
        assert client.get("/api/v1/duplicates/", headers=headers).status_code == expected
        assert client.post(f"/api/v1/duplicates/{pair.pk}/dismiss/", headers=headers).status_code == expected
