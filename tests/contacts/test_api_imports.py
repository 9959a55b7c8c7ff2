"""Imports by the API: brought, previewed, confirmed, read row by row, taken back; and who may do it."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from contacts.importing import undoing, working
from contacts.importing.mapping import save_mapping
from contacts.models import Contact, CustomField, ImportRun
from contacts.people import change_contact, delete_contact
from tests.builders import a_contact, a_note, a_suppression, a_user
from tests.contacts.test_import_bought import a_bad_list
from tests.tools import Tool, a_tool, errors_of

pytestmark = pytest.mark.django_db

ROWS = [{"email": "ada@x.example", "first_name": "Ada", "tags": ["a", "b"]}, {"email": "not one", "first_name": "Eve"}]


def worked(tool: Tool, asked: Any) -> dict[str, Any]:
    """As the worker leaves it."""
    pk = asked.json()["id"]
    working.work(pk, timezone.now)
    found: dict[str, Any] = tool.get(f"imports/{pk}/").json()
    return found


def brought(tool: Tool, rows: Any = ROWS, **given: Any) -> dict[str, Any]:
    return worked(tool, tool.post("imports/", {"rows": rows, **given}))


def upload(tool: Tool, body: bytes, name: str = "people.csv", headers: Any = None, **given: Any) -> Any:
    return tool.client.post("/api/v1/imports/", {"file": SimpleUploadedFile(name, body), **given}, headers=headers)


def a_run(tool: Tool, rows: Any = ROWS) -> int:
    """Of an import that is done."""
    run = brought(tool, rows)
    worked(tool, tool.post(f"imports/{run['id']}/confirm/", {}))
    return int(run["id"])


def test_rows_are_previewed_and_confirmed():
    tool = a_tool()
    run = brought(tool, tags=["fair"])
    assert (run["state"], run["counts"]["new"], run["counts"]["invalid"], run["via"]) == ("ready", 1, 1, "api")
    assert [(row["number"], row["verdict"]) for row in run["first_rows"]] == [(1, "new"), (2, "invalid")]
    assert Contact.objects.count() == 0
    done = worked(tool, tool.post(f"imports/{run['id']}/confirm/", {}))
    assert (done["state"], done["written"]) == ("done", {"new": 1})
    ada = Contact.objects.get()
    assert (ada.first_name, {tag.name for tag in ada.tags.all()}, ada.source[:4]) == ("Ada", {"a", "b", "fair"}, "API:")


def test_a_file_comes_as_a_form():
    tool = a_tool()
    mapping = json.dumps({"Work mail": "email", "Name": "first_name"})
    asked = upload(tool, b"Work mail,Name\nada@x.example,Ada\n", mapping=mapping, tags=["x", "y"], at_once="true")
    assert asked.status_code == 202
    assert asked["Location"].endswith(f"/api/v1/imports/{asked.json()['id']}/")
    assert worked(tool, asked)["state"] == "done"
    assert {tag.name for tag in Contact.objects.get().tags.all()} == {"x", "y"}


def test_a_form_says_what_columns_mean_where_nothing_tells_it_and_makes_fields():
    tool = a_tool()
    said = {"mapping": {"Wohin": "email", "Size": "custom.size"}, "new_fields": [{"key": "size", "label": "Size"}]}
    body = b"Wohin,Size\nada@x.example,12\nnot one,13\nnor this,14\n"
    asked = upload(tool, body, at_once="true", **{name: json.dumps(value) for name, value in said.items()})
    assert (asked.status_code, asked.json().get("mapping")) == (202, said["mapping"])
    assert (worked(tool, asked)["counts"]["new"], CustomField.objects.get().label) == (1, "Size")
    for name in said:
        assert list(errors_of(upload(tool, body, **{name: "{"}))) == [name]


def test_an_update_that_does_not_exist_is_answered_with_those_that_do():
    refused = a_tool().post("imports/", {"rows": ROWS, "update": "all"})
    assert errors_of(refused) == {"update": "“all” is none of: skip, fill, overwrite."}


def test_a_preview_says_what_changes_and_who_is_not_written_to():
    a_contact("ada@x.example", first_name="Augusta")
    a_suppression("ada@x.example")
    (row,) = brought(a_tool(), ROWS[:1])["first_rows"]
    assert {"field": "first_name", "was": "Augusta", "then": "Ada"} in row["changes"]
    assert row["not_written_to"]


def test_a_saved_mapping_tells_the_columns():
    save_mapping("Fair", {"Wohin": "email", "Wer": "last_name"}, None)
    tool = a_tool()
    run = worked(tool, upload(tool, b"Wohin,Wer\nada@x.example,Ada\n", saved="fair"))
    assert run["mapping"] == {"Wohin": "email", "Wer": "last_name"}


def test_an_idempotency_key_gives_the_same_import_again():
    tool = a_tool()
    headers = {"Idempotency-Key": "7781"}
    first, second = (upload(tool, b"email\nada@x.example\n", headers=headers) for _ in range(2))
    other = upload(a_tool(), b"email\nada@x.example\n", headers=headers)
    assert (first.status_code, second.status_code, other.status_code) == (202, 200, 202)
    assert first.json()["id"] == second.json()["id"] != other.json()["id"]


def test_outcomes_are_read_page_by_page():
    tool = a_tool()
    pk = a_run(tool, [{"email": f"p{n}@x.example"} for n in range(5)] + [{"email": "no"}])
    first = tool.get(f"imports/{pk}/rows/", limit=4).json()
    rest = tool.client.get(first["next"]).json()
    assert [row["number"] for row in [*first["results"], *rest["results"]]] == [1, 2, 3, 4, 5, 6]
    (failed,) = tool.get(f"imports/{pk}/rows/", verdict="invalid").json()["results"]
    assert (failed["problems"][0]["column"], failed["problems"][0]["value"]) == ("email", "no")
    assert list(errors_of(tool.get(f"imports/{pk}/rows/", verdict="lost"))) == ["verdict"]


def test_failed_rows_are_a_file_to_mend():
    tool = a_tool()
    response = tool.get(f"imports/{a_run(tool)}/failed/")
    (row,) = csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig")))
    assert (row["email"], row["first_name"]) == ("not one", "Eve")
    assert "is not an e-mail address" in row["error"]


def test_an_import_is_taken_back_with_a_preview_and_a_reason():
    tool = a_tool()
    pk = a_run(tool)
    assert tool.get(f"imports/{pk}/undo/").json() == {
        "go": 1, "back": 0, "stay": 0, "is_capped": False, "looked_at": 50_000,
    }  # fmt: skip
    assert list(errors_of(tool.post(f"imports/{pk}/undo/", {}))) == ["reason"]
    undone = worked(tool, tool.post(f"imports/{pk}/undo/", {"reason": "Tried."}))
    assert (undone["state"], Contact.objects.count()) == ("undone", 0)
    assert tool.get(f"imports/{pk}/undo/").status_code == 409


def test_the_rows_that_would_stay_are_told_with_why_before_anything_is_taken_back():
    tool = a_tool()
    was_there = a_contact("z@x.example", first_name="Z")
    pk = a_run(tool, [{"email": f"{name}@x.example", "title": "Dr"} for name in "abcdz"])
    made = {name: Contact.objects.get(contact_addresses__address__email=f"{name}@x.example") for name in "abcd"}
    a_note(made["b"])
    for contact in (made["c"], was_there):
        change_contact(contact, {"title": "Prof"}, by=tool.user, now=timezone.now())
    delete_contact(made["d"], by=tool.user, now=timezone.now())

    assert tool.get(f"imports/{pk}/undo/").json()["stay"] == 4
    first = tool.get(f"imports/{pk}/undo/rows/", limit=3).json()
    rest = tool.client.get(first["next"]).json()
    rows = [*first["results"], *rest["results"]]
    assert [(row["email"][0], row["verdict"], row["kept"]) for row in rows] == [
        ("b", "new", "Something happened with it since."),
        ("c", "new", "It was changed since."),
        ("d", "new", "It was deleted since."),
        ("z", "update", "It was changed since."),
    ]
    assert rest["next"] is None

    worked(tool, tool.post(f"imports/{pk}/undo/", {"reason": "Tried."}))
    kept = [row for row in tool.get(f"imports/{pk}/rows/").json()["results"] if row["kept"]]
    assert [(row["number"], row["kept"]) for row in kept] == [(row["number"], row["kept"]) for row in rows]
    assert tool.get(f"imports/{pk}/undo/rows/").status_code == 409


def test_where_hardly_anything_stays_a_page_may_be_empty_and_go_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(undoing, "LOOKED_AT", 2)
    tool = a_tool()
    pk = a_run(tool, [{"email": f"{name}@x.example"} for name in "abcde"])
    a_note(Contact.objects.get(contact_addresses__address__email="e@x.example"))
    pages = [tool.get(f"imports/{pk}/undo/rows/").json()]
    while pages[-1]["next"]:
        pages.append(tool.client.get(pages[-1]["next"]).json())
    assert [[row["number"] for row in page["results"]] for page in pages] == [[], [], [5]]


def test_the_rows_of_a_preview_are_read_page_by_page_too():
    tool = a_tool()
    a_contact("a@x.example", first_name="Anna")
    bad = [{"email": f"no {n}"} for n in range(4)]
    pk = brought(tool, [{"email": "a@x.example", "first_name": "Ada"}, *bad, {"email": "b@x.example"}])["id"]
    first = tool.get(f"imports/{pk}/rows/", verdict="invalid", limit=3).json()
    rest = tool.client.get(first["next"]).json()
    assert [row["number"] for row in [*first["results"], *rest["results"]]] == [2, 3, 4, 5]
    assert (first["results"][0]["problems"][0]["column"], rest["next"]) == ("email", None)
    (update,) = tool.get(f"imports/{pk}/rows/", verdict="update").json()["results"]
    assert update["changes"] == [{"field": "first_name", "was": "Anna", "then": "Ada"}]
    assert len(tool.get(f"imports/{pk}/rows/").json()["results"]) == 6


def test_a_quarantined_list_needs_a_reason_even_where_nobody_is_waited_for():
    tool = a_tool()
    run = worked(tool, upload(tool, a_bad_list().encode(), at_once="true"))
    assert (run["state"], "disposable" in run["quarantine"]) == ("ready", True)
    assert list(errors_of(tool.post(f"imports/{run['id']}/confirm/", {}))) == ["reason"]
    confirmed = tool.post(f"imports/{run['id']}/confirm/", {"reason": "They all opted in."})
    assert (confirmed.status_code, confirmed.json()["state"]) == (200, "applying")
    working.work(run["id"], timezone.now)
    assert tool.post(f"imports/{run['id']}/next-batch/", {}).status_code == 409


def test_only_who_brought_it_confirms():
    run = brought(a_tool())
    assert a_tool().post(f"imports/{run['id']}/confirm/", {}).status_code == 409
    assert ImportRun.objects.get().state == "ready"


def test_an_import_is_stopped_once():
    tool = a_tool()
    run = brought(tool)
    assert tool.post(f"imports/{run['id']}/cancel/", {}).json()["state"] == "cancelled"
    assert tool.post(f"imports/{run['id']}/cancel/", {}).status_code == 409


def test_imports_are_listed_and_the_admins_waiting_file_is_none():
    tool = a_tool()
    brought(tool)
    ImportRun.objects.create(name="waiting", digest=b"", via="waiting", created_at=timezone.now() - timedelta(hours=1))
    assert [run["name"] for run in tool.get("imports/").json()["results"]] == ["rows.jsonl"]


@pytest.mark.parametrize(
    ("given", "attr"),
    [
        ({"rows": []}, "rows"), ({"rows": [{"first_name": "Ada"}]}, "rows"), ({"rows": ROWS, "saved": "none"}, "saved"),
        ({"rows": ROWS, "mapping": {"email": "nonsense"}}, "rows"), ({"rows": ROWS, "owner": "no@x.example"}, "owner"),
        ({"rows": ROWS, "update": "burn"}, "update"), ({"rows": ROWS, "tags": ["a,b"]}, "tags"),
        ({"rows": ROWS, "nonsense": 1}, "nonsense"), ({}, "rows"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_is_kept(given: dict[str, Any], attr: str):
    response = a_tool().post("imports/", given)
    assert (response.status_code, [key.split(".")[0] for key in errors_of(response)]) == (400, [attr])
    assert not ImportRun.objects.exists()


def test_a_file_that_is_none_is_refused_in_plain_words():
    response = upload(a_tool(), b"%PDF-1.7 and so on")
    assert (response.status_code, "PDF" in errors_of(response)["file"]) == (400, True)


def test_new_fields_are_made_on_the_way():
    fields = [{"key": "size", "label": "Size", "type": "number"}]
    asked = {"rows": [{"email": "ada@x.example", "Size": "12"}], "mapping": {"Size": "custom.size"}, "at_once": True}
    tool = a_tool()
    worked(tool, tool.post("imports/", {**asked, "new_fields": fields}))
    assert (CustomField.objects.get().key, Contact.objects.get().custom) == ("size", {"size": 12})
    assert list(errors_of(tool.post("imports/", {**asked, "new_fields": fields}))) == ["new_fields"]


def test_what_columns_mean_is_kept_by_a_name_and_a_wrong_name_is_answered_with_those_there_are():
    tool = a_tool()
    said = {"mapping": {"Reached at": "email"}, "save_as": "The fair"}
    brought(tool, [{"Reached at": "ada@x.example", "Called": "Ada"}], **said)
    again = brought(tool, [{"Reached at": "bob@x.example", "Called": "Bob"}], saved="the FAIR")
    assert (again["mapping"], again["counts"]["new"]) == ({"Reached at": "email"}, 1)
    refused = tool.post("imports/", {"rows": ROWS, "saved": "The fare"})
    assert errors_of(refused) == {"saved": "No mapping is called so. There are: The fair."}


def test_an_import_says_how_it_was_read_and_who_decided_what():
    tool = a_tool()
    run = worked(tool, upload(tool, a_bad_list().encode(), encoding="cp1252"))
    run = worked(tool, tool.post(f"imports/{run['id']}/confirm/", {"reason": "Our own guests."}))
    assert (run["manner"], run["released_by"], run["release_reason"]) == (
        {"encoding": "cp1252"}, tool.user.email, "Our own guests.",
    )  # fmt: skip
    run = worked(tool, tool.post(f"imports/{run['id']}/undo/", {"reason": "Not ours."}))
    assert (run["undone_by"], run["undo_reason"], run["undone"]) == (tool.user.email, "Not ours.", 120)


ROUTES = ("", "{}/", "{}/rows/", "{}/failed/", "{}/undo/", "{}/undo/rows/")
ACTIONS = ("", "{}/confirm/", "{}/cancel/", "{}/next-batch/", "{}/undo/")


def test_sales_and_keys_without_the_scope_may_do_none_of_it():
    pk = brought(a_tool())["id"]
    manager = a_user("manager")
    for tool in (a_tool(role="sales"), a_tool("check", user=manager)):
        assert {tool.get(f"imports/{route.format(pk)}").status_code for route in ROUTES} == {403}
        assert {tool.post(f"imports/{route.format(pk)}", {}).status_code for route in ACTIONS} == {403}
    reads = a_tool("contacts:read", user=manager)
    assert {reads.post(f"imports/{route.format(pk)}", {}).status_code for route in ACTIONS} == {403}
    assert reads.get(f"imports/{pk}/").status_code == 200


def test_another_managers_contacts_are_changed_only_where_told_so():
    a_contact("ada@x.example", first_name="Augusta", owner=a_user("sales"))
    assert brought(a_tool(), ROWS[:1])["counts"]["not_yours"] == 1
    assert brought(a_tool(), ROWS[:1], change_others=True)["counts"]["update"] == 1
