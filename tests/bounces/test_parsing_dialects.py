"""The language of failure: whom the notices of `dialects.toml` are about, and that a reason is found in each."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from bounces.classification import classify
from bounces.parsing import read
from bounces.values import MailKind
from tests.bounces.mails import a_mail

NOTICES = tomllib.loads(Path(__file__).with_name("dialects.toml").read_text(encoding="utf-8"))["notice"]
SYSTEMS = [notice["system"] for notice in NOTICES]


def a_bounce(notice: dict[str, Any], **headers: str) -> bytes:
    known = {"To": "ann@a.example", "Content_Type": "text/plain; charset=utf-8"}
    return a_mail(notice["text"], **(known | {"From": notice["from"], "Subject": notice["subject"]} | headers))


@pytest.mark.parametrize("notice", NOTICES, ids=SYSTEMS)
def test_the_failed_recipients_of_a_notice_are_found(notice: dict[str, Any]) -> None:
    reading = read(a_bounce(notice))
    assert (reading.kind, [report.recipient for report in reading.reports]) == (
        MailKind.BOUNCE,
        notice["recipients"],
    )


@pytest.mark.parametrize("notice", NOTICES, ids=SYSTEMS)
def test_the_reason_of_a_notice_is_found_where_it_gives_one(notice: dict[str, Any]) -> None:
    reasons = {classify(report).reason for report in read(a_bounce(notice)).reports}
    assert ("onhold" in reasons) == notice.get("silent", False)


@pytest.mark.parametrize("notice", NOTICES, ids=SYSTEMS)
def test_a_person_who_quotes_a_notice_has_not_bounced(notice: dict[str, Any]) -> None:
    quoted = "\n".join(f"> {line}" for line in notice["text"].splitlines())
    answer = {"text": f"What does this mean?\n\n{quoted}", "from": "Bob <bob@b.example>", "subject": "Re: Offer"}
    assert read(a_bounce(notice | answer)).kind is MailKind.NONE
