"""What tests of parsing share: the one report of a mail, and whom it names."""

from __future__ import annotations

from bounces.parsing import read
from bounces.values import Report


def the_report(raw: bytes) -> Report:
    (report,) = read(raw).reports
    return report


def recipients(raw: bytes) -> list[str | None]:
    return [report.recipient for report in read(raw).reports]


QMAIL = """Hi. This is the qmail-send program at mx.a.example.
I'm afraid I wasn't able to deliver your message to the following addresses.

<bob@b.example>:
192.0.2.1 does not like recipient.
Remote host said: 550 5.1.1 No such user

<eve@b.example>:
192.0.2.1 failed after I sent the message.
Remote host said: 552 5.2.2 Over quota

--- Below this line is a copy of the message.

Return-Path: <ann@a.example>
To: <bob@b.example>, <carl@c.example>
"""
