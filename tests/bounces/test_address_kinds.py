"""What an address is by its name alone: one list, and one answer at every door."""

from __future__ import annotations

import pytest
from django.db import connection

from bounces import address_kinds
from bounces.address_kinds import LONGEST, disposable_domain_of, disposable_domains, disposable_keys, is_role_account
from bounces.demands import Demand, WritesTo
from bounces.models import Address
from bounces.values import Answer
from bounces.verdict import answered, answered_by, check, verdicts_of
from tests.builders import NOW, a_contact, an_address
from tests.contacts.importing import previewed

DOMAINS = {
    "mailinator.com": "mailinator.com",
    "box.mailinator.com": "mailinator.com",
    "a.b.c.box.mailinator.com": "mailinator.com",
    "popol.fr.nf": "popol.fr.nf",
    "x.popol.fr.nf": "popol.fr.nf",
    "example.org": "",
    "mail.example.co.uk": "",
    "verynotmailinator.com": "",
    "com": "",
    "xn--mller-kva.example": "",
}


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_listed_domain_and_everything_below_it_is_disposable(domain: str) -> None:
    assert disposable_domain_of(f"ada@{domain}") == DOMAINS[domain]


@pytest.mark.django_db
def test_one_address_a_set_and_an_import_have_one_answer_for_every_domain() -> None:
    for domain in DOMAINS:
        an_address(f"ada@{domain}", status="valid", status_rule="alive")
    wanted = {f"ada@{domain}" for domain, listed in DOMAINS.items() if listed}

    verdicts = verdicts_of(list(Address.objects.values_list("pk", flat=True)), NOW)
    by_row = {Address.objects.get(pk=pk).email for pk, one in verdicts.items() if one.reason == "disposable"}
    with connection.cursor() as cursor:
        sql = f"SELECT email FROM bounces_address a WHERE {address_kinds.is_at_disposable_domain('a.domain')}"
        cursor.execute(sql, {"disposable": disposable_keys()})
        by_sql = {email for (email,) in cursor.fetchall()}

    assert by_row == wanted
    assert by_sql == wanted
    assert {address.email for address in answered_by("disposable", NOW)} == wanted
    assert {address.email for address in answered(Answer.CAUTION, NOW)} == wanted
    assert {address.email for address in Address.objects.exclude(domain__is_disposable=True)}.isdisjoint(wanted)


@pytest.mark.django_db
@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("written", ["ada@mailinator.com", "Ada@Box.Mailinator.COM"])
def test_check_answers_with_caution_whether_we_know_the_address_or_not(written: str, is_known: bool) -> None:
    if is_known:
        an_address(written.lower())

    verdict = check([written], NOW)[written]

    assert (verdict.answer, verdict.reason) == ("caution", "disposable")
    assert verdict.sentence.startswith("A disposable address: mailboxes at mailinator.com are made to be thrown away.")


@pytest.mark.django_db
def test_an_international_domain_is_compared_as_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address_kinds, "blocklist", {"müllpost.example"})
    disposable_domains.cache_clear()
    disposable_keys.cache_clear()
    try:
        written = ("ada@müllpost.example", "ada@xn--mllpost-n2a.example")
        assert [one.reason for one in check(written, NOW).values()] == ["disposable", "disposable"]
    finally:
        monkeypatch.undo()
        disposable_domains.cache_clear()
        disposable_keys.cache_clear()


@pytest.mark.django_db
def test_a_campaign_that_writes_only_to_sure_addresses_leaves_disposable_ones_out() -> None:
    a_contact("ada@mailinator.com", status="valid")
    demand = Demand("campaign “Spring”", WritesTo.SURE)

    assert check(["ada@mailinator.com"], NOW, demand)["ada@mailinator.com"].answer == "no"
    assert not answered(Answer.YES, NOW, demand).exists()


@pytest.mark.django_db
def test_an_import_counts_what_check_calls_disposable() -> None:
    emails = [f"p{number}@{domain}" for number, domain in enumerate([*DOMAINS, "example.com"] * 12) if domain != "com"]
    run = previewed("email\n" + "".join(f"{email}\n" for email in emails))

    disposable = [one for one in check(emails, NOW).values() if one.reason == "disposable"]

    assert run.health["disposable"] == round(len(disposable) / len(emails), 4)


def test_the_longest_listed_domain_is_looked_for() -> None:
    assert max(len(domain.split(".")) for domain in disposable_domains()) <= LONGEST
    assert all(domain.isascii() and "." in domain for domain in disposable_domains())


def test_a_desk_is_known_by_its_local_part() -> None:
    assert [is_role_account(email) for email in ("info@b.example", "ada@b.example")] == [True, False]
