"""One conversation with an IMAP server: signed in, a folder open, mails fetched by their UIDs in bounded pieces.

In: a `Mailbox` (host, user, password or access token). Out: sizes, bodies, moves; or `MailboxError` with a sentence
that anyone understands. imap-tools speaks the protocol (RFC 3501, 2177, 6851; XOAUTH2); the socket under it goes to a
vetted address, and no literal larger than what we asked for is read.
"""

from __future__ import annotations

import imaplib
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import re2
from imap_tools import BaseMailBox
from imap_tools.errors import ImapToolsError, MailboxFolderSelectError, MailboxLoginError

from bounces import network

SECONDS = 30  # that the server may be silent in the middle of a command
GREATEST_LITERAL = 64 * 1024 * 1024
UID = re2.compile(rb"UID (\d{1,10})\b")
SIZE = re2.compile(rb"RFC822\.SIZE (\d{1,15})\b")
UIDS_AT_ONCE = 500
# Numbers that one answer may name: imaplib refuses a line above a million bytes, and a number takes up to eleven.
SPAN = 50_000


class MailboxError(Exception):
    """The mailbox cannot be read now. The message says why, for people."""


class NotGivenOut(MailboxError):
    """The server is there and refuses these mails: one that it cannot read itself spoils the answer for all."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """How a mailbox is reached. One of password and access token is empty."""

    host: str
    port: int
    security: str  # tls, starttls, none
    user: str
    password: str = ""
    access_token: str = ""
    folder: str = "INBOX"


class VettedClient(imaplib.IMAP4):
    """imaplib over a socket to a vetted address, with TLS from the first byte where it is asked for."""

    def __init__(self, host: str, port: int, *, is_tls: bool) -> None:
        self._is_tls = is_tls
        super().__init__(host, port, timeout=SECONDS)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        sock = network.connect(self.host, self.port)
        sock.settimeout(timeout)
        if not self._is_tls:
            return sock
        return network.secure(sock, self.host, self.port, network.tls_context())

    def read(self, size: int) -> bytes:
        """Of a literal, by the server's own word for its size."""
        if size > GREATEST_LITERAL:
            raise self.abort(f"a literal of {size} bytes")
        body: bytes = self.file.read(size)  # type: ignore[assignment]  # the stubs think of a text file
        if len(body) < size:
            raise self.abort("socket error: EOF")
        return body


