"""Where the web listens. In: --host and --port. Out: the URL to open, and the host names it answers to."""

from __future__ import annotations

import ipaddress
import socket

from crm.up.places import StartError

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
ANYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 -- names the wildcard, binds nothing


def check_free(host: str, port: int) -> None:
    """Raises StartError where nobody can listen there. Asked before anything is started."""
    if not 0 < port < 65536:
        raise StartError(f"--port {port} is not a port: choose one from 1 to 65535.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror:
        raise StartError(f"--host {host} is not an address of this machine.") from None
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as gunicorn does: a closing connection is no obstacle
        try:
            probe.bind(address)
            probe.listen(1)
        except PermissionError:
            raise StartError(f"Port {port} is reserved for root: choose another with --port.") from None
        except OSError as error:
            raise StartError(
                f"Cannot listen on {host}, port {port} ({error.strerror}): choose another with --port."
            ) from None


def url(host: str, port: int) -> str:
    shown = "localhost" if host in ANYWHERE or host in LOOPBACK else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


def host_names(host: str) -> list[str]:
    """The names that a browser may use. Beyond loopback: the machine's names, and its addresses for a wildcard."""
    names = list(LOOPBACK)
    if host in LOOPBACK or host == "::1":
        return names
    names += [socket.gethostname().lower(), socket.getfqdn().lower()]
    names += _own_addresses() if host in ANYWHERE else [host]
    bracketed = (f"[{name}]" if ":" in name and not name.startswith("[") else name for name in names)
    return list(dict.fromkeys(bracketed))


def _own_addresses() -> list[str]:
    try:
        found = {str(info[4][0]).split("%")[0] for info in socket.getaddrinfo(socket.gethostname(), None)}
    except socket.gaierror:
        found = set()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # UDP: sends nothing, but chooses the address that others see
            found.add(probe.getsockname()[0])
        except OSError:
            pass
    return sorted(address for address in found if not ipaddress.ip_address(address).is_loopback)
