"""Lists that providers export: known by their columns, shown before they are recorded, each row with its effect."""

from __future__ import annotations

import io
import random
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces import inbox, lists, process
from bounces.intake.exported.layout import TELLS, layout_of
from bounces.intake.exported.lines import moment_of, read_line
from bounces.intake.exported.table import Line, first_line, read_lines
from bounces.intake.keep import Door, keep_stream
from bounces.models import Address, Attempt, Bounce, Complaint, InboundItem, Suppression
from bounces.suppressions import lift
from bounces.values import Trust
from tests.builders import a_user
from tests.conformance.mutating import mutate

NOW = datetime(2026, 5, 3, 12, tzinfo=UTC)
SAID = "550 5.1.1 The email account that you tried to reach does not exist"

# Of each list that is known: its first line and a row, and what that row becomes.
KNOWN: dict[str, tuple[str, str]] = {
    f"status,reason,email,created\n5.1.1,{SAID},ada@b.example,1443651141": ("SendGrid: bounces or blocks", "hard"),
    "status,reason,email,created\n5.7.1,550 5.7.1 blocked by a blocklist,ada@b.example,1443651141": (
        "SendGrid: bounces or blocks",
        "soft",
    ),
    "reason,email,created\nMail domain mentioned in email address is unknown,ada@b.example,1443651141": (
        "SendGrid: invalid e-mails",
        "hard",
    ),
    "ip,email,created\n192.0.2.1,ada@b.example,1443651141": ("SendGrid: spam reports", "complaint"),
    "processed,message_id,event,from,email,reason,recv_message_id\n2026-04-01 10:00:00,x,bounce,a@a.example,"
    f"ada@b.example,{SAID},y": ("SendGrid: e-mail activity", "hard"),
    f'address,code,error,created_at\nada@b.example,550,"{SAID}","Fri, 21 Oct 2011 11:02:55 UTC"': (
        "Mailgun: bounces",
        "hard",
    ),
    'address,tags,created_at\nada@b.example,"[*]","Fri, 21 Oct 2011 11:02:55 UTC"': (
        "Mailgun: unsubscribes",
        "unsubscribe",
    ),
    "EmailAddress,SuppressionReason,Origin,CreatedAt\nada@b.example,SpamComplaint,Recipient,2026-04-01T10:00:00Z": (
        "Postmark: suppressions",
        "complaint",
    ),
    "EmailAddress,SuppressionReason,Origin,CreatedAt\nada@b.example,HardBounce,Recipient,2026-04-01T10:00:00Z": (
        "Postmark: suppressions",
        "manual",
    ),
    f"ID,Type,Email,Details,BouncedAt,MessageID\n1,HardBounce,ada@b.example,smtp;{SAID},2026-04-01T10:00:00Z,x": (
        "Postmark: bounces",
        "hard",
    ),
    "Email Address,First Name,CLEAN_TIME,CLEAN_CAMPAIGN_TITLE\nada@b.example,Ada,2026-04-01 10:00:00,Spring": (
        "Mailchimp: cleaned contacts",
        "manual",
    ),
    "Email Address,First Name,UNSUB_TIME,UNSUB_REASON\nada@b.example,Ada,2026-04-01 10:00:00,NORMAL": (
        "Mailchimp: unsubscribed contacts",
        "unsubscribe",
    ),
    "Email Address,Bounce Type\nada@b.example,Hard": ("Mailchimp: bounces of a campaign", "soft"),
    "Email,Email hard bounce reason,Unsubscribed from all email\nada@b.example,UNKNOWN_USER,": (
        "HubSpot: contacts with their bounces",
        "hard",
    ),
    "Email,Email hard bounce reason,Unsubscribed from all email\nada@b.example,,true": (
        "HubSpot: contacts with their bounces",
        "unsubscribe",
    ),
    "Email,First name,Unsubscribed from all email\nada@b.example,Ada,true": (
        "HubSpot: unsubscribed contacts",
        "unsubscribe",
    ),
    "EmailAddress,Reason,LastUpdateTime\nada@b.example,BOUNCE,2026-04-01T10:00:00+00:00": (
        "Amazon SES: suppression list",
        "manual",
    ),
    "Email address,Suppression reason,Date added\nada@b.example,COMPLAINT,2026-04-01": (
        "Amazon SES: suppression list",
        "complaint",
    ),
    f"Destination,LastDeliveryEvent,DiagnosticCode\nada@b.example,PERMANENT_BOUNCE,smtp; {SAID}": (
        "Amazon SES: messages",
        "hard",
    ),
    f"recipient;event;smtp response\nada@b.example;bounced;{SAID}": ("Columns found by their names", "hard"),
}


