"""What tests of imports share: a file that goes the whole way, and what the tables hold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from contacts.importing import runs, working
from contacts.importing.formats import SheetDataset
from contacts.importing.options import Options
from contacts.importing.reading import read_sheet
from contacts.importing.report import ImportReport
from contacts.importing.resources import ContactResource
from contacts.models import ImportRun
from tests.builders import NOW

LATER = NOW + timedelta(hours=1)
# Everything that an import may touch, apart from its own rows.
TABLES = (
    "bounces_address", "bounces_suppression", "bounces_statuschange", "contacts_contact", "contacts_contactaddress",
    "contacts_contactexternalid", "contacts_company", "contacts_tag", "contacts_contact_tags", "contacts_activity",
    "contacts_customfield",
)  # fmt: skip


def imported(text: str, *, dry_run: bool = False, by: Any = None, change_others: bool = False) -> ImportReport:
    options = Options(source="people.csv", change_others=change_others)
    resource = ContactResource(origin="people.csv", options=options, by=by)
    return resource.report(resource.import_data(SheetDataset(read_sheet(text.encode())), dry_run=dry_run))


def begun(
    text: str | bytes, *, by: Any = None, name: str = "people.csv", mapping: Any = None, **options: Any
) -> ImportRun:
    """A run whose columns are chosen: as guessed, but for what `mapping` says."""
    body = text.encode() if isinstance(text, str) else text
    run = runs.take_file([body], name, by=by, via="test", now=NOW)
    runs.begin(run, {**run.mapping, **(mapping or {})}, Options(**{"source": name, **options}))
    return run


def previewed(text: str | bytes, now: datetime = NOW, **given: Any) -> ImportRun:
    run = begun(text, **given)
    working.work(run.pk, lambda: now)
    run.refresh_from_db()
    return run


def done(text: str | bytes, now: datetime = NOW, **given: Any) -> ImportRun:
    run = previewed(text, now, **given)
    runs.confirm(run, run.started_by, now)
    working.work(run.pk, lambda: now)
    run.refresh_from_db()
    return run


def undone(run: ImportRun, by: Any, now: datetime = NOW) -> ImportRun:
    runs.undo(run, by, "a mistake", now)
    working.work(run.pk, lambda: now)
    run.refresh_from_db()
    return run


def state_hash(besides: Sequence[str] = ()) -> str:
    """Of all rows of TABLES with all their columns."""
    digest = hashlib.sha256()
    with connection.cursor() as cursor:
        for table in TABLES:
            if table not in besides:
                cursor.execute(f"SELECT * FROM {table} ORDER BY id")
                rows = json.dumps(cursor.fetchall(), cls=DjangoJSONEncoder, default=str)
                digest.update(f"{table}: {rows}".encode())
    return digest.hexdigest()
