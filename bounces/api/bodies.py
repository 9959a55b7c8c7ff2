"""What the body of a request may be. In: bytes from outside. Out: JSON values or a mail, or a refusal that says why.

Refused here, once for all views: what is too large (413), what is not JSON of RFC 8259, and characters that
PostgreSQL cannot hold: NUL, and halves of surrogate pairs. Both can stand in JSON as escapes only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.status import HTTP_413_REQUEST_ENTITY_TOO_LARGE

from bounces.intake.keep import megabytes
from bounces.plain_text import plain_tree

# 10,000 addresses of 254 characters are 2.6 MB, 1,000 events with whole diagnostics 4 MB.
JSON_CAP = 8 * 1024 * 1024
ENVELOPE = 1024 * 1024  # what the form around a file may weigh


class TooLarge(APIException):
    status_code = HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class JsonBody(BaseParser):
    """Not DRF's JSONParser: for that one DRF reads the whole body first, up to Django's own cap of 2.5 MB."""

    media_type = "application/json"
    is_kept_whole = True  # each text of it has to be one that can be kept

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,  # noqa: ARG002 -- DRF's signature
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body = read_capped(stream, JSON_CAP, parser_context)
        try:
            value = json.loads(body.decode(), parse_constant=_refuse_constant)
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.") from error
        except ValueError as error:
            raise ParseError(f"The body is not JSON in UTF-8: {error}") from error
        if not self.is_kept_whole:
            return value
        if b"\\u" in body and not is_keepable(value):
            raise ParseError("A text holds a character that cannot be kept: \\u0000, or half of a surrogate pair.")
        return value if body.isascii() and b"\\u" not in body else plain_tree(value)


class JsonBatch(JsonBody):
    """Of entries whose fields are looked at one by one, so that the text of one spoils no other."""

    is_kept_whole = False


class MailBody(BaseParser):
    """One mail as it travels, RFC 5322."""

    media_type = "message/rfc822"

    def parse(  # type: ignore[override]  # the stubs know only parsers of fields
        self,
        stream: Any,
        media_type: str | None = None,  # noqa: ARG002 -- DRF's signature
        parser_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return read_capped(stream, settings.MAIL_CAP, parser_context)


class FileBody(MultiPartParser):
    """A form with a file, refused by its announced length before anything is read."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        request = (parser_context or {}).get("request")
        announced = int(request.META.get("CONTENT_LENGTH") or 0) if request is not None else 0
        if announced > settings.MAIL_CAP + ENVELOPE:
            raise TooLarge(f"The file has {megabytes(announced)}; at most {megabytes(settings.MAIL_CAP)} are taken.")
        found = super().parse(stream, media_type, parser_context)
        if not is_keepable([*found.data, *(each for values in found.data.lists() for each in values[1])]):
            raise ParseError("A text holds a character that cannot be kept.")
        return found


def read_capped(stream: Any, cap: int, parser_context: Mapping[str, Any] | None) -> bytes:
    """Refuses by the announced length, before anything is read; reads one byte above the cap at most."""
    request = (parser_context or {}).get("request")
    announced = int(request.META.get("CONTENT_LENGTH") or 0) if request is not None else 0
    if announced > cap:
        raise TooLarge(
            f"The body has {megabytes(announced)}; at most {megabytes(cap)} are taken. Send several requests."
        )
    body: bytes = stream.read(cap + 1)
    if len(body) > cap:
        raise TooLarge(f"The body has more than {megabytes(cap)}. Send several requests.")
    return body


def is_keepable(value: Any) -> bool:
    """Whether PostgreSQL can hold every text in a JSON value. Not recursive: the value is not ours."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            if "\0" in each or any("\ud800" <= character <= "\udfff" for character in each):
                return False
        elif isinstance(each, dict):
            waiting += each.keys()
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    return True


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is not a JSON value")
