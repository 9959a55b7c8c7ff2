"""Which IP addresses are public: those that lead to nobody's inner network, in whatever form they are written.

In: an address, the networks that an operator allows. Out: yes or no. Pure. An IPv6 address that embeds an IPv4 address
is as public as what it embeds: translators, tunnels and the kernel itself carry such a packet on to the inner address.
Sources: IANA's special-purpose address registries; each form's RFC stands beside it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Sequence

V4 = ipaddress.IPv4Address
V6 = ipaddress.IPv6Address
Address = V4 | V6
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# The only IPv6 addresses that are given out for use between networks (RFC 4291 2.4).
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
# What the standard library of some supported Pythons still calls global.
NOT_PUBLIC: tuple[Network, ...] = (
    ipaddress.ip_network("192.0.0.0/24"),  # protocol assignments, RFC 6890
    ipaddress.ip_network("192.88.99.0/24"),  # 6to4 relays, RFC 7526
    ipaddress.ip_network("2001::/23"),  # protocol assignments, RFC 2928
    ipaddress.ip_network("2001:db8::/32"),  # documentation, RFC 3849
    ipaddress.ip_network("3fff::/20"),  # documentation, RFC 9637
)
THIS_NETWORK = ipaddress.ip_network("0.0.0.0/8")
LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")
ISATAP = (0x00005EFE, 0x02005EFE, 0x01005EFE, 0x03005EFE)  # with the bits for "global" and "group"


def bits(address: V6, first: int, count: int) -> int:
    return (int(address) >> (128 - first - count)) & ((1 << count) - 1)


def last(address: V6) -> list[V4]:
    return [V4(bits(address, 96, 32))]


def of_6to4(address: V6) -> list[V4]:
    return [V4(bits(address, 16, 32))]


def of_teredo(address: V6) -> list[V4]:
    """The server, and the client, whose bits are turned round."""
    return [V4(bits(address, 32, 32)), V4(bits(address, 96, 32) ^ 0xFFFFFFFF)]


def of_local_nat64(address: V6) -> list[V4]:
    """Where the address may stand (RFC 6052 2.2): only the operator of that network knows, so all of them count.

    What begins with zero is the filling of another place, and no translator sends it on.
    """
    found = [
        bits(address, 48, 16) << 16 | bits(address, 72, 16),
        bits(address, 56, 8) << 24 | bits(address, 72, 24),
        bits(address, 72, 32),
        bits(address, 96, 32),
    ]
    return [V4(each) for each in found if V4(each) not in THIS_NETWORK] or [V4(0)]


FORMS: tuple[tuple[Network, Callable[[V6], list[V4]]], ...] = (
    (ipaddress.ip_network("::/96"), last),  # IPv4-compatible, RFC 4291 2.5.5.1; `::` and `::1` are among them
    (ipaddress.ip_network("::ffff:0:0/96"), last),  # IPv4-mapped, RFC 4291 2.5.5.2
    (ipaddress.ip_network("::ffff:0:0:0/96"), last),  # IPv4-translated, RFC 2765
    (ipaddress.ip_network("64:ff9b::/96"), last),  # NAT64, RFC 6052
    (LOCAL_NAT64, of_local_nat64),  # NAT64 within a network, RFC 8215
    (ipaddress.ip_network("2001::/32"), of_teredo),  # RFC 4380
    (ipaddress.ip_network("2002::/16"), of_6to4),  # RFC 3056
)


def is_public(address: Address, allowed: Sequence[Network] = ()) -> bool:
    """Whether it is public, or within an allowed network; if it embeds addresses, whether each of them is."""
    if is_within(address, allowed):
        return True
    if isinstance(address, V4):
        return is_plainly_public(address)
    inner = list(by_prefix(address))
    is_outer_good = bool(inner) or is_plainly_public(address)
    return is_outer_good and all(is_public(each, allowed) for each in [*inner, *by_interface(address)])


def is_within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def is_plainly_public(address: Address) -> bool:
    if isinstance(address, V6) and address not in GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_multicast and not is_within(address, NOT_PUBLIC)


def by_prefix(address: V6) -> Iterator[V4]:
    """The IPv4 addresses that its first bits say it embeds."""
    for network, read in FORMS:
        if address in network:
            yield from read(address)


def by_interface(address: V6) -> Iterator[V4]:
    """The IPv4 address of an ISATAP interface (RFC 5214 6.1), behind any prefix."""
    if bits(address, 64, 32) in ISATAP:
        yield from last(address)
