"""`python -m tests.chaos.hurried COMMAND …`: manage.py with small steps and short leases, so that many kills fit in.

Runs are cut into small steps, for a kill to fall between and amid them; a dead process's lease runs out in two seconds
instead of thirty. Nothing else differs from a worker or a scheduler under `up`.
"""

from __future__ import annotations

import sys
from datetime import timedelta

import django
from django.core.management import execute_from_command_line

django.setup()

from bounces import inbox, process, schedule  # noqa: E402 -- these need the settings
from bounces.cleaning import undo, working  # noqa: E402
from bounces.intake import imap, mailboxes, watching  # noqa: E402
from contacts.importing import applying, staging, taking, undoing  # noqa: E402
from contacts.importing import working as importing  # noqa: E402

SHORT = timedelta(seconds=2)
working.EVALUATE_CHUNK, working.APPLY_CHUNK, undo.UNDO_CHUNK = 150, 40, 40
inbox.BATCH_ITEMS = imap.BATCH_MAILS = 20
staging.CHUNK, applying.BATCH, taking.UPDATES, undoing.BATCH = 60, 60, 20, 60
importing.LEASE_LASTS = SHORT
working.LEASE_LASTS = process.LEASE_LASTS = schedule.LEASE_LASTS = SHORT
mailboxes.LEASE_LASTS = watching.LEASE_LASTS = SHORT
watching.LOOK_AGAIN, watching.IDLE, watching.PAUSES = 0.5, 0.8, (0.5, 0.5, 0.5, 0.5)
schedule.PAUSE_AFTER_FAILURE = timedelta(seconds=1)

if __name__ == "__main__":
    execute_from_command_line(["manage.py", *sys.argv[1:]])
