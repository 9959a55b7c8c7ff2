"""What tests of exports share: a house with all that is hard to write down, what leaves it, and what comes back."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from contacts.exporting import runs
from contacts.exporting.files import pieces_of
from contacts.exporting.people import columns, rows_of
from contacts.importing.formats import SheetDataset
from contacts.importing.reading import read_sheet
from contacts.importing.report import ImportReport
from contacts.importing.resources import ContactResource
from contacts.models import Contact, Export
from tests.builders import NOW, a_contact, a_custom_field, a_user

FORMS = ("csv", "xlsx", "jsonl")


def exported(form: str, *keys: str) -> bytes:
    header = {column: column for column in columns() if not keys or column in keys}
    return b"".join(
        pieces_of(form, header, rows_of(Contact.objects.all(), list(header), NOW), ["tags", "other_emails"])
    )


def imported(body: bytes) -> ImportReport:
    resource = ContactResource()
    return resource.report(resource.import_data(SheetDataset(read_sheet(body))))


def a_full_house() -> None:
    for key, kind in (("size", "number"), ("signed", "date"), ("vip", "yes_no"), ("notes", "text"), ("mail", "text")):
        a_custom_field(key, kind)
    owner = a_user("sales", email="sam@rebound.example")
    a_contact("ada@example.org", others=("ada@home.example", "a@b.example"), company="Engines; Ltd, “Co”", owner=owner,
        first_name="Ada", phone="030 901820", country="DE", tags=("vip", "a;b"), external_id="0017", source="=fair",
        custom={"size": 12.5, "signed": "2026-04-03", "vip": False, "notes": "one\r\ntwo\n'=3"})  # fmt: skip
    a_contact(
        "bob@example.org", title="-1", tags=("lone;tag",), phone="+49 (0)30 901820", custom={"vip": True, "mail": "1"}
    )
    a_contact(None, external_id="no-address", last_name="O'Hara")


def new(client: Client, query: str = "", **given: Any) -> Any:
    given = {"form": "csv", "columns": ["email"], **given}
    return client.post(f"{reverse('contacts:export_new')}{query}", given)


def body(response: Any) -> str:
    return b"".join(response.streaming_content).decode("utf-8-sig")


def clock() -> Any:
    return NOW


def begun(user: Any, form: str = "csv", **params: Any) -> Export:
    return runs.begin("contacts", form, params, [], user, NOW)
