"""Files on a page. In: what a manager uploaded. Out: an inbox item a file. A manager's upload is trusted."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile

from bounces.intake.exported.layout import Layout, find_layout, open_list
from bounces.intake.exported.table import HEAD_BYTES, encoding_of, first_lines, read_lines
from bounces.intake.keep import WORKBOOK, Door, Kept, is_workbook, keep_stream
from bounces.models import InboundItem
from bounces.suppression_lists import COLUMNS
from bounces.values import Trust


def keep_upload(file: UploadedFile, by: Any, now: datetime) -> InboundItem:
    """Stores one uploaded file, whatever it is; see `keep.keep_stream` for caps. May run twice."""
    kept = keep_upload_as(file, by, now)
    return InboundItem.objects.get(pk=kept.item_id)


def keep_upload_as(file: UploadedFile, by: Any, now: datetime) -> Kept:
    """The same, telling also whether the file was new."""
    door = Door(source="upload", trust=Trust.TRUSTED, now=now, by_id=by.pk)
    return keep_stream(file, file.size or 0, file.name or "", door)  # type: ignore[arg-type]  # it reads and seeks


OUR_OWN = "address or domain"  # a column of our export


def layout_in(file: UploadedFile) -> Layout | None:
    """How a file is laid out that may be a list of another tool; None of any other, and of our own export."""
    head = file.read(HEAD_BYTES)
    file.seek(0)
    lines = first_lines(head)
    is_ours = bool(lines) and any(cell.lower() in (OUR_OWN, "domain") for cell in lines[0].cells)
    return None if is_ours else find_layout(lines, file.name or "")[0]


def names_its_column(layout: Layout) -> bool:
    """Whether `bounces/suppression_lists.py` knows the column of addresses by its name."""
    return layout.head[layout.columns["email"]].lower() in COLUMNS


def targets_in(file: UploadedFile, layout: Layout | None) -> str:
    """The addresses and domains that it names, each in its line. Raises UnicodeDecodeError of what is no text."""
    body = file.read()
    if is_workbook(body[:HEAD_BYTES]):
        raise UnicodeDecodeError("utf-8", body[:4], 0, 4, WORKBOOK)
    if layout is None or not layout.has_head or names_its_column(layout):
        return body.decode(encoding_of(body[:HEAD_BYTES]))
    at, lines = layout.columns["email"], [""]
    _, rows = open_list(read_lines(io.BytesIO(body)), file.name or "")
    for row in rows:
        lines += [""] * (row.number - len(lines))
        lines.append(row.cells[at] if at < len(row.cells) else row.wrong)
    return "\n".join(lines[1:])
