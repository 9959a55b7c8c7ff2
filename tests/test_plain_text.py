"""Characters that nobody sees are kept nowhere: one definition, at every door, for every text that is shown."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from django.contrib.admin import site
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import get_commands, load_command_class
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.urls import get_resolver, reverse
from hypothesis import given
from hypothesis import strategies as st

from bounces.api.bodies import JsonBatch, JsonBody, MailBody
from bounces.parsing.text import CONTROL, clean_line
from bounces.plain_text import INVISIBLE, JOINERS, is_plain, plain
from bounces.scrubbing import by_table
from contacts.models import Campaign, Company, Contact, ImportRun, Segment, Tag
from crm.models import Scope
from crm.plain_posts import PlainPosts, plain_form
from tests.builders import a_contact, a_custom_field, a_user, an_api_key
from tests.filling import forms_of, url_patterns

ODD = "".join(chr(number) for number in sorted(INVISIBLE))
SPOOF = "\u202egpj\u202c.\u200bexe\u2066\ufeff\x01\x9b\u061c\U000e0041"


# --- the definition ---------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x61C, 0x200B])
def test_marks_of_direction_and_of_no_width_are_taken_out(number: int) -> None:
    assert plain(f"a{chr(number)}b") == "ab"


def test_every_control_and_format_character_is_taken_out_or_listed_here() -> None:
    """Unicode's own categories are the measure: what Cc and Cf hold is invisible."""
    odd = {chr(number) for number in range(0x110000) if unicodedata.category(chr(number)) in ("Cc", "Cf")}
    stays = {character for character in odd if is_plain(f"é{character}é")}
    visible = {
        *"\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2",  # around Arabic and Syriac numbers
        *(chr(number) for number in (0x110BD, 0x110CD)),  # Kaithi number signs
        *(chr(number) for number in range(0x13430, 0x13440)),  # joining of Egyptian hieroglyphs
        *(chr(number) for number in range(0x1BCA0, 0x1BCA4)),  # shorthand
        *(chr(number) for number in range(0x1D173, 0x1D17B)),  # musical beams
    }
    assert stays - visible == {"\0", "\t", "\n", "\r", *map(chr, JOINERS)}


@pytest.mark.parametrize("name", ["می‌خواهم", "क्‍ष", "👩‍👩‍👧", "Zoë", "שלום", "مرحبا", "李明", "two\nlines\tand"])
def test_joiners_and_right_to_left_letters_stay_where_they_belong(name: str) -> None:
    assert plain(name) == name


@pytest.mark.parametrize(("text", "is_now"), [("pay\u200dpal", "paypal"), ("\u200cAda", "Ada"), ("a\u2028b", "a b")])
def test_joiners_between_latin_letters_are_taken_out(text: str, is_now: str) -> None:
    assert plain(text) == is_now


@given(st.text())
def test_what_is_plain_stays_as_it_is(text: str) -> None:
    assert plain(plain(text)) == plain(text)
    assert not set(plain(text)) & set(ODD)


def test_diagnostics_go_by_the_same_definition() -> None:
    assert CONTROL.keys() >= INVISIBLE
    assert clean_line(f"550{SPOOF} unknown").startswith("550 gpj")


# --- the doors --------------------------------------------------------------------------------------

# They look at an upload's length before its body is read, and keep of its form file names and choices alone.
UPLOADS = {"bounces:upload", "contacts:import"}
OTHER_DOORS = {"bounces:webhook"}  # events: cleaned as diagnostics are


def is_api(route: str) -> bool:
    return route.startswith("api/")


def test_every_form_reaches_its_view_without_them() -> None:
    """The middleware cleans each POST but of views that are exempt from the check of the form's token."""
    exempt = {
        name
        for name, route, pattern in url_patterns()
        if getattr(pattern.callback, "csrf_exempt", False) and not is_api(route)
    }
    assert exempt == UPLOADS | OTHER_DOORS


def test_the_middleware_changes_texts_and_leaves_passwords(rf: Any) -> None:
    request = rf.post("/", {"name": [f"A{SPOOF}", "B"], "password1": "a\u200bb", "n": "1"})

    PlainPosts(lambda _: None).process_view(request, lambda _: None, [], {})  # type: ignore[arg-type, return-value]

    assert dict(request.POST.lists()) == {"name": ["Agpj.exe", "B"], "password1": ["a\u200bb"], "n": ["1"]}
    assert not request.POST._mutable


def test_a_plain_form_is_not_copied() -> None:
    form = QueryDict("name=Ada&name=Zo%C3%AB")
    assert plain_form(form) is form


def test_every_body_of_the_api_is_cleaned_or_of_mails_and_events() -> None:
    """`JsonBody` cleans; `JsonBatch` refuses unprintable texts event by event; mails are kept as they came."""
    views = [
        pattern.callback.view_class
        for part in get_resolver("crm.api.urls").url_patterns
        for pattern in getattr(part, "url_patterns", [])
    ]
    parsers = {parser for view in views for parser in view.parser_classes}
    multipart = {parser for parser in parsers if parser.media_type == "multipart/form-data"}
    assert {parser for parser in parsers if not issubclass(parser, JsonBody)} - multipart == {MailBody}
    assert {parser for parser in parsers if getattr(parser, "is_kept_whole", True) is False} == {JsonBatch}


# --- what is kept -----------------------------------------------------------------------------------


