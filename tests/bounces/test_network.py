"""Where we connect to: public addresses, whatever they are called, and what an operator allows."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from bounces.network import is_allowed, parse_networks


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.5",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.5",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:5",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
    ],
)
def test_what_is_not_public_is_refused_under_every_name(address):
    assert not is_allowed(ip_address(address), [])


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:93.184.215.14"])
def test_what_is_public_is_allowed(address):
    assert is_allowed(ip_address(address), [])


def test_an_operator_allows_a_network_and_no_more():
    allowed = parse_networks(["10.1.0.0/16", " fd00::/8 ", ""])
    assert is_allowed(ip_address("10.1.2.3"), allowed)
    assert is_allowed(ip_address("::ffff:10.1.2.3"), allowed)
    assert is_allowed(ip_address("fd12::1"), allowed)
    assert not is_allowed(ip_address("10.2.0.1"), allowed)
    assert not is_allowed(ip_address("127.0.0.1"), allowed)
