"""`manage.py ingest`: files and folders into the inbox, and what became of them."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from bounces import process
from bounces.issuing import issue_token
from bounces.models import (
    Address,
    Bounce,
    Complaint,
    Evidence,
    InboundItem,
    IntakeSource,
    RawChunk,
    SourceSeen,
    StatusChange,
    Suppression,
)
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


def pipe(monkeypatch: pytest.MonkeyPatch, *arguments: str, mail: bytes | None = None) -> InboundItem:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(mail or a_bounce_mail())))
    ingest("-", *arguments)
    return InboundItem.objects.latest("pk")


def test_a_pipe_passes_the_envelope_so_that_its_token_proves_the_bounce(monkeypatch: Any, settings: Any) -> None:
    settings.RETURN_PATH_DOMAIN = "bounces.rebound.example"
    message = {"event_id": "m1", "recipient": "ada@example.org"}
    path = issue_token(message, "api:1", None, timezone.now()).return_path

    item = pipe(monkeypatch, "--recipient", path, "--sender", "")
    assert process.run_flow(timezone.now)

    item.refresh_from_db()
    assert (item.source, item.trust, item.state) == ("pipe", "token", "done")
    head = f"Return-Path: <>\r\nDelivered-To: {path}\r\n".encode()
    assert bytes(RawChunk.objects.get(item_id=item.pk).body) == head + a_bounce_mail()


@pytest.mark.parametrize("envelope", [(), ("--recipient", "bounces@rebound.example")])
def test_a_pipe_without_a_token_is_not_believed(monkeypatch: Any, envelope: tuple[str, ...]) -> None:
    item = pipe(monkeypatch, *envelope)
    assert process.run_flow(timezone.now)
    item.refresh_from_db()
    assert (item.source, item.state, Address.objects.get().status) == ("pipe", "unverified", "unverified")


def test_a_pipe_whose_mail_finds_no_way_in_lets_the_mail_system_try_again(monkeypatch: Any, settings: Any) -> None:
    settings.MAIL_CAP = "a slip of the operator's"
    with pytest.raises(CommandError) as refused:
        pipe(monkeypatch)
    assert refused.value.returncode == 75


def test_a_pipe_whose_database_is_away_lets_the_mail_system_try_again() -> None:
    piped = subprocess.run(
        [sys.executable, "manage.py", "ingest", "-"],
        cwd=settings.BASE_DIR,
        env=os.environ
        | {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "DJANGO_SETTINGS_MODULE": "crm.settings"},
        input=a_bounce_mail(),
        capture_output=True,
        check=False,
    )
    assert piped.returncode == 75, piped.stderr


def test_a_pipe_comes_in_the_name_of_a_source(monkeypatch: Any) -> None:
    IntakeSource.objects.create(name="mta", kind="smtp", trust="match")
    item = pipe(monkeypatch, "--source", "mta", "--recipient", "bounces@rebound.example")
    assert (item.source, item.trust) == ("smtp:mta", "match")
    assert SourceSeen.objects.get().received == 1


def test_a_pipe_for_a_source_that_is_not_there_lets_the_mail_system_try_again(monkeypatch: Any) -> None:
    with pytest.raises(CommandError, match="no source named “nope”") as refused:
        pipe(monkeypatch, "--source", "nope")
    assert refused.value.returncode == 75


def test_an_envelope_is_for_a_pipe_alone(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="for a mail from a pipe"):
        ingest(str(tmp_path), "--recipient", "a@b.example")


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
