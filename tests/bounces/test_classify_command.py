"""`manage.py classify`: files in, lines out, no database."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.core.management.base import CommandError

from bounces.classification import load_rules
from crm.up import private
from tests.bounces.mails import a_delivery_report, a_mail, a_recipient
from tests.bounces.test_mailfiles import an_mbox
from tests.builders import a_rule_override


class Output(io.StringIO):
    """What the command wrote, as text or as the values of its lines."""

    def values(self) -> list[dict]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


def run(*args: str) -> Output:
    output = Output()
    call_command("classify", *args, stdout=output, stderr=output)
    return output


@pytest.fixture
def box(tmp_path: Path) -> Path:
    (tmp_path / "a.eml").write_bytes(a_delivery_report())
    (tmp_path / "b.mbox").write_bytes(an_mbox(a_mail("Hello\n"), a_delivery_report()))
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("d.eml", a_mail(Auto_Submitted="auto-replied"))
    return tmp_path


def test_each_message_of_a_folder_gets_one_line(box: Path) -> None:
    found = [
        (Path(line["file"]).name, line["message_index"], line["kind"]) for line in run(str(box), "--json").values()
    ]
    assert found == [("a.eml", 0, "bounce"), ("b.mbox", 0, "none"), ("b.mbox", 1, "bounce"), ("c.zip", 0, "vacation")]


def test_a_missing_path_is_told_the_others_are_read_and_the_exit_code_is_2(
    box: Path, capsys: pytest.CaptureFixture
) -> None:
    output, errors = Output(), io.StringIO()
    with pytest.raises(CommandError) as failure:
        call_command("classify", str(box / "nowhere"), str(box / "a.eml"), "--json", stdout=output, stderr=errors)
    assert failure.value.returncode == 2
    assert "nowhere: No such file or directory" in errors.getvalue()
    assert [line["kind"] for line in output.values()] == ["bounce"]


def test_a_damaged_archive_is_told_plainly(tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04 but no more")
    errors = io.StringIO()
    with pytest.raises(CommandError):
        call_command("classify", str(tmp_path), "--json", stdout=Output(), stderr=errors)
    assert "bad.zip: The archive is damaged" in errors.getvalue()


def test_a_mail_that_was_refused_counts_too(tmp_path: Path, settings: LazySettings) -> None:
    settings.MAIL_CAP = 100
    (tmp_path / "big.eml").write_bytes(a_mail("x" * 200))
    output, errors = Output(), io.StringIO()
    with pytest.raises(CommandError):
        call_command("classify", str(tmp_path), "--json", stdout=output, stderr=errors)
    assert [line["kind"] for line in output.values()] == ["none"]
    assert "It is larger than 100 bytes." in errors.getvalue()


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(a_delivery_report())))
    assert [line["file"] for line in run("-", "--json").values()] == ["-"]


def test_a_person_gets_a_line_a_recipient(tmp_path: Path) -> None:
    full = a_recipient("eve@b.example", Status="5.2.2", Diagnostic_Code="smtp; 552 Mailbox full")
    (tmp_path / "a.eml").write_bytes(a_delivery_report(a_recipient(), full))
    first, second = run(str(tmp_path)).getvalue().splitlines()
    assert "bob@b.example  bounced  hard  recipient's fault  userunknown  5.1.1" in first
    assert "eve@b.example  bounced  soft  recipient's fault  mailboxfull  5.2.2" in second


def test_a_person_may_ask_who_read_it_and_which_rule_decided(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(a_delivery_report())
    text = run(str(tmp_path), "--explain").getvalue()
    assert "read by      delivery_status, after feedback, notification found nothing" in text
    assert "judged by    user-unknown-5.1.1 (phrases; RFC 3463 X.1.1" in text


def test_a_rule_that_was_passed_over_says_why(tmp_path: Path) -> None:
    said = a_recipient(Status="5.0.0", Diagnostic_Code="smtp; 550 Unknown user")
    (tmp_path / "a.eml").write_bytes(a_delivery_report(said))
    text = run(str(tmp_path), "--explain").getvalue()
    assert "passed over  user-unknown-at-rcpt: only for a refused RCPT" in text
    assert "judged by    user-unknown-unproved" in text


def test_several_processes_give_the_same_answers_in_the_same_order(box: Path) -> None:
    assert run(str(box), "--json", "--jobs", "2").getvalue() == run(str(box), "--json").getvalue()


def test_the_rules_are_listed_with_how_often_each_decided(box: Path) -> None:
    output = Output()
    call_command("rules", str(box), stdout=output)
    hits = {line.split()[1]: line.split()[0] for line in output.getvalue().splitlines()[1:]}
    assert (hits["user-unknown-5.1.1"], hits["mailbox-full"], hits["default"]) == ("2", "0", "0")
    assert len(hits) == len(load_rules().rules) + 1


def test_the_rules_are_listed_without_a_path_too() -> None:
    output = Output()
    call_command("rules", stdout=output)
    assert output.getvalue().splitlines()[1].split()[0] == load_rules().rules[0].name


def test_what_is_no_bounce_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(a_mail())
    assert "none  an ordinary message: no delivery report" in run(str(tmp_path)).getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_our_own_rules_are_asked_where_that_is_wanted(tmp_path: Path, jobs: str) -> None:
    a_rule_override("acme-full")
    (tmp_path / "a.eml").write_bytes(a_delivery_report(a_recipient(Diagnostic_Code="smtp; 550 5.1.1 Acme says no")))
    assert "acme-full" in run(str(tmp_path), "--json", "--with-ours", "--jobs", jobs).getvalue()
    assert "acme-full" not in run(str(tmp_path), "--json", "--jobs", jobs).getvalue()
    assert "judged by    acme-full (phrases; Their hotline" in run(str(tmp_path), "--explain", "--with-ours").getvalue()


@pytest.mark.django_db
def test_our_own_rules_are_listed_where_that_is_wanted() -> None:
    a_rule_override("acme-full")
    output = Output()
    call_command("rules", "--with-ours", stdout=output)
    assert "acme-full" in output.getvalue()


@pytest.mark.parametrize(
    ("arguments", "needs_none"),
    [(["classify", "a"], True), (["rules"], True), (["rules", "--with-ours"], False), (["classify", "--help"], True)],
)
def test_no_server_is_started_for_rules_that_ship_with_rebound(arguments: list[str], needs_none: bool) -> None:
    assert private.needs_no_server(arguments) is needs_none
