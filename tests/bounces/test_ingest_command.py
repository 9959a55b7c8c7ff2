"""`manage.py ingest`: files and folders into the inbox, and what became of them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from bounces.models import Address, Bounce, Complaint, Evidence, InboundItem, StatusChange, Suppression
from tests.bounces.arriving import a_bounce_mail, an_out_of_office

pytestmark = pytest.mark.django_db

CORPUS = Path(settings.BASE_DIR).parent / "shared" / "corpus" / "mails"
COUNTED = (Address, Bounce, Evidence, Complaint, Suppression, StatusChange, InboundItem)


def ingest(*arguments: str) -> str:
    told = io.StringIO()
    call_command("ingest", *arguments, stdout=told)
    return told.getvalue()


def state() -> dict[str, Any]:
    totals = {model.__name__: model.objects.count() for model in COUNTED}
    return totals | {"statuses": sorted(Address.objects.values_list("email", "status"))}


def test_a_folder_is_taken_in_and_told(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(a_bounce_mail())
    (tmp_path / "b.eml").write_bytes(an_out_of_office())

    told = ingest(str(tmp_path))

    assert "Recorded" in told
    assert "Ignored" in told
    assert Address.objects.get().status == "invalid"


def test_a_path_that_is_not_there_is_named() -> None:
    with pytest.raises(CommandError, match="There is no /nowhere"):
        ingest("/nowhere")


def test_a_pipe_keeps_one_mail_for_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(a_bounce_mail())))

    ingest("-")

    assert InboundItem.objects.get().state == "pending"


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of real bounce mails (../shared/corpus) is not here")
def test_all_real_mails_are_accounted_for_and_the_second_time_changes_nothing() -> None:
    ingest(str(CORPUS))
    first = state()

    told = ingest(str(CORPUS))

    assert first["InboundItem"] == 387
    assert not InboundItem.objects.filter(state="pending").exists()
    assert not InboundItem.objects.filter(why__contains="Our own fault").exists()
    assert state() == first
    assert "387" in told