def columns_with_odd_texts() -> list[str]:
    """Columns in which one of the characters stands; JSON writes some of them as escapes."""
    found = []
    pattern = "[" + "".join(f"\\U{number:08x}" for number in sorted(INVISIBLE)) + "]"
    escapes = "|".join(f"\\\\u{number:04x}" for number in sorted(INVISIBLE) if number < 0x20)
    for table, columns in by_table():
        for column in columns:
            test = f"{column.quoted}::text ~ %s" + (f" OR {column.quoted}::text ~ %s" if "json" in column.kind else "")
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT count(*) FROM {table} WHERE {test}",
                    [pattern, escapes] if "json" in column.kind else [pattern],
                )
                found += [f"{table}.{column.name}"] * bool(cursor.fetchone()[0])
    return found


@pytest.fixture
def admin(db: None) -> Client:
    client = Client()
    client.force_login(a_user("admin"))
    return client


PAGES: dict[str, tuple[type[Any], dict[str, Any]]] = {
    "contacts:company_new": (Company, {"name": f"Firm{SPOOF}", "website": "", "country": ""}),
    "contacts:campaign_new": (Campaign, {"name": f"Offer{SPOOF}", "description": SPOOF, "writes_to": "sure"}),
    "contacts:segment_new": (Segment, {"name": f"Some{SPOOF}"}),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", PAGES)
def test_pages_keep_none_of_them(admin: Client, name: str) -> None:
    model, data = PAGES[name]

    response = admin.post(f"{reverse(name)}?q=%E2%80%AEada", data)  # a segment keeps what its URL asks for

    assert (response.status_code, model._default_manager.count()) == (302, 1), response.content.decode()[:3000]
    assert columns_with_odd_texts() == []


@pytest.mark.django_db
def test_contacts_notes_tasks_and_custom_fields_keep_none_of_them(admin: Client) -> None:
    a_custom_field("size")
    contact = a_contact("ada@example.org")
    page = admin.get(reverse("contacts:edit", args=[contact.pk])).content.decode()
    (form,) = [each for each in forms_of(page) if each.method == "post" and len(each.inputs) > 5]
    data = form.filled(f"Ada{SPOOF}", "ada@example.org")
    data |= {"country": ["DE"], "external_ids": [f"hubspot: 7{SPOOF}"]}

    admin.post(reverse("contacts:edit", args=[contact.pk]), data)
    admin.post(reverse("contacts:note", args=[contact.pk]), {"text": f"Called.{SPOOF}\nTwice."})
    admin.post(reverse("contacts:task_add", args=[contact.pk]), {"text": f"Call{SPOOF}"})

    contact.refresh_from_db()
    assert contact.first_name == "Adagpj.exe", data
    assert contact.activities.filter(text="Called.gpj.exe\nTwice.").exists()
    assert contact.tasks.get().text == "Callgpj.exe"
    assert columns_with_odd_texts() == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "model", sorted(site._registry, key=lambda model: model._meta.label), ids=lambda model: model._meta.label
)
def test_the_admin_keeps_none_of_them(admin: Client, model: type[Any]) -> None:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_add"
    page = admin.get(reverse(name))
    if page.status_code == 403:  # made elsewhere
        return
    for form in forms_of(page.content.decode()):
        if form.method == "post":
            admin.post(form.action or reverse(name), form.filled(f"some{SPOOF}thing", "some@example.org"))

    assert columns_with_odd_texts() == []


@pytest.mark.django_db
def test_the_api_keeps_none_of_them(client: Client) -> None:
    a_custom_field("size")
    _, secret = an_api_key(a_user("manager"), tuple(Scope.values))
    body = {
        "first_name": f"Ada{SPOOF}", "last_name": SPOOF + "L", "company": f"Firm{SPOOF}", "tags": [f"vip{SPOOF}"],
        "custom": {"size": f"big{SPOOF}"}, "addresses": [{"email": f"ada{SPOOF[:1]}@example.org"}],
        "source": f"API{SPOOF}",
    }  # fmt: skip

    response = client.post(
        "/api/v1/contacts/", body, content_type="application/json", headers={"authorization": f"Bearer {secret}"}
    )

    assert response.status_code == 201, response.content
    assert (Contact.objects.get().first_name, Tag.objects.get().name) == ("Adagpj.exe", "vipgpj.exe")
    assert columns_with_odd_texts() == []


@pytest.mark.django_db(transaction=True)
def test_imports_keep_none_of_them(admin: Client, run_jobs: Any) -> None:
    a_custom_field("size")
    text = f"email,first name,company,tags,size\nada@example.org,Ada{SPOOF},Firm{SPOOF},vip{SPOOF},big{SPOOF}\n"
    admin.post(reverse("contacts:import"), {"file": SimpleUploadedFile(f"list{SPOOF}.csv", text.encode())})
    run = ImportRun.objects.get()
    page = admin.get(reverse("contacts:import_columns", args=[run.pk])).content.decode()
    (form,) = [each for each in forms_of(page) if each.method == "post" and "save_as" in [i.name for i in each.inputs]]
    data = form.filled("", "")
    admin.post(reverse("contacts:import_columns", args=[run.pk]), data | {"tags": f"all{SPOOF}"})
    run_jobs()
    admin.post(reverse("contacts:import_confirm", args=[run.pk]))
    run_jobs()

    assert Contact.objects.get().first_name == "Adagpj.exe"
    assert columns_with_odd_texts() == []


COMMANDS = sorted(name for name, app in get_commands().items() if app in ("crm", "contacts", "bounces"))
KEPT_TEXTS = {"reason", "why", "note", "label"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_command_line_keeps_none_of_them(name: str) -> None:
    """Of each option that is kept to be read later. A filter names a reason instead: `repair --reason`."""
    command = load_command_class(get_commands()[name], name)
    parser = command.create_parser("manage.py", name)
    kept = [action for action in parser._actions if action.dest in KEPT_TEXTS and (name, action.dest) not in FILTERS]
    assert [action.dest for action in kept if action.type is not plain] == []


FILTERS = {("repair", "reason")}
