"""The mailboxes that admins declared as sources: what they typed becomes a way in, and a mailbox is read.

In: IntakeSource rows of kind imap. Out: what `imap.py` needs, one turn of reading, and its outcome on the source's
row. Every turn holds the mailbox's lease: two readers, one effect (invariant I10).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from bounces import lease, network
from bounces.intake.imap import LEASE_LASTS, Done, Inlet, Tally, lease_name, read_folder
from bounces.intake.imap_session import Mailbox, MailboxError, OpenFolder, open_folder
from bounces.intake.oauth import Client, SignInRefused, grant
from bounces.intake.seen import note_trouble, note_well
from bounces.lease import Lease
from bounces.models import IntakeSource
from bounces.sealing import CannotOpen
from bounces.values import Trust

KIND = "imap"
SECURITY = ("tls", "starttls", "none")
SIGN_INS = ("password", "google", "microsoft")
DONE = ("leave", "move", "delete")
HOSTS = {"google": "imap.gmail.com", "microsoft": "outlook.office365.com"}
PORTS = {"tls": 993, "starttls": 143, "none": 143}


class BadSource(Exception):
    """The source was not told all that it needs. The message says what is missing, for the admin."""


TROUBLE = (MailboxError, BadSource, SignInRefused, network.Unreachable, CannotOpen)


@dataclass(frozen=True, slots=True)
class Turn:
    """How one turn of reading went. `trouble` is a sentence; `is_done` is False where more waits."""

    tally: Tally
    is_done: bool = True
    trouble: str = ""


def option(source: IntakeSource, name: str, default: str = "", *, among: tuple[str, ...] = ()) -> str:
    """One option's text, however it was stored: a text, a number, or a list of lines."""
    return _text(source.options.get(name), name, default, among)


def secret(source: IntakeSource, name: str) -> str:
    """Raises CannotOpen."""
    return _text(source.secrets.get(name), name, "", ())


def _text(value: Any, name: str, default: str, among: tuple[str, ...]) -> str:
    first = (value[0] if value else "") if isinstance(value, list) else value
    text = str(first if first is not None else "").strip() or default
    if among and text not in among:
        raise BadSource(f"“{text[:40]}” is no choice for {name}. There are: {', '.join(among)}.")
    return text


def mailbox_of(source: IntakeSource) -> Mailbox:
    """Without its password or token. Raises BadSource."""
    sign_in = option(source, "sign_in", "password", among=SIGN_INS)
    host = option(source, "host", HOSTS.get(sign_in, ""))
    security = option(source, "security", "tls", among=SECURITY)
    port = option(source, "port", str(PORTS[security]))
    user = option(source, "user")
    if not host or not user:
        raise BadSource("The mailbox needs a host and a user.")
    if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise BadSource(f"“{port[:20]}” is no port: a number from 1 to 65535.")
    return Mailbox(host, int(port), security, user, folder=option(source, "folder", "INBOX"))


def signed_in(source: IntakeSource) -> Mailbox:
    """With its password, or an access token that the provider gives for this hour. Raises what TROUBLE names."""
    mailbox = mailbox_of(source)
    provider = option(source, "sign_in", "password", among=SIGN_INS)
    if provider == "password":
        password = secret(source, "password")
        if not password:
            raise BadSource("The mailbox needs a password.")
        return replace(mailbox, password=password)
    client = Client(
        provider,
        client_id=option(source, "client_id"),
        client_secret=secret(source, "client_secret"),
        refresh_token=secret(source, "refresh_token"),
        tenant=option(source, "tenant", "common"),
        token_url=option(source, "token_url"),
    )
    if missing := missing_of(client):
        raise BadSource(f"To sign in by OAuth2 it needs {', '.join(missing)}.")
    granted = grant(client)
    if granted.refresh_token and granted.refresh_token != client.refresh_token:
        _keep_refresh_token(source, client.refresh_token, granted.refresh_token)
    return replace(mailbox, access_token=granted.access_token)


def missing_of(client: Client) -> list[str]:
    """What the provider will ask for and an admin has not entered. Pure."""
    is_google, is_user = client.provider == "google", bool(client.refresh_token)
    asked = {
        "a client id": client.client_id,
        "a client secret": client.client_secret or (is_user and not is_google),
        "a refresh token": is_user or not is_google,
        "the tenant": client.tenant != "common" or is_google or is_user,
    }
    return [name for name, is_there in asked.items() if not is_there]


def _keep_refresh_token(source: IntakeSource, old: str, new: str) -> None:
    """Microsoft gives a new one with each use. Should an admin have pasted another meanwhile, theirs stays."""
    with transaction.atomic():
        row = IntakeSource.objects.select_for_update().get(pk=source.pk)
        if secret(row, "refresh_token") == old:
            row.secrets = {**row.secrets, "refresh_token": new}
            row.save(update_fields=["sealed_secrets"])
            source.sealed_secrets = row.sealed_secrets


def inlet_of(source: IntakeSource, mailbox: Mailbox) -> Inlet:
    """Raises BadSource."""
    done = Done(option(source, "done", "leave", among=DONE), option(source, "done_folder", "Rebound"))
    if done.what == "move" and done.folder == mailbox.folder:
        raise BadSource(f"Mails cannot be moved from “{done.folder}” to itself: name another folder.")
    place = f"imap://{mailbox.user}@{mailbox.host.lower()}/{mailbox.folder}"
    return Inlet(source.pk, source.door, Trust(source.trust), place, mailbox.folder, done)


@contextmanager
def opened_source(source: IntakeSource) -> Iterator[tuple[OpenFolder, Inlet]]:
    """Signed in, its folder open. Raises what TROUBLE names."""
    mailbox = signed_in(source)
    inlet = inlet_of(source, mailbox)
    with open_folder(mailbox) as opened:
        yield opened, inlet


def read_source(source: IntakeSource, clock: Callable[[], datetime], patience: timedelta) -> Turn | None:
    """One turn: what is there now, or what patience allows. None where somebody else is at it. May run twice."""
    held = lease.acquire(lease_name(source.pk), LEASE_LASTS)
    if held is None:
        return None
    try:
        return _turn(source, held, clock, clock() + patience)
    except lease.LeaseLost:
        return None
    finally:
        lease.release(held)


def _turn(source: IntakeSource, held: Lease, clock: Callable[[], datetime], until: datetime) -> Turn:
    total = Tally()
    try:
        with opened_source(source) as (opened, inlet):
            for tally in read_folder(opened, inlet, held, clock):
                total.add(tally)
                if clock() >= until:
                    return Turn(total, is_done=False)
    except TROUBLE as error:
        note_trouble(source.pk, str(error), clock())
        return Turn(total, is_done=False, trouble=str(error))
    note_well(source.pk)
    return Turn(total)


def sources() -> list[IntakeSource]:
    """The mailboxes that are to be read."""
    return list(IntakeSource.objects.filter(kind=KIND, is_enabled=True).order_by("pk"))


def read_all(clock: Callable[[], datetime], patience: timedelta) -> dict[str, Turn | None]:
    """Each mailbox in its turn; one that hangs or refuses keeps no other from being read. May run twice."""
    return {source.name: read_source(source, clock, patience) for source in sources()}


def try_source(source: IntakeSource) -> str:
    """Signs in, opens the folder and looks what is there, and touches nothing. Raises what TROUBLE names."""
    with opened_source(source) as (opened, inlet):
        waiting = len(opened.uids_above(0))
    told = "tells of new ones at once" if opened.can_idle else "is asked for new ones every minute"
    return f"Signed in as {option(source, 'user')}: {waiting:,} mails in “{inlet.folder}”. The server {told}."
