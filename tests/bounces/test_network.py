"""Where we connect to: public addresses, in whatever form they are written, and what an operator allows."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from django.conf import LazySettings
from hypothesis import given
from hypothesis import strategies as st

from bounces.network import Unreachable, parse_networks, vet
from bounces.public_addresses import is_public

PUBLIC = "93.184.215.14"
INNER = (
    "0.0.0.0",
    "10.0.0.5",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
)


def two_groups(v4: str, mask: int = 0) -> str:
    number = int(IPv4Address(v4)) ^ mask
    return f"{number >> 16:x}:{number & 0xFFFF:x}"


def four_bytes(v4: str) -> list[int]:
    return list(IPv4Address(v4).packed)


def local_nat64_at_48(v4: str) -> str:
    a, b, c, d = four_bytes(v4)
    return f"64:ff9b:1:{a:02x}{b:02x}:{c:x}:{d:02x}00::"


def local_nat64_at_56(v4: str) -> str:
    a, b, c, d = four_bytes(v4)
    return f"64:ff9b:1:{a:x}:{b:x}:{c:02x}{d:02x}::"


def local_nat64_at_64(v4: str) -> str:
    a, b, c, d = four_bytes(v4)
    return f"64:ff9b:1:0:{a:x}:{b:02x}{c:02x}:{d:02x}00:0"


# Every form in which an IPv6 address embeds an IPv4 address.
FORMS = {
    "IPv4-mapped": lambda v4: f"::ffff:{v4}",
    "IPv4-compatible": lambda v4: f"::{v4}",
    "IPv4-translated": lambda v4: f"::ffff:0:{v4}",
    "NAT64": lambda v4: f"64:ff9b::{two_groups(v4)}",
    "local NAT64, /96": lambda v4: f"64:ff9b:1::{two_groups(v4)}",
    "local NAT64, /64": local_nat64_at_64,
    "local NAT64, /56": local_nat64_at_56,
    "local NAT64, /48": local_nat64_at_48,
    "6to4": lambda v4: f"2002:{two_groups(v4)}::",
    "6to4 with a subnet": lambda v4: f"2002:{two_groups(v4)}:1::1",
    "Teredo's server": lambda v4: f"2001:0:{two_groups(v4)}:8000:63bf:{two_groups(PUBLIC, 0xFFFFFFFF)}",
    "Teredo's client": lambda v4: f"2001:0:{two_groups(PUBLIC)}:8000:63bf:{two_groups(v4, 0xFFFFFFFF)}",
    "ISATAP": lambda v4: f"2606:2800:21f:cb07:0:5efe:{v4}",
    "ISATAP, global": lambda v4: f"2606:2800:21f:cb07:200:5efe:{v4}",
    "ISATAP in 6to4": lambda v4: f"2002:{two_groups(PUBLIC)}:1:0:5efe:{v4}",
}


@pytest.mark.parametrize("v4", INNER)
@pytest.mark.parametrize("form", FORMS)
def test_an_inner_address_is_refused_in_every_form_that_embeds_it(form: str, v4: str) -> None:
    assert not is_public(ip_address(FORMS[form](v4)))


@pytest.mark.parametrize("form", FORMS)
def test_a_public_address_is_allowed_in_every_form_that_embeds_it(form: str) -> None:
    assert is_public(ip_address(FORMS[form](PUBLIC)))


@pytest.mark.parametrize("form", FORMS)
def test_what_an_operator_allows_is_allowed_in_every_form_that_embeds_it(form: str) -> None:
    allowed = parse_networks(["10.1.0.0/16"])

    assert is_public(ip_address(FORMS[form]("10.1.2.3")), allowed)
    assert not is_public(ip_address(FORMS[form]("10.2.0.1")), allowed)


@pytest.mark.parametrize(
    "address",
    [
        *INNER,
        "192.88.99.1",
        "::",
        "::1",
        "100::1",  # discard
        "2001:2::1",  # benchmarking
        "2001:20::1",  # ORCHID
        "2001:db8::1",  # documentation
        "3fff::1",  # documentation
        "5f00::1",  # segment routing
        "4000::1",  # nobody's yet
        "fc00::1",
        "fe80::1",
        "fe80::5efe:7f00:1",
        "fe80::5efe:5db8:d70e",
        "fec0::1",  # site-local
        "ff02::1",
        "ff0e::1",  # global multicast
    ],
)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "2a00:1450:4001:82f::200e"])
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_public(ip_address(address))


@given(st.integers(0, 2**128 - 1).map(IPv6Address), st.sampled_from(sorted(INNER)), st.sampled_from(sorted(FORMS)))
def test_every_address_has_an_answer_and_inner_ones_stay_refused(any_address: IPv6Address, v4: str, form: str) -> None:
    if is_public(any_address):
        assert any_address.is_global
    assert not is_public(ip_address(FORMS[form](v4)))


def test_an_operator_allows_a_network_and_no_more() -> None:
    allowed = parse_networks(["10.1.0.0/16", " fd00::/8 ", ""])
    assert is_public(ip_address("10.1.2.3"), allowed)
    assert is_public(ip_address("fd12::1"), allowed)
    assert not is_public(ip_address("10.2.0.1"), allowed)
    assert not is_public(ip_address("127.0.0.1"), allowed)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "0177.0.0.1", "0x7f.1", "2130706433", "0x7f000001", "0", "localhost"),
        *("::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"),
        *("fe80::1%lo", "2001:0:7f00:1::"),
    ],
)
def test_no_spelling_of_this_machine_is_connected_to(settings: LazySettings, host: str) -> None:
    settings.ALLOWED_NETWORKS = []

    with pytest.raises(Unreachable):
        vet(host, 80)
