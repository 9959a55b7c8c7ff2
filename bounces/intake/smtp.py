"""A mail server for bounces alone, by SMTP or LMTP (RFC 5321, RFC 2033; aiosmtpd speaks them).

In: connections. Out: kept mails. It takes mail for our return paths and for the recipients that sources name, and
for nobody else (550); answers 250 only after COMMIT of what it kept, 451 where the fault is ours, 552 above the cap.
Connections, commands, time, and bytes without an end of line are bounded.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings
from django.db import close_old_connections

from bounces.intake.envelopes import Opening, keep_envelope, opening_of

log = structlog.get_logger(__name__)
logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd's: each command, with its addresses

LINE_LENGTH = 1024 * 1024  # some systems write a whole mail in one line; aiosmtpd alone refuses beyond 1,000 bytes
LONGEST_LINE = 4 * LINE_LENGTH  # aiosmtpd keeps the pieces of a longer one: what comes after that is not read
MOST_CONNECTIONS = 50
MOST_OF_ONE = 20  # from one address, beside this machine's own: Postfix opens as many at once to one place
MOST_RECIPIENTS = 100  # of one mail, RFC 5321 4.5.3.1.8
MOST_COMMANDS = {"RCPT": 2_000, "NOOP": 50, "VRFY": 5, "*": 500}  # of one connection
SILENCE = 60.0  # seconds
HEARS_OUT = 30.0  # seconds for a client to end what is refused, so that it reads the reply
LONGEST = 15 * 60.0  # seconds of one connection

OURS = "451 4.3.0 This is our own fault: try again later"
NOBODY = "550 5.1.1 There is nobody by this address"
TOO_MANY = "452 4.5.3 Too many recipients: send the others a mail of their own"
BUSY = "421 4.3.2 Too many connections: try again later"
LONG_TEXT = "552 5.3.4 A line of this mail is too long"
LONG_COMMAND = "500 5.5.2 Line too long"


@dataclass(frozen=True, slots=True)
class Work:
    """What the protocol asks of the rest of the program. Both run in a thread of their own, and may raise."""

    openings: Callable[[], Sequence[Opening]]
    clock: Callable[[], datetime]
    threads: Executor

    async def in_thread(self, work: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self.threads, _with_database, work, args)


def _with_database(work: Callable[..., Any], args: Sequence[Any]) -> Any:
    """A connection that the server closed meanwhile is opened anew."""
    close_old_connections()
    try:
        return work(*args)
    finally:
        close_old_connections()


class Handler:
    """The answers to the commands. aiosmtpd calls these by name."""

    def __init__(self, work: Work, *, is_lmtp: bool) -> None:
        self._work = work
        self._is_lmtp = is_lmtp

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's name
        self,
        server: SMTP,  # noqa: ARG002 -- aiosmtpd's signature
        session: Session,  # noqa: ARG002 -- likewise
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],  # noqa: ARG002 -- likewise
    ) -> str:
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return TOO_MANY
        opening = await self._work.in_thread(self._find, address)
        if opening is None:
            return NOBODY
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.append(opening)
        return "250 2.1.5 OK"

    def _find(self, address: str) -> Opening | None:
        return opening_of(address, self._work.openings())

    async def handle_DATA(  # noqa: N802 -- aiosmtpd's name
        self,
        server: SMTP,  # noqa: ARG002 -- aiosmtpd's signature
        session: Session,  # noqa: ARG002 -- likewise
        envelope: Envelope,
    ) -> str:
        body = envelope.content if isinstance(envelope.content, bytes) else b""  # text only where it was asked for
        recipients = list(zip(envelope.rcpt_tos, envelope.rcpt_options, strict=True))
        await self._work.in_thread(keep_envelope, body, envelope.mail_from or "", recipients, self._work.clock())
        answer = "250 2.0.0 Kept"
        # RFC 2033 4.2: LMTP answers for each recipient.
        return "\r\n".join([answer] * len(recipients)) if self._is_lmtp else answer

    async def handle_exception(self, error: Exception) -> str:
        """Whatever fails in here: the client keeps the mail and comes again (I8)."""
        log.exception("smtp_failed", error=type(error).__name__, exc_info=error)
        return OURS


HERE = frozenset({"", "127.0.0.1", "::1"})  # of a socket file the peer has no name


def host_of(transport: asyncio.BaseTransport) -> str:
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else ""


class _Bounded:
    """Beside aiosmtpd's protocol: a bounded number of connections, each of bounded length, with bounded lines."""

    open_now: set[asyncio.BaseTransport]
    envelope: Any  # aiosmtpd's: whom the mail is for
    is_lmtp = False
    line_length_limit = LINE_LENGTH
    _unbroken = 0
    _end: asyncio.TimerHandle | None = None
    _takes_text = False
    _refused = b""  # what ends the mail or command that was refused: until then all is thrown away
    _last = b""

    def connection_made(self, transport: Any) -> None:
        if self._end is not None:  # the same one, once STARTTLS has secured it
            super().connection_made(transport)  # type: ignore[misc]  # of the class beside this one
            return
        if self._are_too_many(transport):
            transport.write(f"{BUSY}\r\n".encode())
            transport.close()
            return
        self.open_now.add(transport)
        self._mine = transport
        self._end = asyncio.get_running_loop().call_later(LONGEST, transport.abort)
        super().connection_made(transport)  # type: ignore[misc]

    def _are_too_many(self, transport: asyncio.BaseTransport) -> bool:
        """So that one stranger, who holds on to all that he may have, leaves room for the others."""
        host = host_of(transport)
        theirs = sum(host_of(each) == host for each in self.open_now)
        return len(self.open_now) >= MOST_CONNECTIONS or (host not in HERE and theirs >= MOST_OF_ONE)

    async def push(self, status: Any) -> None:
        """aiosmtpd's replies; 354 asks for the text."""
        self._takes_text = str(status).startswith("354")
        await super().push(status)  # type: ignore[misc]

    def data_received(self, data: bytes) -> None:
        """aiosmtpd keeps the pieces of a line that does not end, however long it is."""
        if self._end is None:  # turned away
            return
        if self._refused:
            self._throw_away(data)
            return
        at = data.rfind(b"\r\n")
        self._unbroken = len(data) - at - 2 if at >= 0 else self._unbroken + len(data)
        if self._unbroken > LONGEST_LINE:
            self._refuse()
            return
        super().data_received(data)  # type: ignore[misc]

    def _refuse(self) -> None:
        """Says so at once, and hears the client out: one that is cut off amid its sending reads no reply."""
        replies = (
            [LONG_TEXT] * (len(self.envelope.rcpt_tos) if self.is_lmtp else 1) if self._takes_text else [LONG_COMMAND]
        )
        self._mine.write("".join(f"{reply}\r\n" for reply in replies).encode())
        self._refused = b"\r\n.\r\n" if self._takes_text else b"\r\n"
        asyncio.get_running_loop().call_later(HEARS_OUT, self._mine.abort)

    def _throw_away(self, data: bytes) -> None:
        tail = self._last + data
        if self._refused in tail:
            self._mine.close()
        self._last = tail[-len(self._refused) :]

    def eof_received(self) -> bool | None:
        return None if self._end is None else super().eof_received()  # type: ignore[misc]

    def connection_lost(self, error: Exception | None) -> None:
        if self._end is None:
            return
        self._end.cancel()
        self.open_now.discard(self._mine)
        super().connection_lost(error)  # type: ignore[misc]


class BoundedSmtp(_Bounded, SMTP):
    pass


class BoundedLmtp(_Bounded, LMTP):
    is_lmtp = True


def protocol_factory(work: Work, *, is_lmtp: bool, tls: ssl.SSLContext | None = None) -> Callable[[], SMTP]:
    """What `loop.create_server` wants: a new protocol for each connection."""
    open_now: set[asyncio.BaseTransport] = set()

    def make() -> SMTP:
        kind = BoundedLmtp if is_lmtp else BoundedSmtp
        protocol = kind(
            Handler(work, is_lmtp=is_lmtp),
            data_size_limit=settings.MAIL_CAP,
            enable_SMTPUTF8=True,
            hostname=settings.RETURN_PATH_DOMAIN or "rebound.invalid",
            ident="Rebound takes bounces",
            timeout=SILENCE,
            tls_context=tls,
            command_call_limit=MOST_COMMANDS,
            auth_exclude_mechanism=["LOGIN", "PLAIN"],  # nobody signs in here
            loop=asyncio.get_running_loop(),
        )
        protocol.open_now = open_now
        return protocol

    return make
