"""Files of any kind: each ends with a plain reason, and what holds several mails becomes its mails."""

from __future__ import annotations

import io
import mailbox
import zipfile
from pathlib import Path

import pytest
from django.test import override_settings

from bounces.models import Address, InboundItem, RawChunk
from tests.bounces.arriving import a_bounce_mail, an_out_of_office
from tests.bounces.flowing import ingested, run, upload

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"", "empty.eml"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 20, "photo.jpg"),
        (b"PK\x03\x04 not a zip at all", "broken.zip"),
        (b"Subject: =?utf-8?B?//////" + b"\xff" * 300 + b"\r\n\r\n\x00\x00", "broken.eml"),
        ("Subject: grüße\n\nschöne grüße".encode("latin-1"), "latin.eml"),
        (b"To:" + b"(" * 5000 + b"\n\nhello", "parens.eml"),
    ],
)
def test_any_file_at_all_ends_with_a_plain_reason(body: bytes, name: str) -> None:
    junk = upload(body, name)
    good = upload(a_bounce_mail())

    run()

    junk.refresh_from_db()
    good.refresh_from_db()
    assert junk.state in ("ignored", "quarantined")
    assert junk.why.endswith(".")
    assert good.state == "done"


@override_settings(MAIL_CAP=1000)
def test_a_mail_above_the_cap_is_refused_by_name_and_not_kept() -> None:
    item = upload(b"Subject: big\n\n" + b"x" * 2000, "big.eml")

    assert (item.state, item.name) == ("quarantined", "big.eml")
    assert "above the cap" in item.why
    assert not RawChunk.objects.exists()


def test_a_mailbox_file_becomes_its_messages(tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "box")
    for recipient in ("ada@example.org", "bob@example.org"):
        box.add(a_bounce_mail(recipient))
    box.close()

    item = ingested((tmp_path / "box").read_bytes(), "box.mbox")

    assert (item.state, item.facts) == ("done", 2)
    assert set(Address.objects.values_list("email", "status")) == {
        ("ada@example.org", "invalid"),
        ("bob@example.org", "invalid"),
    }


def test_an_archive_becomes_its_messages() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("new/1.eml", a_bounce_mail())
        archive.writestr("new/2.eml", an_out_of_office())

    item = ingested(packed.getvalue(), "maildir.zip")

    children = InboundItem.objects.filter(parent_id=item.pk)
    assert sorted(children.values_list("state", flat=True)) == ["done", "ignored"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_files_of_one_name_that_an_archive_refuses_are_counted_each_and_once() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for _ in range(3):
            archive.writestr("inner.zip", b"PK\x03\x04")

    item = ingested(packed.getvalue(), "maildir.zip")
    InboundItem.objects.filter(pk=item.pk).update(state="pending")  # as after a kill
    run()

    assert item.why == "3 messages, 3 refused."
    assert InboundItem.objects.filter(parent_id=item.pk, state="quarantined").count() == 3
