"""Files on a page. In: what a manager uploaded. Out: an inbox item a file. A manager's upload is trusted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile

from bounces.intake.keep import Door, Kept, keep_stream
from bounces.models import InboundItem
from bounces.values import Trust


def keep_upload(file: UploadedFile, by: Any, now: datetime) -> InboundItem:
    """Stores one uploaded file, whatever it is; see `keep.keep_stream` for caps. May run twice."""
    kept = keep_upload_as(file, by, now)
    return InboundItem.objects.get(pk=kept.item_id)


def keep_upload_as(file: UploadedFile, by: Any, now: datetime) -> Kept:
    """The same, telling also whether the file was new."""
    door = Door(source="upload", trust=Trust.TRUSTED, now=now, by_id=by.pk)
    return keep_stream(file, file.size or 0, file.name or "", door)  # type: ignore[arg-type]  # it reads and seeks
