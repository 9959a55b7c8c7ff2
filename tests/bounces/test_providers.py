"""Who receives: by the host that refused, else by the domain's MX, else the domain. No network here."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bounces.models import Attempt, Bounce, DailyStat, Domain
from bounces.providers import LookUpFailed, learn_operators, load_providers, provider_of_host, providers_of
from tests.bounces.histories import hard
from tests.builders import NOW, a_bounce

LONG_AGO = NOW - timedelta(days=90)
TOMORROW = NOW + timedelta(hours=25)


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("gmail-smtp-in.l.google.com", "google"),
        ("ASPMX.L.GOOGLE.COM.", "google"),
        ("acme-com.mail.protection.outlook.com", "microsoft"),
        ("mta5.am0.yahoodns.net", "yahoo"),
        ("mx01.mail.icloud.com", "apple"),
        ("eu-smtp-inbound-1.mimecast.com", "mimecast"),
        ("mxa-0001.gslb.pphosted.com", "proofpoint"),
        ("mx00.emig.gmx.net", "gmx"),
        ("notgoogle.com", ""),
        ("mx.acme.example", ""),
        ("", ""),
    ],
)
def test_a_host_is_known_by_its_ending(host: str, provider: str) -> None:
    assert provider_of_host(host) == provider


def test_no_host_and_no_domain_belongs_to_two_providers() -> None:
    names = [name for each in load_providers().values() for name in (*each.hosts,)]
    domains = [name for each in load_providers().values() for name in each.domains]
    assert (len(names), len(domains)) == (len(set(names)), len(set(domains)))


@pytest.mark.django_db
def test_a_domain_is_known_by_the_table_else_by_its_mx_else_stands_for_itself() -> None:
    Domain.objects.create(domain="acme.example", operator="google", looked_up_at=NOW)
    found = providers_of(["gmail.com", "acme.example", "other.example"])
    assert found == {"gmail.com": "google", "acme.example": "google", "other.example": "other.example"}


@pytest.mark.django_db
def test_the_host_that_refused_outranks_the_domain() -> None:
    hard(1, remote_mta="aspmx.l.google.com")()
    assert (Bounce.objects.get().provider, Attempt.objects.get().provider) == ("google", "example.org")


@pytest.mark.django_db
def test_counts_by_provider_have_no_row_for_single_domains() -> None:
    hard(1)()
    assert set(DailyStat.objects.filter(dimension="provider").values_list("key", flat=True)) == {"other"}


@pytest.mark.django_db
def test_domains_that_bounced_lately_are_looked_up_once() -> None:
    a_bounce("ada@acme.example", occurred_at=NOW)
    a_bounce("old@old.example", occurred_at=NOW - timedelta(days=30))
    a_bounce("ada@gmail.com", occurred_at=NOW)

    asked = [learn_operators(NOW, lambda _: ["aspmx.l.google.com"]) for _ in range(2)]

    assert asked == [1, 0]
    assert Domain.objects.get().operator == "google"


@pytest.mark.django_db
def test_a_dns_that_does_not_answer_is_a_reason_for_nothing_and_asked_again_tomorrow() -> None:
    def no_answer(domain: str) -> list[str]:
        raise LookUpFailed(domain)

    bounce = a_bounce("ada@acme.example", occurred_at=NOW)
    learn_operators(NOW, no_answer)

    assert Domain.objects.get().failed
    assert providers_of(["acme.example"]) == {"acme.example": "acme.example"}
    assert Bounce.objects.get() == bounce
    assert (learn_operators(NOW, no_answer), learn_operators(TOMORROW, lambda _: [])) == (0, 1)


@pytest.mark.django_db
def test_a_dns_that_fails_five_times_in_a_row_is_left_alone() -> None:
    def no_answer(domain: str) -> list[str]:
        raise LookUpFailed(domain)

    for number in range(9):
        a_bounce(f"ada@acme{number}.example", occurred_at=NOW)
    assert learn_operators(NOW, no_answer) == 5


@pytest.mark.django_db
def test_domains_that_are_written_to_are_looked_up_after_those_that_bounced_the_most_mail_first() -> None:
    a_bounce("ada@bounced.example", occurred_at=NOW)
    for domain, mails, day in (("few.example", 2, NOW), ("many.example", 9, NOW), ("old.example", 9, LONG_AGO)):
        DailyStat.objects.create(
            dimension="recipient_domain", key=domain, day=day.date().replace(day=1), attempted=mails
        )
    asked: list[str] = []

    def note(domain: str) -> list[str]:
        asked.append(domain)
        return []

    learn_operators(NOW, note)
    assert asked == ["bounced.example", "many.example", "few.example"]


@pytest.mark.django_db
def test_who_was_known_to_receive_stays_known_while_the_dns_does_not_answer() -> None:
    def no_answer(domain: str) -> list[str]:
        raise LookUpFailed(domain)

    a_bounce("ada@acme.example", occurred_at=NOW)
    learn_operators(NOW - timedelta(days=40), lambda _: ["aspmx.l.google.com"])
    learn_operators(NOW, no_answer)
    assert providers_of(["acme.example"]) == {"acme.example": "google"}
