"""Own rules in the flow: asked from the next batch on, in every process, compiled once."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from bounces import process
from bounces.classification import load_rules
from bounces.classification.overrides import Effect
from bounces.models import Address, Bounce, RuleOverride
from bounces.rules_in_force import fingerprint_of, overrides_in_force, rules_in_force
from tests.bounces.arriving import a_bounce_mail
from tests.bounces.flowing import ingested, upload
from tests.builders import NOW, a_rule_override, an_inbound_item

pytestmark = pytest.mark.django_db

WORDS = "smtp; 550 5.1.1 User unknown, acme says no"


def acme_mail(name: str) -> bytes:
    return a_bounce_mail(f"{name}@acme.example", message_id=f"{name}@rebound.example", Diagnostic_Code=WORDS)


def test_without_rows_the_shipped_rules_themselves_are_in_force() -> None:
    assert rules_in_force() is load_rules()


def test_a_bounce_is_judged_by_an_own_rule_and_keeps_its_name() -> None:
    a_rule_override("acme-full")

    ingested(acme_mail("ada"))

    bounce = Bounce.objects.get()
    assert (bounce.rule, bounce.reason, bounce.kind) == ("acme-full", "mailboxfull", "soft")
    assert bounce.evidence.get().rule == "acme-full"
    assert Address.objects.get().status == "unverified"


def test_a_rule_that_is_not_in_force_is_not_asked() -> None:
    a_rule_override(is_enabled=False)
    ingested(acme_mail("ada"))
    assert Bounce.objects.get().reason == "userunknown"


def test_the_compiled_rules_are_kept_until_a_row_changes() -> None:
    row = a_rule_override("acme-full")
    rules = rules_in_force()
    assert rules_in_force() is rules

    RuleOverride.objects.filter(pk=row.pk).update(reason="suspend")  # not even by the admin

    assert rules_in_force() is not rules
    assert next(rule for rule in rules_in_force().rules if rule.name == "acme-full").reason == "suspend"


def test_the_next_batch_of_a_running_flow_notices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bounces.inbox.BATCH_ITEMS", 1)
    upload(acme_mail("ada"), "1.eml")
    upload(acme_mail("bob"), "2.eml")
    held = process.lease.acquire(process.LEASE, process.LEASE_LASTS)
    assert held is not None

    process.drain_batch(held, NOW)
    a_rule_override("acme-full")
    process.drain_batch(held, NOW)

    assert list(Bounce.objects.order_by("pk").values_list("reason", flat=True)) == ["userunknown", "mailboxfull"]


def test_the_newest_row_is_asked_first() -> None:
    a_rule_override("older")
    a_rule_override("newer")
    assert [override.name for override in overrides_in_force()] == ["newer", "older"]


def test_an_own_rule_sees_the_provider_by_the_address_as_it_is_kept() -> None:
    a_rule_override("acme-full", table="providers", host=r"^xn--bcher-kva\.example$")
    mail = a_bounce_mail("ada@bücher.example", Diagnostic_Code=WORDS, Remote_MTA="")
    an_inbound_item(mail)
    process.run_flow(lambda: NOW)
    assert Bounce.objects.get().rule == "acme-full"


def test_a_fingerprint_is_of_the_rules_whatever_the_rows_are() -> None:
    shipped = fingerprint_of(rules_in_force())
    row = a_rule_override()
    changed = fingerprint_of(rules_in_force())
    row.delete()
    assert fingerprint_of(rules_in_force()) == shipped != changed


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "Not A Slug"},
        {"table": "nonsense"},
        {"kind": "deferred"},
        {"fault": "nobody"},
        {"effect": "nothing"},
        {"reason": ""},
        {"note": ""},
        {"example": ""},
        {"patterns": []},
        {"code": "5.1.1"},
        {"patterns": ["x"] * 21},
        {"table": "reply_codes"},
        {"together": True},
        {"effect": Effect.OFF.value},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_the_database_refuses_what_is_no_rule(fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        a_rule_override(**fields)


def test_a_name_is_given_once() -> None:
    a_rule_override("acme-full")
    with pytest.raises(IntegrityError), transaction.atomic():
        a_rule_override("acme-full")
