"""The policy as a table: a history, the status it leads to, the rule that decides. Days count back from now."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from bounces import policy
from bounces.models import Address, Policy, StatusChange
from bounces.sentences import explain_change
from bounces.values import Event, Fault, Judgement, Kind
from tests.bounces.histories import (
    EMAIL,
    ago,
    clicked,
    complained,
    deferred,
    delivered,
    forged,
    hard,
    lived,
    replied,
    restored,
    soft,
    told,
    verified,
    waived,
)
from tests.builders import NOW

pytestmark = pytest.mark.django_db

HARD = Judgement(Kind.HARD, Fault.RECIPIENT, "userunknown", True, "test")

HISTORIES = {
    "nothing known": ([], "unverified", ""),
    "a delivery": ([delivered(3)], "valid", "alive"),
    "a reply": ([replied(3)], "valid", "alive"),
    "a click": ([clicked(3)], "valid", "alive"),
    "a complaint alone says nothing of the mailbox": ([complained(3)], "unverified", ""),
    "a good verification": ([verified(3, True)], "valid", "alive"),
    # hard bounces
    "one hard bounce": ([hard(1)], "invalid", "hard_bounce"),
    "a hard bounce after deliveries": ([delivered(30), delivered(10), hard(1)], "invalid", "hard_bounce"),
    "a delivery after a hard bounce does not lift it": ([hard(10), delivered(1)], "invalid", "hard_bounce"),
    "a hard bounce long ago": ([hard(700)], "invalid", "hard_bounce"),
    "hard, but the sender's fault": ([hard(1, fault="sender", reason="norelaying")], "unverified", ""),
    "hard, but the infrastructure's fault": ([hard(1, fault="infrastructure")], "unverified", ""),
    "user unknown with a 4xx code": ([hard(1, replycode="450", status="")], "unverified", ""),
    "user unknown with an enhanced 4.x code": ([hard(1, replycode="", status="4.1.1")], "unverified", ""),
    "user unknown with a 4xx code on two days": (
        [hard(1, replycode="450", status=""), hard(3, replycode="450", status="")], "at_risk", "soft_recent",
    ),
    "a reply 20 days before the hard bounce": ([replied(21), hard(1)], "at_risk", "hard_bounce_after_reply"),
    "a reply 40 days before the hard bounce": ([replied(41), hard(1)], "invalid", "hard_bounce"),
    "a reply after the hard bounce": ([hard(10), replied(1)], "at_risk", "hard_bounce_after_reply"),
    "a click is not a reply": ([clicked(5), hard(1)], "invalid", "hard_bounce"),
    "restored since": ([hard(10), restored(5)], "unverified", ""),
    "restored since, delivered before": ([delivered(20), hard(10), restored(5)], "valid", "alive"),
    "a new hard bounce after the restore": ([hard(10), restored(5), hard(1)], "invalid", "hard_bounce"),
    "waived": ([hard(10), waived("hard_bounce", 5)], "unverified", ""),
    "a new hard bounce after the waive": ([hard(10), waived("hard_bounce", 5), hard(1)], "invalid", "hard_bounce"),
    "another rule waived": ([hard(10), waived("soft_in_a_row", 5)], "invalid", "hard_bounce"),
    "a forged hard bounce": ([forged(lambda: told(Event.BOUNCED, 1, HARD))], "unverified", ""),
    # soft bounces in a row
    "one soft bounce": ([soft(1)], "unverified", ""),
    "one soft bounce after a delivery": ([delivered(9), soft(1)], "valid", "alive"),
    "three soft days over 14 days": ([soft(15), soft(8), soft(1)], "invalid", "soft_in_a_row"),
    "three soft days over 13 days": ([soft(14), soft(8), soft(1)], "at_risk", "soft_recent"),
    "three soft days over 14 days, a delivery between": (
        [soft(15), delivered(10), soft(8), soft(1)], "at_risk", "soft_recent",
    ),
    "three soft days, then a delivery": ([soft(15), soft(8), soft(1), delivered(0)], "valid", "alive"),
    "three soft days, then a click": ([soft(15), soft(8), soft(1), clicked(0)], "valid", "alive"),
    "three soft days, then restored": ([soft(15), soft(8), soft(1), restored(0)], "unverified", ""),
    "three soft days of nobody's known fault": (
        [soft(15, fault="unknown"), soft(8, fault="unknown"), soft(1, fault="unknown")], "invalid", "soft_in_a_row",
    ),
    "three soft days of the infrastructure": (
        [soft(15, fault="infrastructure"), soft(8, fault="infrastructure"), soft(1, fault="infrastructure")],
        "at_risk", "soft_recent",
    ),
    "three soft days of the sender": (
        [soft(15, fault="sender"), soft(8, fault="sender"), soft(1, fault="sender")], "unverified", "",
    ),
    "two own soft days and one of the infrastructure": (
        [soft(15), soft(8, fault="infrastructure"), soft(1)], "at_risk", "soft_recent",
    ),
    "three soft days long ago stay invalid": ([soft(215), soft(208), soft(201)], "invalid", "soft_in_a_row"),
    "waived in a row": ([soft(45), soft(38), soft(31), waived("soft_in_a_row", 30)], "unverified", ""),
    # soft bounces within the window
    "five soft days within ten": ([soft(1), soft(3), soft(5), soft(7), soft(9)], "invalid", "soft_in_window"),
    "four soft days within ten": ([soft(1), soft(3), soft(5), soft(7)], "at_risk", "soft_recent"),
    "soft bounces of one day count once": (
        [soft(1.01), soft(1.02), soft(1.03), soft(1.04), soft(1.05)], "unverified", "",
    ),
    "five soft days, a delivery amid": (
        [soft(9), soft(7), delivered(6), soft(5), soft(3), soft(1)], "at_risk", "soft_recent",
    ),
    "waived in the window": (
        [soft(49), soft(47), soft(45), soft(43), soft(41), waived("soft_in_window", 40), waived("soft_in_a_row", 40)],
        "unverified", "",
    ),
    # soft bounces lately
    "two soft days within 30": ([soft(20), soft(1)], "at_risk", "soft_recent"),
    "two soft days, one 40 days ago": ([soft(40), soft(1)], "unverified", ""),
    "two soft days of the infrastructure": (
        [soft(3, fault="infrastructure"), soft(1, fault="infrastructure")], "at_risk", "soft_recent",
    ),
    "two soft days before a delivery": ([soft(20), soft(5), delivered(1)], "valid", "alive"),
    "two soft days after a delivery": ([delivered(25), soft(20), soft(1)], "at_risk", "soft_recent"),
    "two deferred days": ([deferred(3), deferred(1)], "unverified", ""),
    # life, waived
    "a delivery waived": ([delivered(9), waived("alive", 5)], "unverified", ""),
    "a delivery after the waive": ([delivered(9), waived("alive", 5), delivered(3)], "valid", "alive"),
    "a good verification waived": ([verified(9, True), waived("alive", 5)], "unverified", ""),
    # verification
    "undeliverable": ([verified(3, False)], "invalid", "undeliverable"),
    "undeliverable, delivered since": ([verified(3, False), delivered(1)], "valid", "alive"),
    "delivered, undeliverable since": ([delivered(5), verified(3, False)], "invalid", "undeliverable"),
    "undeliverable, restored since": ([verified(3, False), restored(1)], "unverified", ""),
    "a good verification does not lift a hard bounce": ([hard(5), verified(3, True)], "invalid", "hard_bounce"),
}  # fmt: skip


@pytest.mark.parametrize("name", HISTORIES)
def test_history_leads_to_status(name: str) -> None:
    facts, status, rule = HISTORIES[name]

    address = lived(facts)

    assert (address.status, address.status_rule) == (status, rule)


@pytest.mark.parametrize("name", HISTORIES)
def test_the_order_in_which_facts_arrive_does_not_matter(name: str) -> None:
    facts, status, rule = HISTORIES[name]

    address = lived(reversed(facts))

    assert (address.status, address.status_rule) == (status, rule)


@pytest.mark.parametrize("name", HISTORIES)
def test_facts_told_twice_change_nothing(name: str) -> None:
    facts, status, rule = HISTORIES[name]
    doubled = [fact for fact in facts for _ in range(2)]

    address = lived(doubled)

    assert (address.status, address.status_rule) == (status, rule)


def test_every_rule_of_the_policy_is_in_the_table() -> None:
    decided = {rule for _, _, rule in HISTORIES.values()}

    assert decided == {
        "", "alive", "hard_bounce", "hard_bounce_after_reply", "soft_in_a_row", "soft_in_window", "soft_recent",
        "undeliverable",
    }  # fmt: skip


def test_at_risk_passes_by_the_clock_alone() -> None:
    address = lived([delivered(25), soft(20), soft(1)])
    assert address.reevaluate_at is not None

    later = address.reevaluate_at
    with transaction.atomic():
        policy.judge_now([address.pk], later)

    address.refresh_from_db()
    assert (address.status, address.reevaluate_at) == ("valid", None)


def test_at_risk_does_not_pass_a_second_too_early() -> None:
    address = lived([soft(20), soft(1)])

    assert address.reevaluate_at == ago(20).replace(hour=0, minute=0) + (NOW - ago(30))


def test_judging_again_writes_nothing() -> None:
    address = lived([delivered(25), soft(20), soft(1)])

    with transaction.atomic():
        moved = policy.judge_now([address.pk], NOW)

    assert moved == 0
    assert StatusChange.objects.filter(to_status="at_risk").count() == 1


def test_a_stricter_policy_decides_otherwise() -> None:
    Policy.objects.filter(is_active=True).update(hard_limit=2)

    assert lived([hard(3)]).status == "unverified"
    assert lived([hard(2)]).status == "invalid"


def test_nonsense_numbers_are_refused_by_the_database() -> None:
    with pytest.raises(IntegrityError, match="policy_numbers_make_sense"):
        Policy.objects.filter(is_active=True).update(hard_limit=0)


SENTENCES = {
    "hard": (
        [hard(10, remote_mta="mx.example.org")],
        "Invalid since 2 November 2026: the mailbox does not exist (550 5.1.1), "
        "said by mx.example.org on 23 October 2026.",
    ),
    "in a row": (
        [delivered(20), soft(15), soft(8), soft(1)],
        "Invalid since 2 November 2026: 3 days with soft bounces in a row over 14 days (the mailbox is full), "
        "none delivered since 13 October 2026.",
    ),
    "in the window": (
        [soft(1), soft(3), soft(5), soft(7), soft(9)],
        "Invalid since 2 November 2026: 5 days with soft bounces from 24 October 2026 to 1 November 2026 "
        "(the mailbox is full), none ever delivered.",
    ),
    "lately": (
        [soft(20), soft(1)],
        "At risk since 2 November 2026: 2 days with soft bounces since 13 October 2026 (the mailbox is full); "
        "passes on 12 November 2026 if nothing more comes.",
    ),
    "held": (
        [replied(5), hard(1)],
        "At risk since 2 November 2026: the mailbox does not exist (550 5.1.1), bounced on 1 November 2026, "
        "yet it replied on 28 October 2026; held until somebody has looked.",
    ),
    "alive": ([delivered(3)], "Valid since 2 November 2026: mail was delivered on 30 October 2026."),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_a_change_says_why_in_one_sentence(name: str) -> None:
    facts, sentence = SENTENCES[name]

    lived(facts)

    assert explain_change(StatusChange.objects.latest("pk")) == sentence


def test_the_history_of_statuses_refuses_to_be_rewritten() -> None:
    lived([hard(1)])

    with pytest.raises(IntegrityError, match="append-only"):
        StatusChange.objects.update(rule="something else")


def test_the_address_is_the_one_of_the_histories() -> None:
    lived([delivered(1)])

    assert Address.objects.get().email == EMAIL