class Session(BaseMailBox):
    """imap-tools' mailbox on that client."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        super().__init__()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        box = self._mailbox
        client = VettedClient(box.host, box.port, is_tls=box.security == "tls")
        if box.security == "starttls":
            if "STARTTLS" not in client.capabilities:
                raise MailboxError(f"{box.host} offers no STARTTLS at port {box.port}: try TLS at port 993.")
            try:
                client.starttls(network.tls_context())
            except ssl.SSLError as error:
                raise network.tls_failure(error, box.host, box.port) from error
        return client


@dataclass(slots=True)
class OpenFolder:
    """A folder as the server showed it when it was opened."""

    session: Session
    uid_validity: int
    uid_next: int

    @property
    def can_idle(self) -> bool:
        return "IDLE" in self.session.client.capabilities

    def uids_above(self, uid: int) -> list[int]:
        """Ascending, those too that came since the folder was opened."""
        last = max(uid, self.uid_next - 1)
        return self._uids_between(uid + 1, last) + [number for number in self._uids(f"{last + 1}:*") if number > last]

    def uids_up_to(self, uid: int) -> list[int]:
        return self._uids_between(1, uid)

    def _uids_between(self, first: int, last: int) -> list[int]:
        """Ascending, both included; asked for in parts, so that no answer grows with the mailbox."""
        parts = [(start, min(start + SPAN - 1, last)) for start in range(first, last + 1, SPAN)]
        return [uid for start, end in parts for uid in self._uids(f"{start}:{end}")]

    def _uids(self, numbers: str) -> list[int]:
        """Of one range. `n:*` names the last mail even where it lies below n (RFC 3501 9, seq-range)."""
        with plain_words(self.session):
            return sorted(int(text) for text in self.session.uids(f"UID {numbers}", charset=None))

    def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """Of those that are still there."""
        found: dict[int, int] = {}
        for start in range(0, len(uids), UIDS_AT_ONCE):
            for head, _ in self._fetch(uids[start : start + UIDS_AT_ONCE], "(UID RFC822.SIZE)"):
                uid, size = UID.search(head), SIZE.search(head)
                if uid and size:
                    found[int(uid[1])] = int(size[1])
        return found

    def bodies(self, uids: Sequence[int]) -> dict[int, bytes]:
        """As they are, without marking them as seen. The caller bounds how many there are, by their sizes.

        What the server does not give out is missing, and spoils no other.
        """
        try:
            return self._bodies(uids)
        except NotGivenOut:
            middle = len(uids) // 2
            return self.bodies(uids[:middle]) | self.bodies(uids[middle:]) if middle else {}

    def _bodies(self, uids: Sequence[int]) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        pending: bytes | None = None
        for head, body in self._fetch(uids, "(UID BODY.PEEK[])"):
            uid = UID.search(head)
            if uid and (body is not None or pending is not None):
                found[int(uid[1])] = body if body is not None else pending or b""
                pending = None
            elif body is not None:
                pending = body  # some servers name the UID behind the body
        return found

    def _fetch(self, uids: Sequence[int], parts: str) -> Iterator[tuple[bytes, bytes | None]]:
        if not uids:
            return
        with plain_words(self.session):
            kind, answer = self.session.client.uid("FETCH", ",".join(map(str, uids)), parts)
        if kind != "OK":
            raise NotGivenOut(f"The server did not give out the mails: {_text(answer)}.")
        for line in answer:
            if isinstance(line, tuple):
                yield bytes(line[0]), bytes(line[1])
            elif line:
                yield bytes(line), None

    def put_away(self, uids: Sequence[int], folder: str) -> None:
        """Moves mails into another folder; makes it where it is missing."""
        with plain_words(self.session):
            if uids and not self.session.folder.exists(folder):
                self.session.folder.create(folder)
            if "MOVE" in self.session.client.capabilities:
                self.session.move([str(uid) for uid in uids], folder, chunks=UIDS_AT_ONCE)
            else:
                self.session.copy([str(uid) for uid in uids], folder, chunks=UIDS_AT_ONCE)
                self.delete(uids)

    def delete(self, uids: Sequence[int]) -> None:
        """These alone where the server can (RFC 4315); elsewhere those go too that somebody else marked as deleted."""
        with plain_words(self.session):
            for start in range(0, len(uids), UIDS_AT_ONCE):
                names = ",".join(map(str, uids[start : start + UIDS_AT_ONCE]))
                self._do("STORE", names, "+FLAGS.SILENT", r"(\Deleted)")
                if "UIDPLUS" in self.session.client.capabilities:
                    self._do("EXPUNGE", names)
                else:
                    self.session.expunge()

    def _do(self, command: str, *words: str) -> None:
        kind, answer = self.session.client.uid(command, *words)
        if kind != "OK":
            raise MailboxError(f"The server refused to put mails away: {_text(answer)}.")

    def wait(self, seconds: float, is_stopped: Callable[[], bool] = lambda: False) -> bool:
        """Whether the server told of something within that time (RFC 2177). Looks every second whether to stop."""
        until = time.monotonic() + seconds
        with plain_words(self.session), self.session.idle as idle:
            while time.monotonic() < until and not is_stopped():
                if idle.poll(timeout=min(1.0, max(0.0, until - time.monotonic()))):
                    return True
        return False


@contextmanager
def open_folder(mailbox: Mailbox) -> Iterator[OpenFolder]:
    """Signs in and opens the folder; signs out afterwards. Raises MailboxError."""
    session = _sign_in(mailbox)
    try:
        with plain_words(session):
            try:
                session.folder.set(mailbox.folder)
            except MailboxFolderSelectError as error:
                raise MailboxError(f"There is no folder “{mailbox.folder}” in the mailbox.") from error
            yield OpenFolder(session, _told(session, "UIDVALIDITY"), _told(session, "UIDNEXT"))
    finally:
        with suppress(Exception):  # what was to be done is done; a server that hangs up first is no fault
            session.logout()


def _sign_in(mailbox: Mailbox) -> Session:
    try:
        session = Session(mailbox)
    except network.Unreachable as error:
        raise MailboxError(str(error)) from error
    except (OSError, imaplib.IMAP4.error) as error:
        raise MailboxError(f"{mailbox.host} does not answer as an IMAP server at port {mailbox.port}.") from error
    try:
        with plain_words(session):
            if mailbox.access_token:
                session.xoauth2(mailbox.user, mailbox.access_token, initial_folder=None)
            elif mailbox.user.isascii() and mailbox.password.isascii():
                session.login(mailbox.user, mailbox.password, initial_folder=None)
            else:
                session.login_utf8(mailbox.user, mailbox.password, initial_folder=None)
    except BaseException:
        with suppress(Exception):
            session.client.shutdown()
        raise
    return session


@contextmanager
def plain_words(session: Session) -> Iterator[None]:
    """Turns what the libraries raise into MailboxError."""
    box = session._mailbox
    try:
        yield
    except MailboxLoginError as error:
        raise _refused(box, error) from error
    except ImapToolsError as error:
        raise MailboxError(f"The server refused: {_first_line(error)}.") from error
    except TimeoutError as error:
        raise MailboxError(f"{box.host} fell silent for {SECONDS} seconds.") from error
    except imaplib.IMAP4.abort as error:
        raise MailboxError(f"{box.host} closed the connection.") from error
    except imaplib.IMAP4.error as error:
        if session.login_result is None and session.client.state == "NONAUTH":
            raise _refused(box, error) from error
        raise MailboxError(f"The server refused: {_first_line(error)}.") from error
    except OSError as error:
        raise MailboxError(f"The connection to {box.host} broke: {error}.") from error


def _refused(box: Mailbox, error: Exception) -> MailboxError:
    if box.access_token:
        return MailboxError(f"The server refused the access token of {box.user}: is IMAP on, and the permission given?")
    if "PRIVACYREQUIRED" in str(error) or "LOGINDISABLED" in str(error):
        return MailboxError(f"{box.host} takes no passwords without TLS at port {box.port}.")
    return MailboxError(f"The server refused the password of {box.user}.")


def _told(session: Session, name: str) -> int:
    _, found = session.client.response(name)
    text = found[0] if found and found[0] else b"0"
    return int(text) if bytes(text).isdigit() else 0


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__


def _text(answer: Any) -> str:
    return b" ".join(bytes(line) for line in answer if isinstance(line, bytes)).decode("utf-8", "replace")[:200]
