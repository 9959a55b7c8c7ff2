"""The admin's file between its preview and its confirmation.

In: its bytes, and what was said of it. Out: the same, once more, within a day.

Kept as a run that waits for its columns, so that any web process can go on, and that what is confirmed is what was
previewed: the form of the confirmation carries nothing but the run's signed name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.core import signing
from django.db import transaction
from django.utils import timezone
from import_export.tmp_storages import BaseStorage

from contacts.importing.options import Options, read_options
from contacts.importing.reading import LARGEST_FILE, Manner
from contacts.importing.stored import drop_file, keep_file, open_file
from contacts.models import ImportRun

SALT = "contacts.importing.waiting"
VIA = "waiting"  # the door of runs that only hold the admin's file


class NoLongerWaiting(LookupError):
    """The file was imported already, or its day is over. The message is for people."""

    def __init__(self) -> None:
        super().__init__("The preview is no longer valid: it was confirmed already, or a day has passed. Upload again.")


@dataclass(frozen=True, slots=True)
class Said:
    """What a person said of the file. `columns`: of a saved mapping, by header in lower case; None: found out."""

    name: str = "an import"
    manner: Manner = field(default_factory=Manner)
    options: Options = field(default_factory=Options)
    columns: Mapping[str, str] | None = None


class WaitingFile(bytes):
    """The bytes, as the library passes them from the storage to the format; `said` comes along."""

    said: Said


class WaitingStorage(BaseStorage):
    """As django-import-export wants it. Its default leaves files in /tmp for ever."""

    def save(self, data: bytes, said: Said | None = None) -> None:
        """Raises UnreadableFile for a file that is too large."""
        said = said or Said()
        with transaction.atomic():
            run = keep_file(
                [data], said.name, largest=LARGEST_FILE, by=None, via=VIA, now=timezone.now(), is_counted=False
            )
            run.manner, run.options = said.manner.as_json(), said.options.as_json()
            run.mapping = dict(said.columns or {})
            run.save(update_fields=["manner", "options", "mapping"])
        self.name = signing.dumps(run.pk, salt=SALT)

    def read(self) -> WaitingFile:
        run = self._run()
        with open_file(run) as stream:
            file = WaitingFile(stream.read())
        file.said = said_of(run)
        return file

    def said(self) -> Said:
        return said_of(self._run())

    def remove(self) -> None:
        """May run twice."""
        with transaction.atomic():
            try:
                run = self._run()
            except NoLongerWaiting:
                return
            drop_file(run.pk)
            run.delete()

    def _run(self) -> ImportRun:
        try:
            pk = signing.loads(self.name, salt=SALT)
            return ImportRun.objects.get(pk=pk, via=VIA, state=ImportRun.State.UPLOADED)
        except (signing.BadSignature, ImportRun.DoesNotExist) as error:
            raise NoLongerWaiting from error


def said_of(run: ImportRun) -> Said:
    return Said(run.name, Manner(**run.manner), read_options(run.options), run.mapping or None)
