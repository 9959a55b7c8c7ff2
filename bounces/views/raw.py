"""The raw bytes of an inbox item. In: its id. Out: plain text that no browser interprets, or a download.

Anyone on the internet may have written these bytes: the answer is text, never sniffed, in a sandbox without origin.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import content_disposition_header

from bounces.models import InboundItem, RawChunk
from bounces.sight import may_read_raw
from bounces.views.access import needs

SHOWN = 1024 * 1024
PROTECTION = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}


@needs("bounces.view_bounce")
def show_raw(request: HttpRequest, pk: int) -> HttpResponseBase:
    item = get_object_or_404(InboundItem, pk=pk)
    if not may_read_raw(request.user, item):
        raise PermissionDenied
    if "download" in request.GET:
        disposition = content_disposition_header(True, item.name or f"item-{item.pk}") or "attachment"
        headers = {**PROTECTION, "Content-Disposition": disposition}
        return StreamingHttpResponse(chunks_of(item), content_type="application/octet-stream", headers=headers)
    return HttpResponse(shown_part(item), content_type="text/plain; charset=utf-8", headers=PROTECTION)


def chunks_of(item: InboundItem) -> Iterator[bytes]:
    """Chunk by chunk, so that an archive never stands in memory."""
    position = 0
    while chunk := RawChunk.objects.filter(item_id=item.pk, position=position).first():
        yield bytes(chunk.body)
        position += 1


def shown_part(item: InboundItem) -> bytes:
    body = next(chunks_of(item), None)
    if body is None:
        return b"Nothing of this is kept: it was refused before it was read, or is older than raw bytes stay here.\n"
    if item.size <= SHOWN and len(body) <= SHOWN:
        return body
    whole = f"{reverse('bounces:raw', args=[item.pk])}?download=1"
    return body[:SHOWN] + f"\n\n[Cut here after 1 MB of {item.size:,} bytes. The whole: {whole}]\n".encode()
