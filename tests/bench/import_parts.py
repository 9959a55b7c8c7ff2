"""What `./rebound bench import` measures, each part in a process of its own: so that its memory is its own as well.

In: `python -m tests.bench.import_parts PART FILE`, and an installation's servers by the environment. Out: a line of
JSON with CPU seconds (of this process and its database session), peak memory, written-ahead bytes and the verdicts.
"""

from __future__ import annotations

import csv
import json
import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contacts.models import ImportRun

PIECE = 64 * 1024  # as Django hands an upload over


def main(part: str, path: str) -> None:
    import django

    django.setup()
    print(json.dumps(PARTS[part](Path(path))))  # noqa: T201 -- what the bench reads


def measured(work: Callable[[], Any]) -> dict[str, Any]:
    """CPU seconds, MB of this process and (without the shared buffers) of its session, MB of log."""
    from django.db import connection

    from tests.bench.evaluate import cpu_of

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid(), pg_current_wal_insert_lsn()")
        session, log = cursor.fetchone()
    with watching(session) as peaks:
        spent = cpu_of(work)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn() - %s::pg_lsn", [log])
        written = float(cursor.fetchone()[0]) / 1e6
    return {"cpu": spent, "memory": memory("self", "VmHWM"), "session": max(peaks, default=0.0), "log": written}


def memory(process: int | str, word: str) -> float:
    """MB. Of the process's own pages alone: what the kernel says of a fork (`ru_maxrss`) is partly its parent's."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(word + ":"):
            return int(line.split()[1]) / 1024
    return 0.0


@contextmanager
def watching(session: int) -> Iterator[list[float]]:
    peaks: list[float] = []
    enough = threading.Event()

    def watch() -> None:
        while not enough.wait(0.1):
            peaks.append(memory(session, "RssAnon"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peaks
    finally:
        enough.set()
        watcher.join()


# --- ours -----------------------------------------------------------------------------------------


def through_the_job(path: Path) -> dict[str, Any]:
    """As the wizard's pages do it: the file is kept, its columns are chosen, a worker reads, a person confirms."""
    from django.utils import timezone

    from contacts.importing import runs, working
    from contacts.importing.options import Options
    from contacts.importing.outcomes import early_rows

    started = time.monotonic()
    seen: list[float] = []

    def watch(run: ImportRun) -> None:
        if not seen and early_rows(run, timezone.now()):
            seen.append(time.monotonic() - started)

    run = runs.take_file(pieces_of(path), path.name, by=None, via="page", now=timezone.now())
    runs.begin(run, run.mapping, Options(source="bench"))

    def carry() -> None:
        working.work(run.pk, timezone.now, watch)
        run.refresh_from_db()
        runs.confirm(run, None, timezone.now())
        working.work(run.pk, timezone.now)

    found = measured(carry)
    run.refresh_from_db()
    return {**found, "preview": seen[0], "counts": run.counts, "wrote": run.wrote, "state": run.state}


def through_the_command(path: Path) -> dict[str, Any]:
    """From the file on the disk to the last row, the file's way into the database included."""
    from io import StringIO

    from django.core.management import CommandError, call_command

    from contacts.models import ImportRun

    def carry() -> None:
        with suppress(CommandError):  # some rows are bad, and it says so by its exit code
            call_command("import_contacts", str(path), stdout=StringIO(), stderr=StringIO())

    found = measured(carry)
    run = ImportRun.objects.latest("pk")
    return {**found, "counts": run.counts, "wrote": run.wrote, "state": run.state}


def through_the_admin(path: Path) -> dict[str, Any]:
    """Preview and confirmation, as the admin calls the resource: each reads the file anew."""
    from contacts.importing.formats import AnyFile
    from contacts.importing.resources import ContactResource

    totals: list[dict[str, int]] = []

    def carry() -> None:
        for dry_run in (True, False):
            dataset = AnyFile().create_dataset(path.read_bytes())
            totals.append(dict(ContactResource().import_data(dataset, dry_run=dry_run).totals))

    return {**measured(carry), "counts": totals[-1]}


def pieces_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


# --- theirs ---------------------------------------------------------------------------------------


def through_the_library(path: Path) -> dict[str, Any]:
    """django-import-export as its documentation shows it: a resource for the same rows, with no batches and no COPY."""
    import tablib
    from import_export import fields, resources, widgets

    from bounces.addresses import BadAddress, normalise
    from bounces.models import Address
    from contacts.models import Activity, Company, Contact, ContactAddress

    class CompanyWidget(widgets.ForeignKeyWidget):
        def clean(self, value: str, row: Any = None, **kwargs: Any) -> Company:  # noqa: ARG002 -- the library's
            return Company.objects.get_or_create(name=value)[0]

    class Plain(resources.ModelResource):
        company = fields.Field("company", "company", CompanyWidget(Company, "name"))

        class Meta:
            model = Contact
            fields = ("external_id", "first_name", "last_name", "title", "company", "phone", "country")
            import_id_fields = ("external_id",)

        def before_import_row(self, row: dict[str, str], **kwargs: Any) -> None:  # noqa: ARG002 -- the library's
            try:
                row["email"] = normalise(row["email"])
            except BadAddress:
                row["email"] = ""

        def skip_row(self, instance: Contact, original: Contact, row: dict[str, str], *args: Any) -> bool:
            return not row["email"] or bool(super().skip_row(instance, original, row, *args))

        def after_save_instance(self, instance: Contact, row: dict[str, str], **kwargs: Any) -> None:  # noqa: ARG002
            address, _ = Address.objects.get_or_create(
                email=row["email"], defaults={"domain": row["email"].rpartition("@")[2]}
            )
            ContactAddress.objects.get_or_create(contact=instance, address=address, defaults={"is_primary": True})
            Activity.objects.create(contact=instance, kind="imported", text="From some.csv.")

    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    dataset = tablib.Dataset(*rows, headers=header)
    found = measured(lambda: Plain().import_data(dataset, dry_run=False, raise_errors=False))
    if not Contact.objects.count() >= len(rows) * 0.9:
        raise SystemExit("The library did not import the rows.")
    return {**found, "rows": len(rows)}


PARTS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "job": through_the_job,
    "command": through_the_command,
    "admin": through_the_admin,
    "library": through_the_library,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
