"""Many contacts by one request: a result a row, a bad row costs itself, the same body again writes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from bounces.models import Address
from contacts.erasure import erase_email
from contacts.models import Activity, Contact, ContactExternalId
from contacts.people import change_contact, save_contact
from tests.builders import NOW, a_contact, a_custom_field, a_suppression, a_team, a_user
from tests.contacts.importing import state_hash
from tests.tools import a_tool, errors_of

pytestmark = pytest.mark.django_db


def row(email: str = "", **fields: Any) -> dict[str, Any]:
    return {**fields, **({"addresses": [{"email": email}]} if email else {})}


def sent(*rows: Any, tool: Any = None, **body: Any) -> dict[str, Any]:
    answer = (tool or a_tool()).post("contacts/bulk/", {"contacts": list(rows), **body})
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def results_of(answer: dict[str, Any]) -> list[str]:
    return [each["result"] for each in answer["results"]]


def test_each_row_has_a_result_in_the_order_given() -> None:
    ada = a_contact("ada@example.org", first_name="Ada", title="")
    same = a_contact("same@example.org", first_name="Same", external_id="s1")
    a_contact("taken@example.org", external_id="t1")

    answer = sent(
        row("new@example.org", first_name="New"),
        row("ada@example.org", title="Dr"),
        row("same@example.org", first_name="Same"),
        row("taken@example.org", external_id="t2"),
        row("not one", first_name="Bad"),
    )

    assert results_of(answer) == ["created", "updated", "unchanged", "conflict", "error"]
    assert {name: answer[name] for name in ("created", "updated", "unchanged", "conflict", "error")} == dict.fromkeys(
        ("created", "updated", "unchanged", "conflict", "error"), 1
    )
    new, updated, unchanged, conflict, error = answer["results"]
    assert (updated["id"], unchanged["id"]) == (ada.pk, same.pk)
    assert Contact.objects.get(pk=new["id"]).first_name == "New"
    assert "whose external id is t1" in conflict["message"]
    assert list(error["errors"]) == ["addresses"]
    assert error["message"].startswith("addresses: “not one” is not an e-mail address")


WHOLE = {
    "first_name": "Zoë",
    "last_name": "Müller",
    "title": "Head",
    "company": "Engines",
    "phone": "030 901820",
    "country": "Germany",
    "tags": ["vip", "Fair"],
    "source": "booth",
    "external_id": "z1",
    "custom": {"size": 12, "since": "2026-05-31", "open": True},
    "addresses": [{"email": "b@x.example"}, {"email": "ZOE@x.example", "is_primary": True}],
}


def fields_of(contact: Contact) -> dict[str, Any]:
    return {
        **{name: getattr(contact, name) for name in ("first_name", "last_name", "title", "phone", "country", "custom")},
        **{name: getattr(contact, name) for name in ("source", "external_id", "owner_id", "document")},
        "company": contact.company and contact.company.name,
        "tags": sorted(tag.name for tag in contact.tags.all()),
        "addresses": [
            (one.address.email, one.is_primary) for one in contact.contact_addresses.order_by("-is_primary", "id")
        ],
    }


def test_a_row_becomes_the_contact_that_a_single_request_makes() -> None:
    for key, kind in (("size", "number"), ("since", "date"), ("open", "yes_no")):
        a_custom_field(key, kind)
    manager = a_user("manager")
    whole = {**WHOLE, "owner": manager.email}
    tool = a_tool(user=manager)
    single = tool.post("contacts/", whole).json()
    made = fields_of(Contact.objects.get(pk=single["id"]))
    assert tool.client.delete(f"/api/v1/contacts/{single['id']}/").status_code == 204

    answer = sent(whole, tool=tool)

    assert results_of(answer) == ["created"]
    assert fields_of(Contact.objects.get(pk=answer["results"][0]["id"])) == made
    assert results_of(sent(tool.get(f"contacts/{answer['results'][0]['id']}/").json(), tool=tool)) == ["unchanged"]


@pytest.mark.parametrize(
    "change",
    [
        {"first_name": "Zoe"},
        {"title": ""},
        {"company": "Other"},
        {"company": None},
        {"phone": "+33 1 42 68 53 00"},
        {"country": "FR"},
        {"tags": ["new"]},
        {"addresses": [{"email": "third@x.example"}]},
        {"addresses": [{"email": "b@x.example"}]},
    ],
    ids=str,
)
def test_a_changed_row_changes_what_a_single_upsert_changes(change: dict[str, Any]) -> None:
    single = save_contact({**WHOLE, "custom": {}, "addresses": ["zoe@x.example", "b@x.example"]}, by=None, now=NOW)
    body = {"external_id": "z1", **change}
    tool = a_tool()
    with_bulk = _after(lambda: results_of(sent(body, tool=tool)), ["updated"], single.contact)

    assert with_bulk == _after(lambda: tool.post("contacts/?upsert=true", body).status_code, 200, single.contact)


def _after(change: Any, expected: Any, contact: Contact) -> dict[str, Any]:
    """What the contact is after that; then it is taken back."""
    with transaction.atomic():
        assert change() == expected
        found = fields_of(Contact.objects.get(pk=contact.pk))
        text = contact.activities.latest("pk").text.partition(" (")[0].rstrip(".")  # without the addresses themselves
        transaction.set_rollback(True)
    return {**found, "activity": text}


def log_position() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_the_same_body_again_writes_nothing() -> None:
    rows = [
        row(f"p{number}@x.example", first_name=f"P{number}", external_id=f"{number}", company="C", tags=["t"])
        for number in range(1000)
    ]
    tool = a_tool()
    assert sent(*rows, tool=tool)["created"] == 1000
    before, state = log_position(), state_hash()

    assert sent(*rows, tool=tool)["unchanged"] == 1000

    assert state_hash() == state
    assert log_position() - before < 8_000


def test_the_statements_are_as_many_for_ten_rows_as_for_five_hundred() -> None:
    tool = a_tool()
    sent(row("first@x.example", tags=["t"]), tool=tool)

    def statements(start: int, number: int) -> int:
        rows = [row(f"n{start + at}@x.example", company=f"C{start + at}", tags=["t"]) for at in range(number)]
        with CaptureQueriesContext(connection) as queries:
            assert sent(*rows, tool=tool)["created"] == number
        return len(queries)

    assert statements(0, 10) == statements(100, 500)


def test_a_bad_row_costs_itself() -> None:
    bad: list[Any] = [
        None,
        [],
        {},
        {"first_name": "No key"},
        row("a@x.example", first_name=5),
        row("b@x.example", frist_name="Typo"),
        row("c@x.example", owner="nobody@x.example"),
        row("d@x.example", custom={"unknown": 1}),
        row("e@x.example", country="Atlantis"),
        row("f@x.example", first_name="half \ud83d"),
        row("g@x.example", title="nul \x00"),
        row("h@x.example", tags="vip"),
        row("i@x.example", external_ids=[{"tool": "hubspot", "id": "1"}]),
        {"addresses": [{"email": "j@x.example", "is_primary": True}, {"email": "k@x.example", "is_primary": True}]},
        {"external_id": "no-name-no-address"},
    ]
    answer = sent(*bad, row("good@x.example"))

    assert results_of(answer) == ["error"] * len(bad) + ["created"]
    assert all(each["message"] and each["errors"] for each in answer["results"][:-1])
    assert Contact.objects.count() == Address.objects.count() == 1


def test_rows_about_the_same_contact_repeat_or_contradict() -> None:
    answer = sent(
        row("ada@x.example", first_name="Ada"),
        row("ADA@x.example", first_name="Ada"),
        row("ada@x.example", first_name="Eve"),
    )

    assert results_of(answer) == ["created", "unchanged", "conflict"]
    assert answer["results"][1]["id"] == answer["results"][0]["id"]
    assert "Row 0 is about the same contact" in answer["results"][2]["message"]


def test_external_ids_are_those_of_the_tool_that_the_body_names() -> None:
    ada = a_contact("ada@x.example", external_id="101")
    rows = [row("ada@x.example", external_id="7"), row("eve@x.example", external_id="101")]
    answer = a_tool().post("contacts/bulk/", {"tool": "HubSpot", "contacts": rows}).json()

    assert results_of(answer) == ["updated", "created"]
    eve = answer["results"][1]["id"]
    assert list(ContactExternalId.objects.order_by("pk").values_list("contact", "tool", "external_id")) == [
        (ada.pk, "hubspot", "7"),
        (eve, "hubspot", "101"),
    ]


def test_a_known_further_address_finds_its_contact() -> None:
    ada = a_contact("ada@x.example", others=("home@x.example",))
    answer = sent(row("home@x.example", title="Dr"))

    ada.refresh_from_db()
    assert (results_of(answer), ada.title, Contact.objects.count()) == (["updated"], "Dr", 1)
    assert ada.contact_addresses.get(is_primary=True).address.email == "ada@x.example"


def test_contacts_of_others_are_left_to_them_and_unseen_ones_are_not_named(settings) -> None:
    settings.SALES_SEE = "team"
    boss = a_user(name="Boss", team=a_team("Other"))
    a_contact("hers@x.example", first_name="Secret", external_id="h1", owner=boss)
    sales = a_user("sales", team=a_team("Mine"))

    answer = sent(
        row("hers@x.example", title="Dr"),
        row("hers@x.example", external_id="other"),
        row("own@x.example", title="Dr"),
        tool=a_tool(user=sales),
    )

    assert results_of(answer) == ["error", "conflict", "created"]
    assert "Secret" not in str(answer)
    assert [each["id"] for each in answer["results"][:2]] == [None, None]
    assert Contact.objects.get(first_name="Secret").title != "Dr"


def test_an_erased_address_stays_suppressed() -> None:
    a_contact("gone@x.example")
    a_suppression("gone@x.example", reason="complaint")
    erase_email("gone@x.example", None, "They asked.", NOW)

    assert results_of(sent(row("gone@x.example"))) == ["created"]
    assert Address.objects.get(email="gone@x.example").suppressions.filter(lifted_at=None).exists()


def test_the_timeline_says_what_changed_and_who_did_it() -> None:
    tool = a_tool()
    sent(row("ada@x.example", first_name="Ada"), tool=tool)
    sent(row("ada@x.example", first_name="Augusta", phone="+49 30 901820"), tool=tool)

    said = list(Activity.objects.order_by("pk").values_list("kind", "text", "by"))
    assert said == [
        ("created", "", tool.user.pk),
        ("edited", "Changed first name, phone.", tool.user.pk),
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "non_field_errors"),
        ({}, "contacts"),
        ({"contacts": []}, "contacts"),
        ({"contacts": {}}, "contacts"),
        ({"contacts": [{}] * 10_001}, "contacts"),
        ({"contacts": [{}], "tool": "!"}, "tool"),
        ({"contacts": [{}], "upsert": True}, "upsert"),
    ],
)
def test_a_body_of_another_shape_is_refused_whole(body: Any, field: str) -> None:
    answer = a_tool().post("contacts/bulk/", body)
    assert answer.status_code == 400
    assert field in errors_of(answer)


def test_a_key_without_the_scope_saves_nothing() -> None:
    answer = a_tool("contacts:read").post("contacts/bulk/", {"contacts": [row("ada@x.example")]})
    assert (answer.status_code, Contact.objects.count()) == (403, 0)


def test_a_contact_is_deleted_by_those_who_may() -> None:
    ada = a_contact("ada@x.example", external_id="7")
    change_contact(ada, {"external_ids": [{"tool": "hubspot", "id": "1"}]}, by=None, now=NOW)
    assert a_tool(role="sales").client.delete(f"/api/v1/contacts/{ada.pk}/").status_code == 403

    tool = a_tool()
    assert tool.client.delete(f"/api/v1/contacts/{ada.pk}/").status_code == 204
    assert tool.client.delete(f"/api/v1/contacts/{ada.pk}/").status_code == 404
    ada.refresh_from_db()
    assert ada.deleted_at is not None
    freed = {"external_id": "7", "external_ids": [{"tool": "hubspot", "id": "1"}]}
    assert tool.post("contacts/", {"first_name": "New", **freed}).status_code == 201