@pytest.fixture
def manager() -> Client:
    client = Client()
    client.force_login(a_user("manager"))
    return client


def upload(client: Client, text: str | bytes, name: str = "list.csv") -> Any:
    body = text if isinstance(text, bytes) else text.encode()
    return client.post("/bounces/upload/", {"files": [SimpleUploadedFile(name, body)]}, follow=True)


def record(client: Client, tells: str) -> None:
    client.post(reverse("bounces:provider_list", args=[InboundItem.objects.latest("pk").pk]), {"tells": tells})
    process.run_flow(timezone.now)


def effect() -> str:
    """The kind of the bounce, or why nothing is sent there any more."""
    kinds = [str(one.kind) for one in Bounce.objects.all()]
    return ", ".join(kinds + [one.reason for one in Suppression.objects.all()])


# --- known lists, row by row


@pytest.mark.django_db
@pytest.mark.parametrize("text", KNOWN, ids=lambda text: text.partition("\n")[0][:50])
def test_a_known_list_is_shown_and_then_has_its_effect_once(manager: Client, text: str) -> None:
    name, becomes = KNOWN[text]
    page = upload(manager, text).content.decode()
    assert (name in page, "ada@b.example" in page) == (True, True)
    assert not Address.objects.exists()

    tells = layout_of(first_line(text.encode())).tells
    record(manager, tells)
    again = upload(manager, text).content.decode()
    process.run_flow(timezone.now)

    assert (effect(), "Uploaded before" in again) == (becomes, True)
    assert Attempt.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(("tells", "becomes"), [("unsubscribes", "unsubscribe"), ("complaints", "complaint")])
def test_addresses_and_dates_alone_wait_for_a_person_to_say_what_they_are(
    manager: Client, tells: str, becomes: str
) -> None:
    page = upload(manager, "email,created\nada@b.example,1443651141").content.decode()
    assert "nothing in the file says" in page
    assert "Record" not in page.partition("<main")[2].partition("Look again")[2].partition("How it is read")[0]

    record(manager, tells)

    assert effect() == becomes


def test_a_files_name_says_what_its_columns_do_not() -> None:
    layouts = [layout_of(["email", "created"], name) for name in ("suppression_unsubscribes.csv", "spam_reports.csv")]

    assert [layout.tells for layout in layouts if layout] == ["unsubscribes", "complaints"]


@pytest.mark.django_db
def test_a_wrong_word_of_what_its_rows_are_records_nothing(manager: Client) -> None:
    upload(manager, "email,created\nada@b.example,1443651141")

    record(manager, "pigeons")

    assert InboundItem.objects.get().state == "quarantined"


# --- nothing lost, nothing doubled


MIXED = f"""email,event,reason,date
ada@b.example,hard bounce,{SAID},2026-04-01
bob@b.example,delivered,,2026-04-01
not an address,bounced,x,2026-04-01
eve@b.example,exploded,,2026-04-01
cid@b.example,bounced,x,4/1/2026
dan@b.example,unsubscribed,,2999-01-01
"""


@pytest.mark.django_db
def test_each_row_ends_countably_and_the_bad_ones_say_where_and_why(manager: Client) -> None:
    upload(manager, MIXED)

    record(manager, "mixed")

    counts = lists.count_inbox()
    assert {state: n for state, n in counts.items() if n} == {"done": 1, "ignored": 1, "quarantined": 4}
    whys = InboundItem.objects.filter(state="quarantined").order_by("pk").values_list("why", flat=True)
    said = ["4: Not an e-mail address", "5: The word “exploded”", "6: “4/1/2026” is no date", "7: This moment lies"]
    assert [why.startswith(f"Line {start}") for why, start in zip(whys, said, strict=True)] == [True] * 4


@pytest.mark.django_db
def test_the_page_shows_the_bad_rows_and_the_columns_that_are_left_out(manager: Client) -> None:
    page = upload(manager, MIXED.replace("date", "colour")).content.decode()

    assert ["Left out: colour" in page, "The word “exploded”" in page, "It has no dates" in page] == [True] * 3


@pytest.mark.django_db
def test_a_later_export_adds_only_what_is_new(manager: Client) -> None:
    head, row = "address,code,error,created_at", f"ada@b.example,550,{SAID},2026-04-01"
    upload(manager, f"{head}\n{row}\n")
    record(manager, "bounces")

    upload(manager, f"{head}\n{row}\n{row.replace('ada', 'bob')}\n")
    record(manager, "bounces")

    latest = InboundItem.objects.filter(form="list").latest("pk")
    assert (Bounce.objects.count(), latest.why) == (2, "2 rows, 1 of them here before.")


