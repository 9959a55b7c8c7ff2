"""A mail server of others, as slow as a test wants it. In: delays and replies. Out: what it took."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.conf import LazySettings


@dataclass
class MailServer:
    port: int = 0
    before: dict[str, float] = field(default_factory=dict)  # seconds before the reply to a command; "": to the greeting
    replies: dict[str, str] = field(default_factory=dict)
    is_silent: bool = False  # takes connections, and never says a word
    stays_silent_after_text: bool = False
    taken: list[tuple[str, str]] = field(default_factory=list)  # recipient, text
    connections: int = 0

    @property
    def recipients(self) -> list[str]:
        return sorted(recipient for recipient, _ in self.taken)


@contextmanager
def serving(settings: LazySettings, **how: object) -> Iterator[MailServer]:
    """Rebound's mail server, while the test runs."""
    server = MailServer(**how)  # type: ignore[arg-type]  # a test's own words
    stop = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        recipient = ""

        def handle(self) -> None:
            server.connections += 1
            if server.is_silent:
                stop.wait()
                return
            self.say("", "220 slow.example")
            while line := self.rfile.readline():
                word = line.decode().strip().partition(" ")[0].upper()
                if word == "QUIT":
                    return
                if word == "RCPT":
                    self.recipient = line.decode().partition("<")[2].partition(">")[0]
                if word == "DATA":
                    self.say("DATA", "354 go on")
                    self.take()
                    continue
                self.say(word, "250 ok")

        def take(self) -> None:
            lines: list[str] = []
            while (line := self.rfile.readline().decode()) not in (".\r\n", ""):
                lines.append(line)
            server.taken.append((self.recipient, "".join(lines)))
            if server.stays_silent_after_text:
                stop.wait()
            self.say(".", "250 taken")

        def say(self, word: str, reply: str) -> None:
            stop.wait(server.before.get(word, 0))
            try:
                self.wfile.write(f"{server.replies.get(word, reply)}\r\n".encode())
            except OSError:
                time.sleep(0)  # the client has gone

    listener = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    server.port = listener.server_address[1]
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    settings.MAIL_BACKEND = "crm.mail.delivery.Backend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "", ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    try:
        yield server
    finally:
        stop.set()
        listener.shutdown()
        listener.server_close()
