"""What is seen of an answer: its text, and what the next page says of it."""

from __future__ import annotations

from typing import Any


def text_of(response: Any) -> str:
    assert response.status_code == 200, response.status_code
    text: str = response.content.decode()
    return text


def said(response: Any) -> list[str]:
    """The messages that the next page would show."""
    return [str(message) for message in response.wsgi_request._messages]
