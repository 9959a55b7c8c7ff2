"""A row whose address was erased becomes a contact that nobody can email; every door says so before it is imported."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from bounces.models import Address, Suppression
from bounces.values import Answer
from bounces.verdict import check
from contacts.erasure import erase_email
from contacts.importing import runs, working
from contacts.importing.outcomes import known_groups, preview_rows
from contacts.importing.report import report_of
from contacts.importing.staging import erased_of
from contacts.models import Contact, ImportRow
from tests.builders import NOW, a_contact, a_suppression, a_user, an_api_key
from tests.contacts.importing import LATER, previewed

pytestmark = pytest.mark.django_db

ERASED = "ada@b.example"
FILE = f"email,first_name\n{ERASED},Ada\nzoe@x.example,Zoe\neve@gone.example,Eve\nnot an address,Bob\n"
SENTENCE = "1 row has an address that was erased. Its contact is imported but never emailed."


@pytest.fixture
def boss():
    return a_user("manager")


@pytest.fixture(autouse=True)
def _erased():
    a_contact(ERASED)
    erase_email(ERASED, None, "She asked us to.", NOW)
    assert not Address.objects.filter(email=ERASED).exists()


def test_the_preview_counts_the_rows_among_the_suppressed_and_apart() -> None:
    a_suppression("eve@gone.example")

    run = previewed(FILE)

    assert (run.counts["new"], run.known) == (3, {"suppressed": 2, "erased": 1})
    (group,) = known_groups(run, 10, NOW)
    assert (group[0], [row.email for row in group[1]], group[2]) == ("suppressed", [ERASED, "eve@gone.example"], 2)
    assert [row.refusal is not None for row in preview_rows(run, ["new"], 10, NOW)] == [True, False, True]
    assert run.health["bad"] == 0.5


def test_what_was_said_before_is_what_happens() -> None:
    run = previewed(FILE)
    before = report_of(run, NOW)
    runs.confirm(run, None, LATER)
    working.work(run.pk, lambda: LATER)
    run.refresh_from_db()
    after = report_of(run, LATER)

    counted = [(each.new, each.suppressed_count, each.erased_count, each.of_erased) for each in (before, after)]
    assert counted == [(3, 1, 1, SENTENCE)] * 2
    assert [each.email for each in before.suppressed] == [each.email for each in after.suppressed] == [ERASED]
    assert list(ImportRow.objects.exclude(known="").values_list("email", "known")) == [(ERASED, "suppressed")]
    assert Contact.objects.filter(contact_addresses__address__email=ERASED).exists()
    assert check([ERASED], LATER)[ERASED].answer == Answer.NO


def test_page_api_and_command_say_the_same(boss, tmp_path: Path) -> None:
    run = previewed(FILE, by=boss)
    client = Client()
    client.force_login(boss)
    _key, secret = an_api_key(boss, ("contacts:read", "contacts:write"))
    headers = {"Authorization": f"Bearer {secret}"}

    assert SENTENCE in client.get(reverse("contacts:import_run", args=[run.pk])).content.decode()
    assert Client().get(f"/api/v1/imports/{run.pk}/", headers=headers).json()["known"] == run.known
    path, out = tmp_path / "people.csv", StringIO()
    path.write_text(FILE.replace("not an address", "bob@x.example"))
    call_command("import_contacts", path, dry_run=True, stdout=out)
    assert SENTENCE in " ".join(out.getvalue().split())


def test_the_admin_says_it_too(tmp_path: Path) -> None:
    client = Client()
    client.force_login(a_user("admin"))
    path = tmp_path / "people.csv"
    path.write_text(FILE)
    with path.open("rb") as file:
        given = {"format": "0", "resource": "0", "import_file": file, "update": "overwrite"}
        page = client.post(reverse("admin:contacts_contact_import"), given)

    assert SENTENCE in " ".join(page.content.decode().split())


@pytest.mark.parametrize("how", ["lifted", "expired"])
def test_a_suppression_that_holds_no_more_is_not_counted(how: str) -> None:
    ends = {"lifted": {"lifted_at": NOW, "lifted_by": a_user("manager"), "lift_reason": "She came back."},
            "expired": {"expires_at": NOW - timedelta(days=1)}}  # fmt: skip
    Suppression.objects.update(**ends[how])

    assert previewed(FILE).known == {}


def test_no_address_is_counted_where_a_domain_is_suppressed_too() -> None:
    Suppression.objects.create(scope="domain", domain="b.example", reason="manual", source="test", created_at=NOW)

    assert previewed(FILE).known == {"suppressed": 1, "erased": 1}


def test_its_table_goes_with_the_stage() -> None:
    run = previewed(FILE)
    assert erased_of(run) in connection.introspection.table_names()

    runs.cancel(run, None, LATER)
    working.work(run.pk, lambda: LATER)

    assert erased_of(run) not in connection.introspection.table_names()
