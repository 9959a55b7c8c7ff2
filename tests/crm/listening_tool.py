"""Another tool that listens for webhooks: a small server on loopback. In: what it answers. Out: what it was sent."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Tool:
    url: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    takes: float = 0.0  # seconds before it answers
    at_once: int = 0
    most_at_once: int = 0
    first_at: float = 0.0  # on the monotonic clock
    last_at: float = 0.0


@contextmanager
def listening() -> Iterator[Tool]:
    tool = Tool()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            tool.at_once += 1
            tool.most_at_once = max(tool.most_at_once, tool.at_once)
            tool.last_at = time.monotonic()
            tool.first_at = tool.first_at or tool.last_at
            tool.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
            time.sleep(tool.takes)
            tool.at_once -= 1
            self.send_response(tool.status)
            for name, value in tool.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    tool.url = f"http://127.0.0.1:{server.server_port}/rebound?who=us"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield tool
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
