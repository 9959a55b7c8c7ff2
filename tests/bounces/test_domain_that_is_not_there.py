"""A domain that does not exist, told by a system that calls it temporary in its code and permanent in words."""

from __future__ import annotations

import pytest

from bounces.models import Bounce
from tests.bounces.arriving import a_bounce_mail
from tests.bounces.flowing import ingested

pytestmark = pytest.mark.django_db

NXDOMAIN = "smtp; DNS Error: DNS type 'mx' lookup of b.example responded with code NXDOMAIN"


def test_what_a_name_server_says_with_authority_makes_the_address_invalid() -> None:
    ingested(a_bounce_mail("ada@b.example", Status="4.0.0", Diagnostic_Code=NXDOMAIN))

    bounce = Bounce.objects.select_related("address").get()
    assert (bounce.kind, bounce.reason, bounce.address.status) == ("hard", "hostunknown", "invalid")


def test_a_reply_that_calls_it_temporary_does_not() -> None:
    words = "smtp; 450 4.1.2 <ada@b.example>: Recipient address rejected: Domain not found"
    ingested(a_bounce_mail("ada@b.example", Status="4.1.2", Diagnostic_Code=words))

    bounce = Bounce.objects.select_related("address").get()
    assert (bounce.kind, bounce.fault, bounce.address.status) == ("soft", "infrastructure", "unverified")
