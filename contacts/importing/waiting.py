"""The admin's file between its preview and its confirmation. In: its bytes. Out: the same, once more, within a day.

Kept as a run that waits for its columns, so that any web process can go on; the name that the form carries is signed.
"""

from __future__ import annotations

from django.core import signing
from django.db import transaction
from django.utils import timezone
from import_export.tmp_storages import BaseStorage

from contacts.importing.stored import drop_file, keep_file, open_file
from contacts.models import ImportRun

SALT = "contacts.importing.waiting"
VIA = "waiting"  # the door of runs that only hold the admin's file
LARGEST = 200 * 1024 * 1024


class NoLongerWaiting(LookupError):
    """The file was imported already, or its day is over. The message is for people."""

    def __init__(self) -> None:
        super().__init__("The preview is no longer valid: it was confirmed already, or a day has passed. Upload again.")


class WaitingStorage(BaseStorage):
    """As django-import-export wants it. Its default leaves files in /tmp for ever."""

    def save(self, data: bytes) -> None:
        run = keep_file([data], "import", largest=LARGEST, by=None, via=VIA, now=timezone.now())
        self.name = signing.dumps(run.pk, salt=SALT)

    def read(self) -> bytes:
        with open_file(self._run()) as stream:
            return stream.read()

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
