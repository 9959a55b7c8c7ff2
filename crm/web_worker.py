"""The web's worker process. In: requests that gunicorn refuses before Django sees them. Out: errors as the API's.

Too long a URL or header is answered by gunicorn's own HTML otherwise, which no client of an API can read.
"""

from __future__ import annotations

import json
from typing import Any

from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

REFUSALS = {
    LimitRequestLine: (414, "URI Too Long", "uri_too_long", "The URL is too long: at most 4,094 bytes are read."),
    LimitRequestHeaders: (431, "Request Header Fields Too Large", "headers_too_large", "The headers are too large."),
}


class Worker(ThreadWorker):
    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        refusal = next((said for kind, said in REFUSALS.items() if isinstance(exc, kind)), None)
        if refusal is None:
            super().handle_error(req, client, addr, exc)
            return
        self.log.warning("Refused a request: %s", refusal[1])
        try:
            util.write_nonblock(client, answer_of(*refusal))
        except OSError:  # it has gone
            self.log.debug("Failed to send an error.")


def answer_of(status: int, reason: str, code: str, sentence: str) -> bytes:
    error = {"type": "client_error", "errors": [{"code": code, "detail": sentence, "attr": None}]}
    body = json.dumps(error).encode()
    head = f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
