"""Lists that providers export: looked at, then recorded once, each row countably."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces import inbox, lists, process
from bounces.intake.exported.layout import layout_of
from bounces.intake.exported.table import first_line
from bounces.models import Address, Attempt, Bounce, Complaint, InboundItem, Suppression
from bounces.suppressions import lift
from tests.bounces.provider_lists import KNOWN, SAID, record, upload
from tests.builders import a_user


@pytest.fixture
def manager() -> Client:
    client = Client()
    client.force_login(a_user("manager"))
    return client


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


MIXED = f"""email,event,reason,date
ada@b.example,hard bounce,{SAID},2026-04-01
bob@b.example,delivered,,2026-04-01
not an address,bounced,x,2026-04-01
eve@b.example,exploded,,2026-04-01
cid@b.example,bounced,x,4/1/2026
dan@b.example,unsubscribed,,2026-13-01
"""


# --- nothing lost, nothing doubled


@pytest.mark.django_db
def test_each_row_ends_countably_and_the_bad_ones_say_where_and_why(manager: Client) -> None:
    upload(manager, MIXED)

    record(manager, "mixed")

    counts = lists.count_inbox()
    assert {state: n for state, n in counts.items() if n} == {"done": 2, "ignored": 1, "quarantined": 3}
    whys = InboundItem.objects.filter(state="quarantined").order_by("pk").values_list("why", flat=True)
    said = [
        "4: Not an e-mail address",
        "5: The word “exploded”",
        "6: “4/1/2026” is no date",
    ]
    assert [why.startswith(f"Line {start}") for why, start in zip(whys, said, strict=True)] == [True] * 3


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
    assert lists.count_inbox()["quarantined"] == 3


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

    assert ("Before it is recorded" in page, InboundItem.objects.filter(form="event").count()) == (True, 2)


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


def ingest(*arguments: str) -> str:
    told = io.StringIO()
    call_command("ingest", *arguments, stdout=told)
    return told.getvalue()


# --- the command


@pytest.mark.django_db
def test_the_command_records_what_a_list_says_itself(tmp_path: Path) -> None:
    (tmp_path / "bounces.csv").write_text(f"address,code,error,created_at\nada@b.example,550,{SAID},2026-04-01\n")

    first, again = ingest(str(tmp_path), "--yes"), ingest(str(tmp_path), "--yes")

    assert ("Recorded" in first, "Here before" in again, Bounce.objects.get().kind) == (True, True, "hard")


@pytest.mark.django_db
def test_the_command_asks_what_a_list_does_not_say_and_takes_the_answer(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("email,created\nada@b.example,1443651141\n")

    with pytest.raises(CommandError, match="Say it with --as"):
        ingest(str(file))
    assert not Suppression.objects.exists()
    ingest(str(file), "--as", "complaints")
    assert not Suppression.objects.exists()
    ingest(str(file), "--as", "complaints", "--yes")

    assert (effect(), Complaint.objects.count()) == ("complaint", 1)


@pytest.mark.django_db
@pytest.mark.parametrize("says", [[], ["--preview"]])
def test_without_a_yes_the_command_only_looks(tmp_path: Path, says: list[str]) -> None:
    (tmp_path / "x.csv").write_text(MIXED)

    told = ingest(str(tmp_path), *says)

    assert ["bounced" in told, "not understood" in told, "line 5" in told] == [True] * 3
    assert not Address.objects.exists()
