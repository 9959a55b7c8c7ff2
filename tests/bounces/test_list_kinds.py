"""Lists of other tools, line by line: which tool, and what becomes of whom. Pure."""

from __future__ import annotations

import io
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bounces.intake.exported.layout import open_list
from bounces.intake.exported.lines import read_line
from bounces.intake.exported.preview import what_of
from bounces.intake.exported.table import read_lines
from bounces.intake.keep import form_of

NOW = datetime(2026, 12, 1, tzinfo=UTC)
LISTS = {
    each["title"]: each for each in tomllib.loads(Path(__file__).with_name("lists_of_tools.toml").read_text())["lists"]
}


def what_becomes(name: str, body: bytes) -> tuple[str, dict[str, str], dict[str, str]]:
    """The layout's name; what becomes of each address, and since when."""
    layout, rows = open_list(read_lines(io.BytesIO(body)), name)
    assert layout is not None
    events = [read_line(layout, layout.tells or "suppressions", row, NOW).event for row in rows]
    told = {event["recipient"].removesuffix("@b.example"): event for event in events if event}
    return (
        layout.name,
        {who: what_of(each) for who, each in told.items()},
        {who: each["occurred_at"][:10] for who, each in told.items()},
    )


@pytest.mark.parametrize("title", LISTS)
def test_a_list_of_another_tool_opens_as_what_it_is(title: str) -> None:
    given = LISTS[title]
    body = given["text"].encode(given.get("encoding", "utf-8"))

    assert form_of(body, given["file"]) == "list"
    assert what_becomes(given["file"], body)[:2] == (
        given["layout"],
        dict(each.split() for each in given["people"].split(", ")),
    )


@pytest.mark.parametrize(
    "text",
    ["Address,City\n1 Main St,NYC\n", "Hello bob,\nplease write to ada@b.example\n", "", "\n\n", "{}", "[]", "[1, 2]",
     '{"a": {"b": 1}}', "[" * 5000, "a" * 100_000],
)  # fmt: skip
def test_what_names_no_addresses_is_no_list(text: str) -> None:
    assert form_of(text.encode(), "x.csv") != "list"
    assert open_list(read_lines(io.BytesIO(text.encode())), "x.csv")[0] is None


def test_an_opt_out_counts_from_its_own_date_not_from_when_the_person_came() -> None:
    text = "Email,Created,Unsubscribed\nada@b.example,2020-01-01,2023-05-05 11:11:11\nbob@b.example,2020-01-01,yes\n"

    assert what_becomes("x.csv", text.encode())[2] == {"ada": "2023-05-05", "bob": "2026-12-01"}


def test_an_opt_out_whose_date_can_be_read_in_two_ways_counts_all_the_same() -> None:
    assert what_becomes("x.csv", b"Email,UNSUB_TIME\nada@b.example,1/5/2023\n")[1:] == (
        {"ada": "unsubscribed"},
        {"ada": "2026-12-01"},
    )


@pytest.mark.parametrize("status", ["Active", "subscribed", "false", "no", "Unconfirmed", "Customer", "0", ""])
def test_a_row_that_is_no_opt_out_suppresses_nobody(status: str) -> None:
    text = f"Email,Status,Unsubscribed\nada@b.example,Unsubscribed,yes\nbob@b.example,{status},\n"

    assert what_becomes("x.csv", text.encode())[1] == {"ada": "unsubscribed"}


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("E-mail;Статус\nada@b.example;отписан\nbob@b.example;подписан\n", "cp1251"),
     ("Email,ステータス\nada@b.example,購読解除\nbob@b.example,有効\n", "cp932"),
     ("Email;Désabonné\nada@b.example;oui\nbob@b.example;non\n", "cp1252"),
     ("Email;Désabonné\nada@b.example;oui\nbob@b.example;non\n", "mac_roman"),
     ("Email;状态\nada@b.example;已退订\nbob@b.example;已订阅\n", "gb18030")],
)  # fmt: skip
def test_a_status_is_read_in_the_encodings_that_old_tools_write(text: str, encoding: str) -> None:
    assert what_becomes("x.csv", text.encode(encoding))[1] == {"ada": "unsubscribed"}
