"""Long exports are made by a worker: for one person, once, for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bounces import lease
from contacts.erasure import erase_contact
from contacts.exporting import layouts, runs
from contacts.importing.reading import Form, read_sheet
from contacts.models import Export, ExportPiece
from tests.builders import NOW, a_cleaning_run, a_contact, a_segment, a_user
from tests.contacts.exporting import FORMS, begun, body, clock, exported, new

pytestmark = pytest.mark.django_db


def test_a_long_list_is_left_to_a_worker(client: Client, monkeypatch):
    monkeypatch.setattr("contacts.views.exporting.DIRECT", 1)
    a_contact("ada@example.org")
    a_contact("bob@example.org")
    client.force_login(a_user("sales"))
    assert new(client).status_code == 302
    assert "Waiting" in client.get(reverse("contacts:exports")).content.decode()
    assert runs.is_waiting(NOW)
    runs.work(clock)
    export = Export.objects.get()
    assert (export.state, export.done, export.total) == ("done", 2, 2)
    assert not runs.is_waiting(NOW)
    Export.objects.update(expires_at="2999-01-01T00:00Z")
    response = client.get(reverse("contacts:export_file", args=[export.pk]))
    assert body(response) == "email\r\nada@example.org\r\nbob@example.org\r\n"
    assert int(response["Content-Length"]) == export.size


@pytest.mark.parametrize("form", FORMS)
def test_a_workers_file_is_the_same_in_pieces(form: str, monkeypatch):
    monkeypatch.setattr("contacts.exporting.files.PIECE", 1000)
    for number in range(40):
        a_contact(f"p{number}@example.org", first_name="Zoë" * 20)
    export = begun(a_user("sales"), form)
    runs.work(clock)
    export.refresh_from_db()
    assert export.pieces > 3
    rows = read_sheet(b"".join(runs.body_of(export)), Form.CSV).rows
    assert len(rows) == 40
    assert rows == read_sheet(exported(form), Form.CSV).rows


def test_more_rows_than_a_sheet_holds_are_refused_before_they_are_written(monkeypatch):
    monkeypatch.setattr("contacts.exporting.runs.MOST_ROWS_OF_A_SHEET", 1)
    a_contact("ada@example.org")
    a_contact("bob@example.org")
    export = begun(a_user("sales"), "xlsx")
    runs.work(clock)
    export.refresh_from_db()
    assert (export.state, export.done, "Choose CSV" in export.error) == ("failed", 0, True)


def test_downloads_are_for_whoever_asked(client: Client):
    a_contact("ada@example.org")
    owner = a_user("sales")
    export = begun(owner)
    runs.work(clock)
    url = reverse("contacts:export_file", args=[export.pk])
    Export.objects.update(expires_at="2999-01-01T00:00Z")
    client.force_login(a_user("admin"))
    assert client.get(url).status_code == 404
    assert client.post(reverse("contacts:export_delete", args=[export.pk])).status_code == 404
    client.force_login(owner)
    assert client.get(url).status_code == 200
    assert client.post(reverse("contacts:export_delete", args=[export.pk])).status_code == 302
    assert not ExportPiece.objects.exists()


def test_files_expire():
    export = begun(a_user("sales"))
    runs.work(clock)
    later = NOW + timedelta(days=4)
    assert runs.is_waiting(later)
    runs.work(lambda: later)
    export.refresh_from_db()
    assert (export.state, ExportPiece.objects.count(), runs.is_waiting(later)) == ("expired", 0, False)


def test_an_expired_file_is_not_handed_out(client: Client):
    user = a_user("sales")
    export = begun(user)
    runs.work(lambda: NOW - timedelta(days=400))
    client.force_login(user)
    assert client.get(reverse("contacts:export_file", args=[export.pk])).status_code == 302


def test_a_killed_export_begins_anew():
    a_contact("ada@example.org")
    export = begun(a_user("sales"))
    ExportPiece.objects.create(export=export, position=0, body=b"half")
    Export.objects.update(state="running", pieces=1, done=17, attempts=1)
    runs.work(clock)
    export.refresh_from_db()
    assert (export.state, export.done, export.attempts) == ("done", 1, 2)
    assert b"ada@example.org" in b"".join(runs.body_of(export))


def test_an_export_that_always_dies_is_given_up():
    export = begun(a_user("sales"))
    Export.objects.update(state="running", attempts=3)
    runs.work(clock)
    export.refresh_from_db()
    assert (export.state, "never came to its end" in export.error) == ("failed", True)


def test_one_worker_makes_exports_at_a_time():
    begun(a_user("sales"))
    held = lease.acquire(runs.LEASE, timedelta(seconds=30))
    assert held
    assert not runs.work(clock)
    assert not runs.is_waiting(NOW)


def test_what_is_gone_meanwhile_exports_nothing():
    manager, run, segment = a_user("manager"), a_cleaning_run(), a_segment("Vips", tag=["vip"])
    a_contact("ada@example.org")
    cleaned = runs.begin("cleaning", "csv", {"run": str(run.pk)}, [], manager, NOW)
    narrowed = runs.begin("contacts", "csv", {"segment": [str(segment.pk)]}, [], manager, NOW)
    run.delete()
    segment.delete()
    runs.work(clock)
    cleaned.refresh_from_db()
    narrowed.refresh_from_db()
    assert (cleaned.state, cleaned.error) == ("failed", f"Cleaning run {cleaned.params['run']} is gone.")
    assert (narrowed.state, narrowed.done) == ("done", 0)


def test_rights_are_looked_at_when_it_is_made():
    user = a_user("sales")
    export = begun(user)
    user.is_active = False
    user.save()
    runs.work(clock)
    export.refresh_from_db()
    assert (export.state, export.error) == ("failed", "You may no longer export this.")


def test_an_export_that_was_deleted_meanwhile_stays_deleted(monkeypatch):
    a_contact("ada@example.org")
    export = begun(a_user("sales"))
    pieces = layouts.pieces_of

    def deleting(*args: Any, **given: Any) -> Any:
        Export.objects.filter(pk=export.pk).delete()
        yield from pieces(*args, **given)

    monkeypatch.setattr(layouts, "pieces_of", deleting)
    runs.work(clock)
    assert (Export.objects.count(), ExportPiece.objects.count()) == (0, 0)


def test_one_person_has_a_few_open_at_a_time(client: Client, monkeypatch):
    user = a_user("sales")
    for _ in range(runs.MOST_OPEN):
        begun(user)
    with pytest.raises(runs.TooManyOpen):
        begun(user)
    assert begun(a_user("sales"))


def test_an_erasure_takes_the_older_files_with_it():
    export = begun(a_user("sales"))
    runs.work(clock)
    erase_contact(a_contact("ada@example.org"), a_user("admin"), "Asked.", NOW)
    export.refresh_from_db()
    assert (export.state, ExportPiece.objects.count()) == ("expired", 0)


def test_so_does_that_of_somebody_whose_addresses_others_have_too():
    contact = a_contact("info@example.org")
    a_contact("info@example.org")
    export = begun(a_user("sales"))
    runs.work(clock)
    erase_contact(contact, a_user("admin"), "Asked.", NOW)
    export.refresh_from_db()
    assert (export.state, ExportPiece.objects.count()) == ("expired", 0)
