"""What tests of mailboxes share: sources on a real Dovecot, and a server of tokens in the place of Google's."""

from __future__ import annotations

import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from pathlib import Path
from typing import Any

from django.utils import timezone

from bounces.intake.mailboxes import Turn, read_source
from bounces.models import IntakeSource
from tests.bounces.dovecot import PASSWORD, Dovecot, server_context

_number = count(1)
AN_HOUR = timedelta(hours=1)


class Tokens(BaseHTTPRequestHandler):
    """Google in small: gives access tokens for refresh tokens (HTTPS), and says whose they are (for Dovecot)."""

    asked: list[str] = []

    def do_GET(self) -> None:
        token = self.path.partition("token=")[2]
        self.answer(f'{{"email": "{token.removeprefix("access-")}"}}' if token.startswith("access-") else "{}")

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        Tokens.asked.append(form)
        if "refresh_token=good" in form:
            self.answer(f'{{"access_token": "access-{Tokens.user}", "refresh_token": "good-and-new"}}')
        else:
            self.answer('{"error": "invalid_grant"}', 400)

    user = ""

    def answer(self, text: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args: Any) -> None:
        pass


def serve_tokens(folder: Path | None = None) -> HTTPServer:
    server = HTTPServer(("127.0.0.1", 0), Tokens)
    if folder:
        server.socket = server_context(folder).wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


def a_source(server: Dovecot, name: str, *, trust: str = "trusted", password: str = PASSWORD, **options: Any) -> Any:
    source = IntakeSource(name=f"box-{next(_number)}", kind="imap", trust=trust)
    source.options = {"host": "localhost", "port": server.imaps, "user": name, **options}
    source.secrets = {"password": [password]}
    source.save()
    return source


def read(source: IntakeSource, patience: timedelta = AN_HOUR) -> Turn:
    turn = read_source(source, timezone.now, patience)
    assert turn is not None
    return turn


def a_user_name() -> str:
    return f"user{next(_number)}"


def some_mails(number: int) -> list[bytes]:
    return [b"Subject: %d\r\n\r\nhello\r\n" % next(_number) for _ in range(number)]
