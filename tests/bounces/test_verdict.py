"""May I write to it? A table, and that the answer for one and the answer for a set are the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import combinations, permutations
from typing import Any

import pytest
from django.db import connection

from bounces import suppressions
from bounces.addresses import keep_addresses, suppression_key
from bounces.models import Address, Policy, Suppression
from bounces.refusals import is_refused
from bounces.values import Answer
from bounces.verdict import answered, answered_by, check, sendable_addresses, verdicts_of
from tests.builders import NOW, a_ruling, a_silence, a_status_change, a_suppression, a_user, an_address, days_ago

pytestmark = pytest.mark.django_db

ANSWERS: dict[str, tuple[dict[str, Any], str, str]] = {
    "valid": ({"status": "valid", "status_rule": "alive"}, "yes", "alive"),
    "unverified": ({"status": "unverified"}, "yes", "not_verified"),
    "at risk": ({"status": "at_risk", "status_rule": "soft_recent"}, "caution", "soft_recent"),
    "invalid": ({"status": "invalid", "status_rule": "hard_bounce"}, "no", "hard_bounce"),
    "held": ({"status": "at_risk", "status_rule": "hard_bounce_after_reply"}, "no", "held"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_status_gives_the_answer(name: str) -> None:
    fields, answer, reason = ANSWERS[name]
    evidence = {"days": 2, "first_on": "2026-10-01", "reason": reason, "ends_at": "2026-11-30T00:00:00+00:00"}
    address = an_address("ada@example.org", **fields)
    if fields.get("status_rule"):
        a_status_change(address, fields["status"], rule=fields["status_rule"], evidence=evidence)

    verdict = check(["ada@example.org"], NOW)["ada@example.org"]

    assert (verdict.answer, verdict.reason) == (answer, reason)
    assert address in answered(Answer(answer), NOW)
    assert sum(address in answered(each, NOW) for each in Answer) == 1


def test_a_desks_address_is_answered_with_caution() -> None:
    an_address("info@example.org", status="valid", status_rule="alive")

    assert check(["info@example.org"], NOW)["info@example.org"].reason == "role_account"
    assert not sendable_addresses(NOW).exists()


def test_a_suppressed_domain_stops_known_and_unknown_addresses() -> None:
    an_address("ada@example.org", status="valid", status_rule="alive")
    suppressions.suppress_domain("example.org", "manual", "a person", now=NOW)

    verdicts = check(["ada@example.org", "stranger@example.org"], NOW)

    assert {verdict.answer for verdict in verdicts.values()} == {"no"}
    assert not sendable_addresses(NOW).exists()


GRAVEST = list(permutations(["complaint", "unsubscribe", "bounce", "manual", "cleaning"], 2))


@pytest.mark.parametrize(("first", "second"), GRAVEST)
@pytest.mark.parametrize("scopes", [("address", "address"), ("domain", "domain"), ("address", "domain")])
def test_of_several_suppressions_the_gravest_is_told_with_a_row_and_without(
    first: str, second: str, scopes: tuple[str, str]
) -> None:
    for scope, reason in zip(scopes, (first, second), strict=True):
        a_suppression("ada@b.example", reason, **({"domain": "b.example"} if scope == "domain" else {}))
    gravest = min((first, second), key=["complaint", "unsubscribe", "bounce", "manual", "cleaning"].index)
    an_address("ada@b.example")
    with_row = check(["ada@b.example"], NOW)["ada@b.example"].reason
    Address.objects.all().delete()

    assert (with_row, check(["ada@b.example"], NOW)["ada@b.example"].reason) == (gravest, gravest)


FACTS: dict[str, Callable[[Address], object]] = {
    "suppressed": a_suppression,
    "expired": lambda address: a_suppression(address, "cleaning", expires_at=days_ago(1)),
    "domain": lambda _: a_suppression(domain="example.org"),
    "held": lambda address: a_ruling(address, "hold"),
    "invalid": lambda address: an_address(address.email, status="invalid", status_rule="hard_bounce"),
    "replied": lambda address: an_address(address.email, status="at_risk", status_rule="hard_bounce_after_reply"),
    "at risk": lambda address: an_address(address.email, status="at_risk", status_rule="soft_recent"),
}


@pytest.mark.parametrize("facts", [pair for number in (0, 1, 2) for pair in combinations(FACTS, number)])
def test_one_address_a_set_and_an_import_have_one_answer(facts: tuple[str, ...]) -> None:
    address = an_address("ada@example.org", status="valid", status_rule="alive")
    for name in facts:
        FACTS[name](address)
    evidence = {"days": 2, "first_on": "2026-10-01", "reason": "x", "ends_at": "2026-11-30T00:00:00+00:00"}
    a_status_change(address, "at_risk", rule="soft_recent", evidence=evidence)

    answer = verdicts_of([address.pk], NOW)[address.pk].answer
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {is_refused('a')} FROM bounces_address a", {"now": NOW})
        (by_sql,) = cursor.fetchone()

    assert [each for each in Answer if address in answered(each, NOW)] == [answer]
    assert by_sql == (answer == Answer.NO)


def test_an_expired_suppression_stops_nobody() -> None:
    address = an_address("ada@example.org", status="valid", status_rule="alive")
    suppressions.suppress_address(address, "manual", "a person", now=days_ago(9), expires_at=days_ago(1))

    assert check(["ada@example.org"], NOW)["ada@example.org"].answer == "yes"
    assert address in sendable_addresses(NOW)


def test_a_hold_stops_until_it_is_lifted() -> None:
    ruling = a_ruling("ada@example.org", "hold")
    assert check(["ada@example.org"], NOW)["ada@example.org"].reason == "held"

    ruling.lifted_at, ruling.lifted_by = NOW, a_user("manager")
    ruling.save()

    assert check(["ada@example.org"], NOW)["ada@example.org"].answer == "yes"


def test_a_suppression_outlives_its_erased_address() -> None:
    address = an_address("ada@example.org")
    suppressions.suppress_address(address, "complaint", "test", now=NOW)
    address.delete()
    assert check(["ada@example.org"], NOW)["ada@example.org"].reason == "complaint"

    (again,) = keep_addresses(["ada@example.org"]).values()

    assert verdicts_of([again], NOW)[again].reason == "complaint"
    assert Suppression.objects.get().address_key == suppression_key("ada@example.org")


def test_what_is_no_address_is_answered_too() -> None:
    verdicts = check(["not an address", "", "a@b@c.example", "bob@example"], NOW)

    assert {(verdict.answer, verdict.reason) for verdict in verdicts.values()} == {("no", "syntax")}


def test_the_answer_is_keyed_by_the_text_as_given() -> None:
    an_address("ada@example.org", status="invalid", status_rule="hard_bounce")

    assert check([" ADA@Example.ORG "], NOW)[" ADA@Example.ORG "].answer == "no"


def test_many_addresses_cost_as_many_queries_as_few(django_assert_num_queries: Any) -> None:
    for number in range(30):
        an_address(f"p{number}@example.org")
    few = [f"p{number}@example.org" for number in range(2)] + ["x@example.net"]
    many = [f"p{number}@example.org" for number in range(30)] + [f"x{n}@example.net" for n in range(30)]

    with django_assert_num_queries(3):
        check(few, NOW)
    with django_assert_num_queries(3):
        check(many, NOW)


def test_a_suppression_is_lifted_by_a_person_with_a_reason() -> None:
    suppression = suppressions.suppress_address(an_address(), "complaint", "test", now=NOW)

    with pytest.raises(suppressions.NotAPerson):
        suppressions.lift(suppression, None, "a job thought so", NOW)
    with pytest.raises(suppressions.NotAPerson):
        suppressions.lift(suppression, a_user("manager"), "  ", NOW)
    suppressions.lift(suppression, a_user("manager"), "they asked us to", NOW)

    assert Suppression.objects.get().lifted_at == NOW


def test_suppressing_twice_is_one_suppression_and_the_later_expiry() -> None:
    address = an_address()
    suppressions.suppress_address(address, "manual", "a", now=NOW, expires_at=NOW + timedelta(days=1))
    suppressions.suppress_address(address, "manual", "b", now=NOW)

    assert Suppression.objects.get().expires_at is None


def test_an_end_is_put_off_but_never_brought_forward_without_a_reason() -> None:
    address = an_address()
    suppressions.suppress_address(address, "manual", "a", now=NOW)

    suppressions.suppress_address(address, "manual", "b", now=NOW, expires_at=NOW + timedelta(days=1))

    assert Suppression.objects.get().expires_at is None


def test_suppressions_in_force_are_found_by_address_and_by_domain() -> None:
    address = an_address("ada@example.org")
    suppressions.suppress_address(address, "manual", "a", now=NOW)
    suppressions.suppress_domain("example.org", "manual", "a", now=NOW)

    found = suppressions.active_for([address.pk], NOW)

    assert sorted(str(one.scope) for one in found[address.pk]) == ["address", "domain"]
    assert Address.objects.count() == 1


def mind_silence(count: int = 6, days: int = 180) -> None:
    Policy.objects.filter(is_active=True).update(silent_count=count, silent_days=days)


def test_a_silent_address_is_answered_with_caution_and_keeps_its_status() -> None:
    mind_silence()
    address = an_address("ada@example.org", status="valid", status_rule="alive", last_delivered_at=days_ago(3))
    a_silence(address, delivered=8, since=days_ago(200))

    verdict = verdicts_of([address.pk], NOW)[address.pk]

    assert (verdict.answer, verdict.reason, verdict.status) == ("caution", "silent", "valid")
    assert verdict.sentence == (
        "Silent: 8 mails delivered since 16 April 2026, no reply and no click. "
        "Valid: mail was delivered on 30 October 2026."
    )
    assert address in answered(Answer.CAUTION, NOW)


SILENCES: dict[str, tuple[dict[str, Any], str]] = {
    "six mails, the first 180 days ago": ({"delivered": 6, "since": days_ago(180)}, "caution"),
    "six mails within 179 days": ({"delivered": 6, "since": days_ago(179)}, "yes"),
    "five mails within a year": ({"delivered": 5, "since": days_ago(365)}, "yes"),
}


@pytest.mark.parametrize("name", SILENCES)
def test_silence_takes_so_many_mails_and_so_many_days(name: str) -> None:
    mind_silence()
    silence, answer = SILENCES[name]
    address = an_address("ada@example.org", status="valid", status_rule="alive")
    a_silence(address, **silence)

    assert verdicts_of([address.pk], NOW)[address.pk].answer == answer
    assert address in answered(Answer(answer), NOW)


def test_silence_is_let_be_until_an_admin_switches_it_on() -> None:
    address = an_address("ada@example.org", status="valid", status_rule="alive")
    a_silence(address, delivered=500, since=days_ago(3000))

    assert verdicts_of([address.pk], NOW)[address.pk].answer == "yes"
    assert address in answered(Answer.YES, NOW)
    assert not answered_by("silent", NOW).exists()


@pytest.mark.parametrize(
    ("fields", "answer", "reason"),
    [
        ({"status": "invalid", "status_rule": "undeliverable"}, "no", "undeliverable"),
        ({"status": "at_risk", "status_rule": "soft_recent"}, "caution", "mailboxfull"),
    ],
)
def test_what_is_graver_than_silence_is_said_first(fields: dict[str, Any], answer: str, reason: str) -> None:
    mind_silence()
    address = an_address("ada@example.org", **fields)
    evidence = {"days": 2, "first_on": "2026-10-01", "reason": "mailboxfull", "ends_at": "2026-11-30T00:00:00+00:00"}
    a_status_change(
        address, fields["status"], rule=fields["status_rule"], evidence=evidence if answer == "caution" else {}
    )
    a_silence(address)

    verdict = verdicts_of([address.pk], NOW)[address.pk]

    assert (verdict.answer, verdict.reason) == (answer, reason)


def test_each_word_of_a_filter_finds_its_addresses() -> None:
    mind_silence()
    by_name = {name: an_address(f"{name}@example.org", status="valid") for name in ("ada", "bob", "info")}
    a_silence(by_name["bob"])
    by_name["gone"] = an_address("gone@example.org", status="invalid")

    found = {
        word: {address.email.split("@")[0] for address in answered_by(word, NOW)}
        for word in ("yes", "caution", "no", "silent", "role_account")
    }

    assert found == {
        "yes": {"ada"}, "caution": {"bob", "info"}, "no": {"gone"}, "silent": {"bob"}, "role_account": {"info"},
    }  # fmt: skip
