"""Starting a cleaning run: over all addresses, a segment, a domain or an import."""

import pytest
from django.urls import reverse

from bounces.models import CleaningRun
from contacts.models import ImportRow
from tests.builders import a_cleaning_run, a_contact, a_segment, an_address, an_import_run
from tests.contacts.pages.seen import said, text_of

pytestmark = pytest.mark.django_db


def test_a_cleaning_starts_over_all_addresses_or_a_segments(client, manager):
    a_contact(status="valid", country="DE")
    a_contact(country="US")
    url = reverse("contacts:cleaning_start")
    assert "2 addresses" in text_of(client.get(url))
    segment = a_segment("Germans", country=["DE"])
    assert "1 address " in text_of(client.get(url, {"segment": segment.pk}))
    response = client.post(url, {"segment": segment.pk, "mode": "preview"})
    run = CleaningRun.objects.get()
    assert (run.scope_label, run.dry_run, run.total, run.started_by) == ("Segment “Germans”", True, 1, manager)
    assert response.url == reverse("bounces:cleaning_run", args=[run.pk])


def test_a_cleaning_starts_over_one_domain(client, manager):
    an_address("ada@example.org")
    an_address("bob@example.com")
    url = reverse("contacts:cleaning_start")
    assert "1 address " in text_of(client.get(reverse("contacts:cleaning_scope"), {"domain": "example.org"}))
    client.post(url, {"domain": "example.org", "mode": "preview"})
    assert CleaningRun.objects.get().scope_label == "Domain example.org"


def test_a_cleaning_starts_over_the_contacts_that_an_import_wrote(client, manager):
    imported = an_import_run(written={"new": 1})
    contact = a_contact("ada@example.org", others=("lovelace@example.org",))
    a_contact("bob@example.com")
    ImportRow.objects.create(run_id=imported.pk, number=2, verdict="new", contact_id=contact.pk)
    url = reverse("contacts:cleaning_start")
    assert "2 addresses" in text_of(client.get(url, {"import": imported.pk}))
    client.post(url, {"imported": imported.pk, "mode": "preview"})
    run = CleaningRun.objects.get()
    assert (run.scope_label, run.total) == (f"Import {imported.pk}: people.csv", 2)
    assert f"?import={imported.pk}" in client.get(imported.get_absolute_url()).content.decode()


def test_a_cleaning_has_one_scope(client, manager):
    segment = a_segment("Germans", country=["DE"])
    answer = client.post(
        reverse("contacts:cleaning_start"), {"segment": segment.pk, "domain": "example.org", "mode": "preview"}
    )
    assert "Choose one of them" in text_of(answer)


@pytest.mark.parametrize(
    ("domain", "refusal"),
    [("nobody.example", "Domain nobody.example has no address"), ("no domain", "is no domain")],
)
def test_a_cleaning_of_nobody_is_refused_plainly(client, manager, domain, refusal):
    page = text_of(client.post(reverse("contacts:cleaning_start"), {"domain": domain, "mode": "preview"}))
    assert refusal in page
    assert not CleaningRun.objects.exists()


def test_a_second_cleaning_leads_to_the_one_that_is_going_on(client, manager):
    run = a_cleaning_run("evaluating")
    response = client.post(reverse("contacts:cleaning_start"), {"mode": "apply"})
    assert response.url == reverse("bounces:cleaning_run", args=[run.pk])
    assert "still going on" in said(response)[0]


def test_sales_start_no_cleaning(client, sales):
    assert client.get(reverse("contacts:cleaning_start")).status_code == 403
