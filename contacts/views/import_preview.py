"""The preview of an import: what is wrong with the file first, to be corrected in place; then what it would do.

In: a run whose preview is held; the fields of a form. Out: the page's context; corrections, which the run is judged by
again (`contacts/importing/correcting.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from bounces.views.access import needs
from contacts.importing import health
from contacts.importing.correcting import CHANGED, Correction, NotCorrectable, correct, correction_of
from contacts.importing.holding import held_preview
from contacts.importing.outcomes import known_groups, preview_groups
from contacts.importing.runs import NotReady
from contacts.importing.wrong_cells import CLEANED, LEFT_EMPTY, MISTYPED, WrongCell, cells_by_key, wrong_cells
from contacts.models import ImportRow, ImportRun
from contacts.views.answers import counted

SHOWN = 8  # first rows of each verdict
WRONG_SHOWN = 25  # different wrong texts of each kind
CELL, ALL, MEANT = "cell-", "all-", "meant"  # fields, with the key of a wrong cell


def preview_context(run: ImportRun, now: datetime) -> dict[str, Any]:
    """While the preview is held."""
    groups = [group for group in preview_groups(run, SHOWN, now) if group[0] not in ImportRow.FAILED]
    return {
        "wrong": [section for section in _sections(run) if section["wrong"].shown],
        "mistyped": wrong_cells(run, [MISTYPED], WRONG_SHOWN),
        "groups": [*groups, *known_groups(run, SHOWN, now)],
        "signs": signs_of(run),
        "sampled": health.sampled(run.total),
    }


def _sections(run: ImportRun) -> list[dict[str, Any]]:
    failed: list[dict[str, Any]] = [
        {
            "id": each.value,
            "title": FAILED_TITLES[each.value],
            "text": counted(run.counts[each.value], "row is", "rows are") + " not imported.",
            "wrong": wrong_cells(run, [each.value], WRONG_SHOWN),
        }
        for each in ImportRow.FAILED
        if run.counts.get(each.value)
    ]
    empty, cleaned = wrong_cells(run, LEFT_EMPTY, WRONG_SHOWN), wrong_cells(run, CLEANED, WRONG_SHOWN)
    sections: list[dict[str, Any]] = [
        *failed,
        {
            "id": "left-empty",
            "title": "Cells left empty",
            "text": counted(empty.cells, "cell", "cells") + " could not be read. The rest of each row is imported.",
            "wrong": empty,
        },
        {
            "id": "cleaned-up",
            "title": "Cells cleaned up",
            "text": counted(cleaned.cells, "cell is", "cells are") + " read as the details say.",
            "wrong": cleaned,
        },
    ]
    for section in sections:
        section["can_be_corrected"] = any(cell.can_be_corrected for cell in section["wrong"].shown)
    return sections


FAILED_TITLES = {"invalid": "Rows that cannot be read", "conflict": "Conflicts", "not_yours": "Somebody else’s"}


def signs_of(run: ImportRun) -> list[dict[str, Any]]:
    """What its list looks like; nothing of one that is not judged."""
    if not run.health:
        return []
    return [
        {"label": sign.label, "share": 100 * sign.share(run.health), "is_bad": sign.is_bad(run.health)}
        for sign in health.signs()
    ]


@require_POST
@needs("contacts.import_contact")
def correct_cells(request: HttpRequest, pk: int) -> HttpResponse:
    """Whoever brought the file writes wrong cells anew."""
    run = get_object_or_404(ImportRun, pk=pk, started_by=request.user)
    try:
        wanted = _wanted(run, request.POST)
        if wanted:
            correct(run, request.user, wanted, timezone.now)
            messages.success(request, f"{counted(len(wanted), 'correction', 'corrections')} saved.")
        else:
            messages.info(request, "Nothing was changed: each cell is as it was.")
    except (NotReady, NotCorrectable) as error:
        messages.error(request, str(error))
    return redirect("contacts:import_run", pk)


def _wanted(run: ImportRun, said: Mapping[str, str]) -> list[Correction]:
    """Raises NotCorrectable where a cell is none that the preview shows now."""
    meant = said.get(MEANT, "")
    texts = {name.removeprefix(CELL): text for name, text in said.items() if name.startswith(CELL)}
    keys = [meant] if meant else list(texts)
    with held_preview(run) as is_there:
        cells = cells_by_key(run, keys) if is_there else {}
    if len(cells) < len(keys):
        raise NotCorrectable(CHANGED)
    if meant:
        return [correction_of(cells[meant], cells[meant].sentence, of_all=True)]
    written = [(cells[key], texts[key], f"{ALL}{key}" in said) for key in texts]
    return [correction_of(cell, text, of_all=of_all) for cell, text, of_all in written if is_changed(cell, text)]


def is_changed(cell: WrongCell, text: str) -> bool:
    """A field of one line shows no line breaks, and sends none back."""
    return "".join(text.split()) != "".join(cell.value.split())
