"""How failures are judged: every rule by its examples, the order of the tables, what is never hard."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import re2

from bounces.classification import RuleSet, classify, load_reasons, load_rules
from bounces.classification.answer import answer
from bounces.classification.docs import PAGE, render
from bounces.classification.judge import normalise
from bounces.classification.ruleset import Rule, Table
from bounces.parsing import read
from bounces.parsing.text import find_replycode, find_status
from bounces.values import Event, Fault, Judgement, Kind, Report
from tests.bounces.mails import a_complaint, a_delivery_report, a_recipient

ROOT = Path(__file__).resolve().parents[2]
RULES = load_rules()
CASES = [(rule, example) for rule in RULES.rules for example in rule.examples]


def a_report(diagnostic: str = "", **values: object) -> Report:
    """A failure that says so, with the codes that stand in its words."""
    known = {"status": find_status(diagnostic), "replycode": find_replycode(diagnostic), "recipient": "a@b.example"}
    return Report(event=Event.BOUNCED, diagnostic=diagnostic, **(known | values))  # type: ignore[arg-type]  # builder


def as_report(rule: Rule, example: str) -> Report:
    """An example as the report that would carry it: words, a code, or a refused command."""
    if rule.table is Table.ENHANCED_CODES:
        return a_report(status=example)
    if rule.table is Table.REPLY_CODES:
        return a_report(replycode=example)
    if rule.table is Table.COMMANDS:
        return a_report(command=example)
    command, separator, words = example.partition(": ")
    return (
        a_report(words, command=command)
        if separator and command in ("DATA", "RCPT", "MAIL")
        else a_report(example, remote_mta=a_host(rule))
    )


def a_host(rule: Rule) -> str:
    hosts = (
        "mx.au.com", "mx.cox.net", "us.mimecast.com", "smtp.orange.fr", "messagelabs.com", "mx.yahoodns.net",
        "mx1.mail.icloud.com", "mx.outlook.com", "smtp.secureserver.net", "mx.charter.net", "mx1.comcast.net",
        "mx.163.com", "gmail-smtp-in.l.google.com", "mxs.mail.ru", "mx.yandex.ru", "mx3.qq.com",
    )  # fmt: skip
    return next((host for host in hosts if rule.host and re2.search(rule.host, host)), "")


@pytest.mark.parametrize(("rule", "example"), CASES, ids=[f"{rule.name}: {example[:40]}" for rule, example in CASES])
def test_each_example_is_decided_by_its_rule(rule: Rule, example: str) -> None:
    judgement = classify(as_report(rule, example))
    assert (judgement.rule, judgement.reason) == (rule.name, rule.reason)


def test_each_rule_has_a_name_of_its_own_an_example_and_a_source() -> None:
    assert len({rule.name for rule in RULES.rules}) == len(RULES.rules)
    assert all(rule.examples and rule.source for rule in RULES.rules)


def test_each_rule_leads_to_a_known_reason_and_each_reason_has_a_way_to_it() -> None:
    assert {rule.reason for rule in RULES.rules} | {"onhold"} == set(load_reasons())


def test_no_example_is_matched_by_addresses_or_paths() -> None:
    words = normalise("550 5.1.1 <spam@full.example> see https://b.example/dmarc/virus rejected")
    assert words == "550 5.1.1 <address> see https://b.example/ rejected"


def test_the_lines_of_a_long_reply_are_one_sentence() -> None:
    assert normalise("550-5.7.26 Multiple authentication 550-5.7.26 checks failed") == (
        "550 5.7.26 Multiple authentication checks failed"
    )


@pytest.mark.parametrize(
    ("report", "reason", "kind", "fault"),
    [
        (a_report("550 5.1.1 User unknown"), "userunknown", Kind.HARD, Fault.RECIPIENT),
        (a_report("550 5.2.2 over quota"), "mailboxfull", Kind.SOFT, Fault.RECIPIENT),
        (a_report(status="5.2.2"), "mailboxfull", Kind.SOFT, Fault.RECIPIENT),
        (a_report(status="5.7.1"), "blocked", Kind.SOFT, Fault.SENDER),
        (a_report("550 5.7.1 Refused"), "blocked", Kind.SOFT, Fault.SENDER),
        (a_report("550 nope"), "onhold", Kind.SOFT, Fault.UNKNOWN),
        (a_report(), "onhold", Kind.SOFT, Fault.UNKNOWN),
        (a_report("521 Host does not accept mail"), "notaccept", Kind.HARD, Fault.RECIPIENT),
        (a_report("421 Host does not accept mail"), "notaccept", Kind.SOFT, Fault.RECIPIENT),
        (a_report("451 4.4.3 Host not found, try again"), "networkerror", Kind.SOFT, Fault.INFRASTRUCTURE),
    ],
)
def test_a_failure_is_judged_by_what_it_says(report: Report, reason: str, kind: Kind, fault: Fault) -> None:
    judgement = classify(report)
    assert (judgement.reason, judgement.kind, judgement.fault) == (reason, kind, fault)


def test_words_come_before_codes() -> None:
    assert classify(a_report("550 5.1.1 mailbox full")).reason == "mailboxfull"


def test_the_senders_fault_comes_before_an_unknown_user() -> None:
    judgement = classify(a_report("550 User unknown; client host blocked using zen.spamhaus.org"))
    assert (judgement.reason, judgement.hard) == ("blocked", False)


@pytest.mark.parametrize("command", ["CONNECT", "HELO", "MAIL"])
def test_what_was_refused_before_the_recipient_was_named_is_never_hard(command: str) -> None:
    judgement = classify(a_report("553 5.1.1 b.example does not exist, user unknown", command=command))
    assert (judgement.hard, judgement.fault) == (False, Fault.SENDER)


def test_a_mailbox_that_refused_after_data_is_there() -> None:
    assert classify(a_report("550 Unknown user", command="DATA")).hard is False


def test_what_is_still_being_tried_is_deferred_whatever_it_says() -> None:
    report = Report(event=Event.DEFERRED, recipient=None, diagnostic="User unknown", status="4.1.1")
    assert classify(report).kind is Kind.DEFERRED
    assert classify(report).reason == "userunknown"


def test_other_rules_can_be_tried_without_touching_ours() -> None:
    rule = Rule(
        "ours", Table.PHRASES, "mailboxfull", "a test", ("no",), patterns=("nope",), kind=Kind.HARD, fault=Fault.SENDER
    )
    judgement = classify(a_report("550 nope"), rules=RuleSet((rule,), load_reasons()))
    assert judgement == Judgement(Kind.HARD, Fault.SENDER, "mailboxfull", hard=True, rule="ours")


def test_no_pattern_is_lost_where_the_words_are_long() -> None:
    words = "lorem ipsum dolor " * 110 + "550 5.1.1 user unknown"
    assert classify(a_report(words)).reason == "userunknown"


def test_the_page_of_rules_is_in_step_with_the_rules() -> None:
    hint = "run `python -m bounces.classification.docs`"
    assert (ROOT / PAGE).read_text(encoding="utf-8") == render(RULES), hint


def test_the_answer_for_scripts_keeps_its_shape() -> None:
    line = json.loads(json.dumps(answer("a.eml", 2, read(a_delivery_report(a_recipient())))))
    (recipient,) = line.pop("recipients")
    assert line == {"file": "a.eml", "kind": "bounce", "message_index": 2}
    assert recipient == {
        "recipient": "bob@b.example",
        "event": "bounced",
        "kind": "hard",
        "fault": "recipient",
        "reason": "userunknown",
        "hard": True,
        "status": "5.1.1",
        "replycode": "550",
        "rule": "user-unknown-5.1.1",
        "diagnostic": "550 5.1.1 <bob@b.example>: Recipient address rejected: User unknown",
    }


def test_what_did_not_fail_has_neither_kind_nor_fault() -> None:
    (recipient,) = answer("a.eml", 0, read(a_complaint()))["recipients"]
    assert (recipient["event"], recipient["kind"], recipient["fault"]) == ("complained", None, None)
