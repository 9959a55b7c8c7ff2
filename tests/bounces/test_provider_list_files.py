"""Files of providers' lists: every encoding and separator, hostile ones, and what is no list."""

from __future__ import annotations

import io
import random
from datetime import UTC, datetime

import pytest
from django.test import Client

from bounces import lists
from bounces.intake.exported.layout import TELLS, layout_of
from bounces.intake.exported.lines import moment_of, read_line
from bounces.intake.exported.table import Line, first_line, read_lines
from bounces.intake.keep import Door, keep_stream
from bounces.models import InboundItem
from bounces.values import Trust
from tests.bounces.provider_lists import KNOWN, record, upload
from tests.builders import a_user
from tests.conformance.mutating import mutate

NOW = datetime(2026, 5, 3, 12, tzinfo=UTC)


@pytest.fixture
def manager() -> Client:
    client = Client()
    client.force_login(a_user("manager"))
    return client


def lines_of(body: bytes) -> list[Line]:
    return list(read_lines(io.BytesIO(body)))


@pytest.mark.parametrize(
    "body",
    [
        "email,note\nadä@b.example,ü\n".encode("utf-16"),
        "email,note\nadä@b.example,ü\n".encode("utf-8-sig"),
        "email,note\nadä@b.example,ü\n".encode("cp1252"),
        "email;note\r\nadä@b.example;ü\r\n".encode(),
        "email\tnote\n\n\nadä@b.example\tü\n".encode(),
    ],
)
def test_every_encoding_and_separator_of_a_spreadsheet_is_read(body: bytes) -> None:
    assert first_line(body) == ["email", "note"]
    assert [line.cells for line in lines_of(body)][1:] == [("adä@b.example", "ü")]


HOSTILE = [
    b"email,reason\n" + b'"' + b"x" * 300_000,
    b"email,reason\n" + b"," * 5_000 + b"\nada@b.example,x\n",
    b"email,reason\n\x00\x00,\x00\n",
    b"email,reason\n\xff\xfe\xfd,x\n",
    b"email,reason\n'=cmd|' /C calc'!A0,x\n",
    b"email\n",
    b"email,created\nada@b.example," + b"9" * 5000 + b"\n",
    "email,reason\n\u202eada@b.example,\u2028\n".encode(),
]


@pytest.mark.django_db
@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_file_is_shown_and_ends_countably(manager: Client, body: bytes) -> None:
    assert upload(manager, body).status_code == 200

    record(manager, "bounces")

    assert lists.count_inbox()["pending"] == 0


@pytest.mark.parametrize("text", KNOWN, ids=lambda text: text.partition("\n")[0][:50])
def test_a_damaged_list_is_read_line_by_line_whatever_it_is_said_to_be(text: str) -> None:
    chance = random.Random(text)

    for _ in range(10):
        damaged = mutate(text.encode(), chance)
        head, *lines = lines_of(damaged) or [Line(1, ())]
        layout = layout_of(head.cells) or layout_of(["email"])
        read = [read_line(layout, tells, line, NOW) for tells in TELLS for line in lines if layout]
        assert all(bool(one.event) != bool(one.why) for one in read)


@pytest.mark.parametrize("text", ["1/5/2026", "5.1.2026 10:00", "0001-01-01T00:00:00+14:00", "soon", "9" * 400, "nan"])
def test_a_date_that_can_be_read_in_two_ways_or_none_is_not_guessed_at(text: str) -> None:
    with pytest.raises(ValueError, match="is no date"):
        moment_of(text, NOW)


def test_a_cell_that_our_own_export_made_safe_is_read_as_it_was() -> None:
    layout = layout_of(["email", "reason"])
    assert layout is not None

    read = read_line(layout, "bounces", Line(2, ("'+ada@b.example", "x")), NOW)

    assert read.event["recipient"] == "+ada@b.example"


NO_LISTS = [b"Hello,\n\nyour mail\n", b"{}", b"\x89PNG\r\n\x1a\n", b"", b"\n", b"a,b,c\nemail,x,y\n"]


@pytest.mark.parametrize("head", NO_LISTS)
def test_what_is_no_list_is_taken_for_none(head: bytes) -> None:
    assert layout_of(first_line(head)) is None


@pytest.mark.django_db
def test_a_mail_stays_a_mail_whatever_its_text_is() -> None:
    body = b"From: ada@b.example\n\nemail,reason\n"

    keep_stream(io.BytesIO(body), len(body), "a.csv", Door("upload", Trust.TRUSTED, NOW))

    assert InboundItem.objects.get().form == "mail"
