"""Which address a request comes from. In: a request. Out: an IP address, or the network that counts as one client.

`X-Forwarded-For` is written by anybody. Only the entries that our own proxies added are believed: REBOUND_PROXIES
of them, counted from the right. Without proxies the header is ignored.
"""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest

# One subscriber of IPv6 commonly has a whole /64: addresses in it are free to change.
IPV6_PREFIX = 64
UNKNOWN = "0.0.0.0"  # noqa: S104 -- says that there is none (a Unix socket); nothing listens there


def address_of(request: HttpRequest) -> str:
    """The client's address. A forwarded one that is missing or no address falls back to the connection's."""
    forwarded = request.headers.get("X-Forwarded-For", "").split(",") if settings.PROXIES else []
    if len(forwarded) >= settings.PROXIES > 0:
        address = _address_in(forwarded[-settings.PROXIES])
        if address:
            return address
    return _address_in(request.META.get("REMOTE_ADDR", "")) or UNKNOWN


def network_of(request: HttpRequest) -> str:
    """What counts as one client: an IPv4 address, or an IPv6 network."""
    return network_with(address_of(request))


def network_with(text: str | None) -> str:
    address = ipaddress.ip_address(text or UNKNOWN)
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network(f"{address}/{IPV6_PREFIX}", strict=False))


def _address_in(text: str) -> str:
    """The address in one entry, or "": some proxies add a port or brackets, and IPv4 may come mapped into IPv6."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
