"""A manager's upload of bounce mails and lists, and what became of each file. In: files. Out: inbox items, progress.

The body is read only after its length, the sign-in and the permission were looked at: Django streams big files to
disk, and one above the archive's cap is refused unread. The files' own caps are `bounces/intake/keep.py`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from bounces.ids import ids_in
from bounces.intake.exported.opening import reopen
from bounces.intake.upload import keep_upload_as
from bounces.lists import count_children
from bounces.models import InboundItem
from bounces.views.access import needs

ENVELOPE = 1024 * 1024  # what the form around the files may weigh
MOST_FILES = 100


@csrf_exempt  # `take_files` checks the token, once it is known that the body may be read
@needs("bounces.upload_bounces")
def upload(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return show_form(request)
    if int(request.META.get("CONTENT_LENGTH") or 0) > settings.ARCHIVE_CAP + ENVELOPE:
        return show_form(
            request, "This is more than one upload may hold. Nothing was read. Send fewer files at once.", 413
        )
    try:
        request.FILES  # noqa: B018  (reads the body)
    except TooManyFilesSent:
        return show_form(request, f"More than {MOST_FILES} files at once: zip them, and upload the archive.", 400)
    except MultiPartParserError:
        return show_form(request, "The upload arrived broken. Nothing was stored. Send it again.", 400)
    return take_files(request)


@csrf_protect
def take_files(request: HttpRequest) -> HttpResponse:
    files = request.FILES.getlist("files")
    if not files:
        return show_form(request, "No file was chosen. Choose bounce mails, a mailbox, a zip archive or a list.", 400)
    kept = [keep_upload_as(file, request.user, timezone.now()) for file in files]
    waiting = reopen([one.item_id for one in kept])
    if len(kept) == 1 and waiting:
        return redirect("bounces:provider_list", kept[0].item_id)
    query = [("item" if one.is_new else "known", one.item_id) for one in kept]
    return redirect(f"{reverse('bounces:upload_progress')}?{urlencode(query)}")


def show_form(request: HttpRequest, error: str = "", status: int = 200) -> HttpResponse:
    context = {
        "error": error,
        "mail_cap": settings.MAIL_CAP,
        "archive_cap": settings.ARCHIVE_CAP,
        "most_files": MOST_FILES,
        "latest": InboundItem.objects.filter(source="upload", parent_id=None, by=request.user.pk).order_by("-id")[:5],
    }
    return render(request, "bounces/upload.html", context, status=status)


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file of this upload, and what became of it; of an archive, of its messages."""

    item: InboundItem
    is_known: bool
    children: dict[str, int]

    @property
    def is_waiting(self) -> bool:
        return self.item.state == InboundItem.State.PENDING or bool(self.children.get(InboundItem.State.PENDING))


@needs("bounces.upload_bounces")
def show_progress(request: HttpRequest) -> HttpResponse:
    """The whole page, or for htmx its part that changes while something waits."""
    files = find_uploaded(_ids(request, "item"), _ids(request, "known"))
    context = {"files": files, "is_waiting": any(file.is_waiting for file in files)}
    is_part = "HX-Request" in request.headers
    return render(request, "bounces/_uploaded.html" if is_part else "bounces/uploaded.html", context)


def find_uploaded(new: list[int], known: list[int]) -> list[Uploaded]:
    items = list(InboundItem.objects.filter(pk__in=[*new, *known], source="upload").order_by("pk"))
    children = count_children(items)
    return [Uploaded(item, item.pk in known and item.pk not in new, children.get(item.pk, {})) for item in items]


def _ids(request: HttpRequest, name: str) -> list[int]:
    """The ids in the URL."""
    return ids_in(request.GET.getlist(name)[:MOST_FILES])
