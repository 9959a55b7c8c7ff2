"""A mail that a cap cut is no ordinary message: it is quarantined, saying which cap it met. A row a cap."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile

from bounces import mailfiles, parsing, process
from bounces.intake.upload import keep_upload
from bounces.models import InboundItem
from bounces.parsing import mail, read
from tests.bounces.mails import (
    ORIGINAL,
    a_complaint,
    a_delivery_report,
    a_mail,
    a_multipart,
    a_notice,
    a_recipient,
)
from tests.builders import NOW, a_user


def nested(depth: int) -> bytes:
    head = "".join(f'Content-Type: multipart/mixed; boundary="b{n}x"\n\n--b{n}x\n' for n in range(depth))
    return b"From: a@b.example\n" + head.encode() + b"Content-Type: text/plain\n\nHello"


def in_text(words: str, before: int) -> bytes:
    return a_mail("x" * before + words)


def inside(raw: str, times: int) -> bytes:
    """A notice that says nothing itself and holds a notice that holds a notice…"""
    for _ in range(times):
        raw = a_multipart(
            "report; report-type=x",
            ("text/plain", "Hello"),
            ("message/rfc822", raw),
            From="MAILER-DAEMON@a.example",
            Subject="Hello",
        ).decode()
        raw = raw.replace("=_report", f"=_{len(raw)}")
    return raw.encode()


# By the constant: a mail that hides a report beyond that cap, and what is said of it.
HIDDEN: dict[str, tuple[Callable[[], bytes], str]] = {
    "mail.MAX_BYTES": (lambda: a_mail("x" * mail.MAX_BYTES), "more than 32 MB"),
    "mail.MAX_PARTS": (
        lambda: a_multipart("mixed", *[("text/plain", "x")] * 250, ("message/delivery-status", a_recipient())),
        "more than 200 parts",
    ),
    "mail.MAX_DEPTH": (lambda: nested(30), "parts within parts, more than 20 deep"),
    "mail.MAX_HEAD_BYTES": (
        lambda: b"X-Long: " + b"y " * 70_000 + b"\n" + a_delivery_report(),
        "headers of more than 128 kB",
    ),
    "mail.MAX_HEADER_CHARS": (
        lambda: a_multipart(f"report; x={'y' * 9_000}", ("message/delivery-status", a_recipient())),
        "a Content-Type header of more than 8,000 characters",
    ),
    "mail.MAX_TEXT_BYTES": (lambda: in_text("550 no", 300_000), "a text of more than 256 kB"),
    "notice.MAX_LINES": (lambda: a_mail("Hello\n" * 2_100 + "bob@b.example: 550 no"), "more than 2,000 lines"),
    "notice.MAX_LINE_CHARS": (
        lambda: in_text(" bob@b.example could not be delivered", 3_000),
        "a line of more than 2,000 characters",
    ),
    "wrapped.MAX_FORWARD_CHARS": (
        lambda: a_mail("Hello there\n" * 9_000 + "Final-Recipient: rfc822; bob@b.example\n", Subject="Fwd: x"),
        "a forward of more than 100,000 characters",
    ),
    "readers, a report within a report": (
        lambda: inside(ORIGINAL, 4),
        "a report within a report within a report",
    ),
}
# By the constant: a mail whose report is read, and what is said of the rest.
IN_PART: dict[str, tuple[Callable[[], bytes], str]] = {
    "delivery_status.MAX_RECIPIENTS": (
        lambda: a_delivery_report(*[a_recipient(f"p{n}@b.example") for n in range(1_200)]),
        "more than 1,000 recipients",
    ),
    "feedback.MAX_RECIPIENTS": (
        lambda: a_complaint("".join(f"Removal-Recipient: p{n}@b.example\n" for n in range(450)) + "".join(
            f"Original-Rcpt-To: q{n}@b.example\nOriginal-Recipient: r{n}@b.example\n" for n in range(450))),
        "more than 1,000 recipients",
    ),
    "mail.MAX_HEADERS": (
        lambda: a_complaint("".join(f"Original-Rcpt-To: p{n}@b.example\n" for n in range(600))),
        "more than 500 Original-Rcpt-To headers",
    ),
    "free_text.MAX_RECIPIENTS": (
        lambda: a_notice("This mail could not be delivered:\n" + "".join(f"<p{n}@b.example>:\n" for n in range(1_200))),
        "more than 1,000 recipients",
    ),
    "notification.MAX_RECIPIENTS": (
        lambda: a_mail(
            '{"notificationType": "Bounce", "bounce": {"bouncedRecipients": ['
            + ", ".join(f'{{"emailAddress": "p{n}@b.example"}}' for n in range(1_200)) + "]}}"
        ),
        "more than 1,000 recipients",
    ),
}  # fmt: skip
# The others, and why nothing that they leave out can be a report.
HARMLESS = {
    "mail.MAX_NAME": "A longer name is no header.",
    "free_text.MAX_TOLD_LINES": "The words about one recipient, who is known by then.",
    "free_text.MAX_TOLD_CHARS": "As above.",
    "free_text.MAX_LISTED": "As above.",
    "delivery_status.MAX_DEEPENED": "The fields are read all the same.",
    "text.MAX_DIAGNOSTIC": "The words of one server about one recipient.",
    "text.MAX_LOCAL": "RFC 5321: a longer one is no address.",
    "text.MAX_DOMAIN": "As above.",
    "notice.MAX_COPIED_LINES": "The headers of the returned mail, below the notice.",
    "notification.MAX_JSON_CHARS": "As long as the longest text, whose cap is met before.",
}


def caps_of(path: Path) -> list[str]:
    names = re.findall(r"^(MAX_\w+)(?:, (MAX_\w+))* *=", path.read_text(), flags=re.M)
    return [f"{path.stem}.{name}" for pair in names for name in pair if name]


def test_every_cap_of_the_parser_has_a_row() -> None:
    caps = {name for path in Path(parsing.__file__).parent.glob("*.py") for name in caps_of(path)}
    assert len(caps) > 15
    assert caps - {*HIDDEN, *IN_PART, *HARMLESS} == set()


def kept(body: bytes, name: str = "mail.eml") -> InboundItem:
    keep_upload(SimpleUploadedFile(name, body), a_user("manager"), NOW)
    process.run_flow(lambda: NOW)
    return InboundItem.objects.latest("pk")


@pytest.mark.parametrize("cap", HIDDEN)
def test_a_mail_that_a_cap_cut_says_so_and_is_no_ordinary_message(cap: str) -> None:
    build, words = HIDDEN[cap]
    reading = read(build())
    assert (reading.kind, words in reading.caps) == ("none", True), reading


@pytest.mark.django_db
@pytest.mark.parametrize("cap", [cap for cap in HIDDEN if cap != "mail.MAX_BYTES"])
def test_it_is_quarantined_with_the_cap_that_it_met(cap: str) -> None:
    build, words = HIDDEN[cap]
    item = kept(build())
    assert (item.state, words in item.why) == ("quarantined", True), item.why


@pytest.mark.django_db
@pytest.mark.parametrize("cap", IN_PART)
def test_a_report_that_a_cap_cut_is_recorded_and_says_what_was_left_out(cap: str) -> None:
    build, words = IN_PART[cap]
    item = kept(build())
    assert (item.state, f"It was not read whole: it has {words}" in item.why) == ("done", True), item.why


@pytest.mark.django_db
def test_an_ordinary_mail_is_ignored_as_ever() -> None:
    item = kept(a_mail("Hello"))
    assert (item.state, item.why) == (
        "ignored",
        "An ordinary message: no delivery report, complaint or automatic reply in it.",
    )


# --- archives and mailboxes


def zipped(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return made.getvalue()


RANDOM = base64.b64encode(bytes(range(256)) * 20).decode()
# By the constant: what is set for the test, a file, its name, and what is said.
ARCHIVES: dict[str, tuple[dict[str, int], Callable[[], bytes], str, str]] = {
    "MAX_MEMBERS": ({"MAX_MEMBERS": 3}, lambda: several(5), "m.zip", "more than 3 files"),
    "MAX_DIRECTORY_BYTES": ({"MAX_DIRECTORY_BYTES": 100}, lambda: several(5), "m.zip", "more than 100,000 files"),
    "MAX_RATIO": (
        {"RATIO_FREE_BYTES": 100},
        lambda: zipped({"m.eml": a_mail("x" * 500_000)}),
        "m.zip",
        "more than 200 times its size",
    ),
    "MAIL_CAP of an mbox": (
        {},
        lambda: b"From a@b.example Thu Apr 29 10:00:00 2021\n" + a_mail("x" * 3_000),
        "m.mbox",
        "larger than 2,000 bytes",
    ),
    "MAIL_CAP of a zip": ({}, lambda: zipped({"m.eml": a_mail(RANDOM)}), "m.zip", "larger than 2,000 bytes"),
    "ARCHIVE_CAP": ({}, lambda: several(4, "y" * 1_500), "m.zip", "more than is allowed"),
}


def several(number: int, body: str = "Hello") -> bytes:
    return zipped({f"{n}.eml": a_mail(body) for n in range(number)})


@pytest.mark.django_db
@pytest.mark.parametrize("cap", ARCHIVES)
def test_what_a_cap_of_archives_refuses_is_quarantined_with_its_words(
    cap: str, monkeypatch: pytest.MonkeyPatch, settings: pytest.FixtureRequest
) -> None:
    changed, build, name, words = ARCHIVES[cap]
    for constant, value in changed.items():
        monkeypatch.setattr(mailfiles, constant, value)
    body = build()
    if "CAP" in cap:
        settings.MAIL_CAP, settings.ARCHIVE_CAP = 2_000, 4_000 if cap == "ARCHIVE_CAP" else 100_000
    assert django_settings.MAIL_CAP
    kept(body, name)
    whys = InboundItem.objects.filter(state="quarantined").values_list("why", flat=True)
    assert any(words in why for why in whys), list(InboundItem.objects.values_list("state", "why"))


def test_every_cap_of_mail_files_has_a_row() -> None:
    caps = {name.partition(".")[2] for name in caps_of(Path(import_module("bounces.mailfiles").__file__ or ""))}
    assert caps - {*ARCHIVES} == {"MAX_LINE"}  # longer lines are read in pieces, and nothing is left out


def test_what_the_words_for_people_were_cut_of_says_nothing_where_a_machines_report_is_read() -> None:
    long = "Your mail to Bob could not be delivered. " * 100 + "ann@a.example"
    assert read(a_delivery_report(notice=long)).caps == ()
