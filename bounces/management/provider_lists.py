"""Lists of providers, as `manage.py ingest` takes them: said what they are, or shown.

In: the ids of items that were kept, and what the operator said. Out: lists that are recorded, those of which nobody
knows what they are, or a table of what they would tell.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q
from rich.console import Console
from rich.table import Table

from bounces.intake.exported.layout import TELLS
from bounces.intake.exported.opening import decide
from bounces.intake.exported.preview import CLEANED, Preview, guessed, preview_of
from bounces.intake.keep import WAITS
from bounces.models import InboundItem


def lists_that_wait(item_ids: Sequence[int]) -> list[InboundItem]:
    """Those among the items, and in the archives among them."""
    theirs = Q(pk__in=item_ids) | Q(parent_id__in=item_ids)
    lists = InboundItem.objects.filter(theirs, form=InboundItem.Form.LIST, state=InboundItem.State.QUARANTINED)
    return list(lists.filter(why=WAITS).order_by("pk"))


def decide_lists(item_ids: Sequence[int], tells: str) -> list[InboundItem]:
    """Records what waits as what the operator says, else as what it says itself; answers those that say nothing."""
    return [one for one in lists_that_wait(item_ids) if not decide(one.pk, tells or guessed(one))]


def undecided_lists(item_ids: Sequence[int], tells: str) -> list[InboundItem]:
    """Those of which neither the operator nor the list itself says what they are; records nothing."""
    return [one for one in lists_that_wait(item_ids) if not (tells or guessed(one))]


def show_previews(item_ids: Sequence[int], tells: str, console: Console) -> None:
    for item in lists_that_wait(item_ids):
        preview = preview_of(item, tells)
        if preview is None or not preview.tells:
            console.print(undecided(item), markup=False)
            continue
        console.print(f"{item}: {preview.layout.name}", markup=False, soft_wrap=True)
        console.print(table_of(preview))
        for read in preview.bad:
            console.print(f"  line {read.number}: {read.why}", markup=False)
        if preview.layout.unknown:
            console.print(f"  left out: {', '.join(preview.layout.unknown)}", markup=False)


def table_of(preview: Preview) -> Table:
    table = Table("What its rows tell", "Rows")
    for event, number in preview.events.most_common():
        table.add_row("suppressed: bounced elsewhere" if event == CLEANED else str(event), f"{number:,}")
    table.add_row("nothing: suppresses nobody", f"{preview.ignored:,}")
    table.add_row("not understood", f"{preview.bad_count:,}")
    if preview.is_cut:
        table.add_row("more, not looked at", "")
    return table


def undecided(item: InboundItem) -> str:
    choices = ", ".join(tells for tells in TELLS if tells != "mixed")
    return f"{item}: nothing in it says what its rows are. Say it with --as: {choices}."
