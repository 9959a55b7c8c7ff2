"""“Test this source”: through the real address, leaving nothing."""

from __future__ import annotations

import pytest
from django.test import Client

from bounces.intake.webhooks import samples
from bounces.intake.webhooks.providers import PROVIDERS
from bounces.models import Address, InboundItem, IntakeSource, SourceSeen
from tests.bounces.webhooks.admin.pages import press
from tests.bounces.webhooks.posting import a_provider_source
from tests.builders import a_source

pytestmark = pytest.mark.django_db

SIGNED = sorted(samples.SIGNERS)

UNSIGNED = sorted(set(PROVIDERS) - set(samples.SIGNERS))


@pytest.mark.parametrize("slug", SIGNED)
def test_a_test_goes_through_the_real_address_and_leaves_nothing(boss: Client, slug: str) -> None:
    source = a_provider_source(slug)

    said = press(boss, "test", source)

    assert ("read as “bounced of test@rebound.invalid”" in said, PROVIDERS[slug].steps[-1] in said) == (True, True)
    assert (InboundItem.objects.count(), Address.objects.count()) == (0, 0)


@pytest.mark.parametrize("slug", UNSIGNED)
def test_of_those_who_alone_can_sign_a_stranger_is_refused(boss: Client, slug: str) -> None:
    said = press(boss, "test", a_provider_source(slug))

    assert ("was refused (40" in said, PROVIDERS[slug].steps[-1] in said) == (True, True)
    assert SourceSeen.objects.filter(refused__gt=0).count() == 0


@pytest.mark.parametrize("slug", sorted(PROVIDERS))
def test_a_test_without_secrets_says_so(boss: Client, slug: str) -> None:
    source = a_source("main", slug)

    assert any(words in press(boss, "test", source) for words in ("no secret yet", "is empty"))


def test_a_test_of_a_key_that_is_none_says_so(boss: Client) -> None:
    source = a_source("main", "sendgrid", secrets={"public_key": ["nonsense"]})

    assert "cannot be read" in press(boss, "test", source)


def test_a_test_of_a_secret_that_was_cut_says_which(boss: Client) -> None:
    source = a_source("main", "resend", secrets={"signing_secret": ["whsec_b3RoZXI=", "whsec_x"]})

    assert "line 2" in press(boss, "test", source)


def test_a_test_of_what_is_switched_off_says_so(boss: Client) -> None:
    a_provider_source("mailgun")
    IntakeSource.objects.update(is_enabled=False)

    assert "switched off" in press(boss, "test", IntakeSource.objects.get())


def test_a_test_whose_key_is_gone_says_so(boss: Client) -> None:
    a_provider_source("mailgun")
    IntakeSource.objects.update(sealed_secrets="gone")

    assert "REBOUND_SECRETS_KEY" in press(boss, "test", IntakeSource.objects.get())
