"""Nothing stored refers to another row by its name: what is renamed is still what it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from bounces.models import RuleOverride
from contacts import bulk
from contacts.exporting import runs as exports
from contacts.filters import fault_of, find_contacts, words_of
from contacts.importing import runs, working
from contacts.models import Campaign, Company, Contact, CustomField, Export, ImportRow, Segment, Tag
from contacts.segments import contacts_of
from contacts.stored_filters import UnknownName, store
from tests.builders import (
    NOW,
    a_campaign,
    a_company,
    a_contact,
    a_custom_field,
    a_rule_override,
    a_segment,
    a_source,
    a_tag,
    a_user,
)
from tests.contacts.importing import begun, done, undone

pytestmark = pytest.mark.django_db

# Columns whose texts are history or a person's own words: what stood there, as people read it then.
HISTORY = {
    "contacts_activity.text", "contacts_contact.document", "contacts_export.label", "contacts_importrow.changes",
    "contacts_importrow.cells", "contacts_importrun.notices", "bounces_cleaningrun.scope_label",
    "django_admin_log.object_repr", "contacts_importrun.options",
}  # fmt: skip
# What a thing is called, where it is called so.
NAMES = {"contacts_tag.name", "contacts_company.name", "contacts_campaign.name", "contacts_customfield.label"}


def rename_everything() -> None:
    for model in (Tag, Company, Campaign):
        for row in model.objects.all():
            model.objects.filter(pk=row.pk).update(name=f"Renamed {row.pk}")


def where_stands(text: str) -> set[str]:
    """Columns of all tables that hold the text, in any case."""
    found = set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "JOIN information_schema.tables USING (table_schema, table_name) "
            "WHERE table_schema = 'public' AND table_type = 'BASE TABLE' "
            "AND is_generated = 'NEVER' AND data_type IN ('text', 'character varying', 'jsonb', 'ARRAY')"
        )
        for table, column in cursor.fetchall():
            cursor.execute(f'SELECT EXISTS (SELECT FROM "{table}" WHERE "{column}"::text ILIKE %s)', [f"%{text}%"])
            if cursor.fetchone()[0]:
                found.add(f"{table}.{column}")
    return found


def everything_that_names_a_row(boss: Any, client: Any) -> None:
    """Each door that stores something about a tag, a company or a campaign."""
    client.force_login(boss)
    contact = a_contact("ada@x.example", tags=("Marker tag",), company="Marker company", external_id="1")
    campaign = a_campaign("Marker campaign", members=(contact,))
    query = f"tag=marker+tag&company=marker+company&campaign={campaign.key}"
    client.post(f"{reverse('contacts:segment_new')}?{query}", {"name": "Kept"})
    words = {"tag": ["marker tag"], "company": ["marker company"], "campaign": [campaign.key]}
    exports.begin("contacts", "csv", words, [], boss, NOW)
    body = "email,company,tags\nada@x.example,Other company,Other tag\nnew@x.example,Marker company,Marker tag\n"
    done(body, by=boss, tags=["Marker tag", "Marker new tag"], change_others=True)
    bulk.add_tag([contact.pk], a_tag("Marker bulk"), by=boss, now=NOW)


def test_no_name_of_a_row_stands_anywhere_but_with_it_and_in_history(client):
    everything_that_names_a_row(a_user("admin"), client)
    assert Segment.objects.count() == Export.objects.count() == 1
    assert where_stands("marker ") - HISTORY == NAMES - {"contacts_customfield.label"}


@pytest.mark.parametrize(
    "name",
    ["contacts_segment.filter", "contacts_export.params", "contacts_savedmapping.mapping", "bounces_outbox.payload"],
)
def test_the_walk_sees_every_json_column(name: str):
    """So that the test above looks at something."""
    table, column = name.split(".")
    model = next(each for each in apps.get_models() if each._meta.db_table == table)
    assert model._meta.get_field(column).get_internal_type() == "JSONField"


# --- segments and exports -------------------------------------------------------------------------


def test_a_segment_finds_the_same_after_everything_was_renamed():
    contact = a_contact(tags=("vip",), company="Acme")
    a_contact(tags=("other",), company="Other")
    campaign = a_campaign("Spring", members=(contact,))
    segments = [
        a_segment(tag=["VIP"]),
        a_segment(company=["acme"]),
        a_segment(company=[str(contact.company_id)]),
        a_segment(campaign=[campaign.key]),
        a_segment(tag=["vip"], company=["acme"], campaign=[campaign.key], status=["unverified"]),
    ]
    rename_everything()
    for segment in segments:
        segment.refresh_from_db()
        assert (fault_of(segment), list(contacts_of(segment))) == ("", [contact])


def test_the_words_of_a_segment_are_todays_names():
    a_tag("vip")
    segment = a_segment(tag=["VIP"])
    assert (segment.filter, words_of(segment)) == ({"tag": [Tag.objects.get().pk]}, {"tag": ["vip"]})
    Tag.objects.update(name="Very important")
    assert words_of(segment) == {"tag": ["Very important"]}


@pytest.mark.parametrize("word", ["tag", "company", "campaign"])
def test_a_segment_of_a_deleted_row_finds_nobody_and_says_so(word: str):
    contact = a_contact(tags=("vip",), company="Acme")
    a_campaign("Spring", key="spring", members=(contact,))
    segment = a_segment("Old", **{word: [{"tag": "vip", "company": "Acme", "campaign": "spring"}[word]]})
    for model in (Tag, Company, Campaign):
        model.objects.all().delete()
    assert not contacts_of(segment).exists()
    assert f"The {word} that it names was deleted." in fault_of(segment)


def test_a_name_that_nothing_has_is_not_saved(client):
    client.force_login(a_user("manager"))
    with pytest.raises(UnknownName, match="There is no tag “nope”"):
        store({"tag": ["nope"]}, a_user("manager"))
    page = client.post(f"{reverse('contacts:segment_new')}?tag=nope", {"name": "Nope"}, follow=True)
    assert "There is no tag “nope”." in page.content.decode()
    assert not Segment.objects.exists()


def test_the_admin_takes_names_and_keeps_ids(client):
    client.force_login(a_user("admin"))
    tag = a_tag("vip")
    given = {"name": "Vips", "filter": json.dumps({"tag": ["VIP"], "status": ["valid"]}), "owner": ""}
    client.post(reverse("admin:contacts_segment_add"), given)
    assert Segment.objects.get().filter == {"tag": [tag.pk], "status": ["valid"]}
    page = client.post(reverse("admin:contacts_segment_add"), {**given, "name": "B", "filter": '{"tag": ["nope"]}'})
    assert "There is no tag “nope”." in page.content.decode()


def test_segments_are_listed_by_a_constant_number_of_queries(client, django_assert_max_num_queries):
    client.force_login(a_user("manager"))
    for number in range(10):
        a_company(f"Firm {number}")
        a_tag(f"t{number}")
        a_segment(tag=[f"t{number}"], company=[f"Firm {number}"])
    with django_assert_max_num_queries(30):
        client.get(reverse("contacts:segments"))


def test_an_export_that_waits_finds_the_same_after_everything_was_renamed():
    boss, contact = a_user("manager"), a_contact("ada@x.example", tags=("vip",), company="Acme")
    campaign = a_campaign("Spring", members=(contact,))
    words = {"tag": ["vip"], "company": ["Acme"], "campaign": [campaign.key]}
    exports.begin("contacts", "csv", words, ["email"], boss, NOW)
    rename_everything()
    exports.work(lambda: NOW)
    export = Export.objects.get()
    assert (export.state, export.total) == ("done", 1)
    assert b"ada@x.example" in b"".join(exports.body_of(export))


# --- imports --------------------------------------------------------------------------------------


def as_they_are() -> list[Any]:
    """All contacts, by the ids of what they have."""
    return [
        [
            contact.first_name, contact.external_id, contact.company_id, contact.updated_at,
            sorted(contact.tags.values_list("pk", flat=True)),
            sorted(contact.contact_addresses.values_list("address_id", "is_primary")),
        ]
        for contact in Contact.objects.order_by("pk")
    ]  # fmt: skip


@pytest.mark.parametrize("change", [rename_everything, lambda: None])
def test_undo_returns_everything_whatever_was_renamed(change: Callable[[], None]):
    boss = a_user("manager")
    a_contact("ada@x.example", company="Acme", tags=("vip", "fair"), others=("ada2@x.example",))
    a_contact("bob@x.example", external_id="b")
    before = as_they_are()
    body = (
        "email,company,tags,other_emails,external_id\nada@x.example,Other,new,n@x.example,\nb2@x.example,Acme,vip,,b\n"
    )
    run = done(body, by=boss, change_others=True)
    change()
    undone(run, boss)
    assert (run.undone, run.kept, as_they_are()) == (2, 0, before)


def test_a_company_that_was_deleted_since_is_none_as_it_would_be_without_the_import():
    boss, ada = a_user("manager"), a_contact("ada@x.example", company="Acme")
    run = done("email,company\nada@x.example,Other\n", by=boss, change_others=True)
    Company.objects.filter(name="Acme").delete()
    undone(run, boss)
    ada.refresh_from_db()
    assert ada.company is None


def test_a_tag_that_is_renamed_before_the_import_is_confirmed_is_still_the_one_that_was_chosen():
    boss, tag = a_user("manager"), a_tag("fair")
    run = begun("email\nada@x.example\n", by=boss, tags=["Fair", "brand new"])
    working.work(run.pk, lambda: NOW)
    Tag.objects.filter(pk=tag.pk).update(name="The fair of 2026")
    runs.confirm(run, boss, NOW)
    working.work(run.pk, lambda: NOW)
    assert set(Contact.objects.get().tags.values_list("name", flat=True)) == {"The fair of 2026", "brand new"}
    assert Tag.objects.count() == 2


def test_tags_and_companies_that_a_segment_names_outlive_an_undo():
    boss = a_user("manager")
    run = done("email,company,tags\nada@x.example,Acme,vip\n", by=boss)
    segment = a_segment(tag=["vip"], company=["Acme"])
    undone(run, boss)
    assert fault_of(segment) == ""


# --- names that others go by ----------------------------------------------------------------------


def rows_that_others_name() -> list[tuple[Any, str]]:
    return [
        (a_campaign("Spring"), "key"),
        (a_custom_field("size"), "key"),
        (a_rule_override("ours"), "name"),
        (a_source("main"), "name"),
    ]


def test_a_name_that_others_go_by_stays_in_the_database():
    for row, column in rows_that_others_name():
        with pytest.raises(IntegrityError, match="other rows go by this"), transaction.atomic():
            type(row)._default_manager.filter(pk=row.pk).update(**{column: "other"})


def test_no_form_changes_a_name_that_others_go_by(client):
    client.force_login(a_user("admin"))
    campaign, field, rule, source = (row for row, _ in rows_that_others_name())
    client.post(reverse("contacts:campaign_edit", args=[campaign.pk]), {"name": "Autumn", "key": "autumn"})
    for row, path in (
        (field, "contacts_customfield"),
        (rule, "bounces_ruleoverride"),
        (source, "bounces_intakesource"),
    ):
        page = client.get(reverse(f"admin:{path}_change", args=[row.pk]))
        data = {name: value for name, value in page.context["adminform"].form.initial.items() if value is not None}
        client.post(reverse(f"admin:{path}_change", args=[row.pk]), {**data, "name": "other", "key": "other"})
    kept = campaign.key
    campaign.refresh_from_db()
    assert (campaign.name, campaign.key) == ("Autumn", kept)
    assert CustomField.objects.get().key == "size"
    assert RuleOverride.objects.get().name == "ours"


# --- what was stored by names before --------------------------------------------------------------


def test_what_was_stored_by_names_is_kept_by_ids_from_now_on():
    boss, ada = a_user("manager"), a_contact("ada@x.example", company="Acme", tags=("vip",))
    campaign, other = a_campaign(), a_contact("bob@x.example", company="Gone firm", tags=("gone",))
    run = done("email,company,tags\nada@x.example,New,new\nbob@x.example,New,new\n", by=boss, change_others=True)
    Company.objects.filter(name="Gone firm").update(name="Renamed before")
    for row in ImportRow.objects.filter(run_id=run.pk):
        row.changes = {word: values[:2] for word, values in row.changes.items()}
        row.save()
    old = {"tag": ["VIP", "nobody’s"], "company": ["acme"], "campaign": [campaign.key], "owner": ["me", str(boss.pk)]}
    segment = Segment.objects.create(name="Old", filter=old)
    export = Export.objects.create(subject="contacts", params=old, by=boss)
    type(run).objects.update(options={**run.options, "tags": ["vip", "unmade"]})

    migration = import_module("contacts.migrations.0120_ids_in_what_is_stored")
    with connection.cursor() as cursor:
        cursor.execute(migration.CHANGES)
    migration.keep_ids(apps, None)

    segment.refresh_from_db()
    export.refresh_from_db()
    run.refresh_from_db()
    vip, acme = Tag.objects.get(name="vip"), Company.objects.get(name="Acme")
    new = {"tag": [vip.pk, "nobody’s"], "company": [acme.pk], "campaign": [campaign.pk], "owner": ["me", boss.pk]}
    assert segment.filter == export.params == new
    assert "There is no tag “nobody’s”." in fault_of(segment)
    assert run.options["tag_ids"] == {"vip": vip.pk}
    rename_everything()
    done_ = undone(run, boss)
    ada.refresh_from_db()
    other.refresh_from_db()
    assert (done_.undone, done_.kept) == (1, 1)
    assert (ada.company, set(ada.tags.all())) == (acme, {vip})
    assert other.tags.count() == 2  # nothing of it was taken away on doubt
    assert "before their ids were kept" in ImportRow.objects.exclude(kept="").get().kept


def test_a_filter_of_a_url_keeps_names():
    contact = a_contact(tags=("vip",), company="Acme")
    assert list(find_contacts(a_user("manager"), {"tag": ["vip"], "company": ["acme"]})) == [contact]
