"""The fields of a form that a provider posted, in either encoding, and the files in it.

In: an `Arrival`. Out: its fields and files. Pure. Source: HTML Living Standard, "Form submission"; RFC 7578.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import QueryDict
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from bounces.intake.webhooks.arrival import Arrival
from bounces.intake.webhooks.splitting import FORM

MULTIPART = "multipart/form-data"
MOST_FILES = 20


@dataclass(frozen=True, slots=True)
class Form:
    """`files`: the type and the bytes of each, in order."""

    fields: dict[str, str]
    files: tuple[tuple[str, bytes], ...] = ()


class InMemory(MemoryFileUploadHandler):
    """Whatever its size: the body that holds it is in memory already."""

    def handle_raw_input(self, *args: object, **kwargs: object) -> None:  # noqa: ARG002 -- Django's signature
        self.activated = True


def is_form(arrival: Arrival) -> bool:
    """By its type and its first character: what is JSON is read as that, whatever a proxy calls it."""
    return arrival.content_type in (FORM, MULTIPART) and arrival.body.lstrip()[:1] not in (b"{", b"[")


def read_form(arrival: Arrival) -> Form:
    """Of several fields of one name the last. Raises ValueError for what is no form."""
    try:
        if arrival.content_type == FORM:
            return Form(texts(QueryDict(arrival.body, encoding="utf-8")))
        meta = {"CONTENT_TYPE": arrival.headers.get("content-type", ""), "CONTENT_LENGTH": str(len(arrival.body))}
        fields, files = MultiPartParser(meta, BytesIO(arrival.body), [InMemory()], "utf-8").parse()
    except (MultiPartParserError, SuspiciousOperation, LookupError) as error:
        raise ValueError(str(error)) from None
    found = [(file.content_type or "", file.read()) for _, listed in files.lists() for file in listed]
    return Form(texts(fields), tuple(found[:MOST_FILES]))


def texts(fields: QueryDict) -> dict[str, str]:
    return {name: str(value) for name, value in fields.items()}