@pytest.mark.django_db
def test_a_row_that_is_not_understood_can_be_read_again(manager: Client) -> None:
    upload(manager, MIXED)
    record(manager, "mixed")
    bad = InboundItem.objects.filter(why__contains="exploded").get()

    assert inbox.retry(bad, a_user("manager"))
    process.run_flow(timezone.now)

    bad.refresh_from_db()
    assert (bad.state, bad.why) == ("done", "1 row, 1 not understood.")
    assert lists.count_inbox()["quarantined"] == 4


@pytest.mark.django_db
def test_reading_it_again_does_not_record_what_nobody_has_looked_at(manager: Client) -> None:
    upload(manager, MIXED)

    inbox.retry(InboundItem.objects.get(), a_user("manager"))
    process.run_flow(timezone.now)

    assert (InboundItem.objects.get().state, Address.objects.count()) == ("quarantined", 0)


@pytest.mark.django_db
def test_a_list_that_was_discarded_can_be_brought_again(manager: Client) -> None:
    upload(manager, MIXED)
    inbox.discard(InboundItem.objects.get(), a_user("manager"), "The wrong file.", timezone.now())

    page = upload(manager, MIXED).content.decode()
    record(manager, "mixed")

    assert ("Before it is recorded" in page, InboundItem.objects.filter(form="event").count()) == (True, 1)


@pytest.mark.django_db
def test_a_list_overrules_no_person_who_lifted_later(manager: Client) -> None:
    text = "Email Address,UNSUB_TIME\nada@b.example,2026-04-01 10:00:00\n"
    upload(manager, text)
    record(manager, "unsubscribes")
    lift(Suppression.objects.get(), a_user("manager"), "She asked for it.", timezone.now())

    upload(manager, text + "bob@b.example,2026-04-01 10:00:00\n")
    record(manager, "unsubscribes")

    in_force = Suppression.objects.filter(lifted_at=None)
    assert [one.address.email for one in in_force if one.address] == ["bob@b.example"]


@pytest.mark.django_db
def test_lists_in_an_archive_wait_too(manager: Client) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("unsubscribed.csv", "Email Address,UNSUB_TIME\nada@b.example,2026-04-01 10:00:00\n")
        file.writestr("cleaned.csv", "Email Address,CLEAN_TIME\nbob@b.example,2026-04-01 10:00:00\n")

    upload(manager, archive.getvalue(), "mailchimp.zip")
    process.run_flow(timezone.now)

    assert InboundItem.objects.filter(form="list", state="quarantined").count() == 2
    assert not Address.objects.exists()


# --- who may


@pytest.mark.django_db
def test_sales_neither_looks_at_a_list_nor_records_it(manager: Client) -> None:
    upload(manager, MIXED)
    path = reverse("bounces:provider_list", args=[InboundItem.objects.get().pk])
    sales = Client()
    sales.force_login(a_user("sales"))

    assert [sales.get(path).status_code, sales.post(path, {"tells": "mixed"}).status_code] == [403, 403]
    assert InboundItem.objects.get().state == "quarantined"


# --- what files are


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


# --- the command


def ingest(*arguments: str) -> str:
    told = io.StringIO()
    call_command("ingest", *arguments, stdout=told)
    return told.getvalue()


@pytest.mark.django_db
def test_the_command_records_what_a_list_says_itself(tmp_path: Path) -> None:
    (tmp_path / "bounces.csv").write_text(f"address,code,error,created_at\nada@b.example,550,{SAID},2026-04-01\n")

    first, again = ingest(str(tmp_path)), ingest(str(tmp_path))

    assert ("Recorded" in first, "Here before" in again, Bounce.objects.get().kind) == (True, True, "hard")


@pytest.mark.django_db
def test_the_command_asks_what_a_list_does_not_say_and_takes_the_answer(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("email,created\nada@b.example,1443651141\n")

    with pytest.raises(CommandError, match="Say it with --as"):
        ingest(str(file))
    assert not Suppression.objects.exists()
    ingest(str(file), "--as", "complaints")

    assert (effect(), Complaint.objects.count()) == ("complaint", 1)


@pytest.mark.django_db
def test_the_commands_preview_records_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(MIXED)

    told = ingest(str(tmp_path), "--preview")

    assert ["bounced" in told, "not understood" in told, "line 5" in told] == [True] * 3
    assert not Address.objects.exists()
