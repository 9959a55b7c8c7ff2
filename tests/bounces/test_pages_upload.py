"""Uploading bounce mails: what is taken, what is refused by name, and what became of each file."""

import io
import zipfile
from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from bounces.models import Address, Bounce, InboundItem
from bounces.process import run_flow
from tests.builders import a_user, an_inbound_item

pytestmark = pytest.mark.django_db

UPLOAD = "/bounces/upload/"
NOW = datetime(2026, 5, 3, 12, tzinfo=UTC)
DSN = b"""From: MAILER-DAEMON@mx.b.example\r
To: sales@us.example\r
Subject: Undelivered Mail Returned to Sender\r
Date: Sun, 3 May 2026 10:00:00 +0000\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r
\r
--b\r
Content-Type: text/plain\r
\r
Your message could not be delivered.\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.b.example\r
Arrival-Date: Sun, 3 May 2026 09:59:00 +0000\r
\r
Final-Recipient: rfc822; RECIPIENT\r
Action: failed\r
Status: 5.1.1\r
Remote-MTA: dns; mx.b.example\r
Diagnostic-Code: smtp; 550 5.1.1 <RECIPIENT>: Recipient address rejected: User unknown\r
\r
--b--\r
"""


def a_dsn(recipient: str) -> bytes:
    return DSN.replace(b"RECIPIENT", recipient.encode())


@pytest.fixture
def manager() -> Client:
    client = Client()
    client.force_login(a_user("manager"))
    return client


def send(client: Client, **files: bytes):
    """Uploads the files; answers the page of what became of them."""
    named = [SimpleUploadedFile(name.replace("_", "."), body) for name, body in files.items()]
    return client.post(UPLOAD, {"files": named}, follow=True)


def process() -> None:
    run_flow(lambda: NOW)


def test_the_page_names_the_caps(manager):
    page = manager.get(UPLOAD).content.decode()
    assert "25.0\xa0MB" in page
    assert "500.0\xa0MB" in page


def test_an_uploaded_bounce_waits_and_is_then_told_as_recorded(manager):
    page = send(manager, bounce_eml=a_dsn("ada@b.example"))
    assert "Stored; waits to be read." in page.content.decode()
    process()
    assert (
        "1 bounce (the mailbox does not exist): ada@b.example"
        in manager.get(page.request["PATH_INFO"], {"item": InboundItem.objects.get().pk}).content.decode()
    )
    assert Address.objects.get().status == "invalid"


def test_several_files_are_told_of_one_by_one(manager):
    send(manager, one_eml=a_dsn("ada@b.example"), two_eml=b"Subject: hello\r\n\r\nhi\r\n")
    process()
    page = manager.get(reverse("bounces:upload_progress"), {"item": [item.pk for item in InboundItem.objects.all()]})
    assert [file.item.state for file in page.context["files"]] == ["done", "ignored"]


def test_the_part_that_polls_stops_when_nothing_waits(manager):
    send(manager, bounce_eml=a_dsn("ada@b.example"))
    url = f"{reverse('bounces:upload_progress')}?item={InboundItem.objects.get().pk}"
    assert 'hx-trigger="every 1s"' in manager.get(url, headers={"HX-Request": "true"}).content.decode()
    process()
    after = manager.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "hx-trigger" not in after
    assert "<html" not in after


def test_the_same_file_again_changes_nothing_and_says_so(manager):
    send(manager, bounce_eml=a_dsn("ada@b.example"))
    process()
    assert "Uploaded before" in send(manager, bounce_eml=a_dsn("ada@b.example")).content.decode()
    process()
    assert (InboundItem.objects.count(), Bounce.objects.count()) == (1, 1)


def test_the_messages_of_an_archive_are_counted(manager):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("one.eml", a_dsn("ada@b.example"))
        file.writestr("two.eml", a_dsn("bob@b.example"))
        file.writestr("three.eml", b"Subject: hello\r\n\r\nhi\r\n")
    send(manager, bounces_zip=archive.getvalue())
    process()
    container = InboundItem.objects.get(parent_id=None)
    page = manager.get(reverse("bounces:upload_progress"), {"item": container.pk})
    assert page.context["files"][0].children == {"done": 2, "ignored": 1}


def test_a_file_above_its_cap_is_refused_by_name(manager, settings):
    settings.MAIL_CAP = 100
    page = send(manager, huge_eml=b"Subject: x\r\n\r\n" + b"x" * 200).content.decode()
    assert "huge.eml" in page
    assert "above the cap" in page


def test_a_request_above_the_cap_is_refused_before_it_is_read(manager, settings):
    settings.ARCHIVE_CAP = 100
    response = manager.post(UPLOAD, {"files": SimpleUploadedFile("huge.zip", b"x" * 2 * 1024 * 1024)})
    assert response.status_code == 413
    assert "Nothing was read" in response.content.decode()
    assert not InboundItem.objects.exists()


def test_too_many_files_are_refused_with_a_way_out(manager):
    files = [SimpleUploadedFile(f"{number}.eml", b"x") for number in range(101)]
    response = manager.post(UPLOAD, {"files": files})
    assert response.status_code == 400
    assert "zip them" in response.content.decode()


def test_choosing_nothing_says_what_to_choose(manager):
    response = manager.post(UPLOAD, {})
    assert response.status_code == 400
    assert "No file was chosen" in response.content.decode()


def test_a_broken_request_says_so(manager):
    response = manager.post(UPLOAD, b"nonsense", content_type="multipart/form-data")
    assert response.status_code == 400
    assert "arrived broken" in response.content.decode()


def test_an_upload_without_the_token_is_refused():
    client = Client(enforce_csrf_checks=True)
    client.force_login(a_user("manager"))
    response = client.post(UPLOAD, {"files": SimpleUploadedFile("one.eml", a_dsn("ada@b.example"))})
    assert response.status_code == 403
    assert not InboundItem.objects.exists()


@pytest.mark.parametrize("body", [b"", b"\xff\xd8\xff\xe0 a JPEG", b"\x00" * 50, "Grüße".encode("latin-1")])
def test_any_file_ends_with_a_plain_reason(manager, body):
    send(manager, thing_bin=body)
    process()
    item = InboundItem.objects.get()
    assert item.state in ("ignored", "quarantined")
    assert item.why


def test_a_hostile_file_name_is_shown_as_text(manager):
    file = SimpleUploadedFile("<script>alert(1)<script>.eml", b"Subject: hello\r\n\r\nhi\r\n")
    page = manager.post(UPLOAD, {"files": [file]}, follow=True).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_progress_page_shows_uploads_alone(manager):
    item = an_inbound_item(source="api:outreach")
    page = manager.get(reverse("bounces:upload_progress"), {"item": [item.pk, "nonsense", "9" * 30]})
    assert page.context["files"] == []
