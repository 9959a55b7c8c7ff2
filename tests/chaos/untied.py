"""`python -m tests.chaos.untied COMMAND …`: as `hurried`, but a worker's job outlives its worker.

So it is where the kernel cannot tie a process to its parent: two then run the same job.
"""

from __future__ import annotations

import signal
import sys
from datetime import timedelta

from django.core.management import execute_from_command_line

from tests.chaos import hurried  # noqa: F401 -- it sets Django up


def untie() -> None:
    from bounces import lease
    from crm.management.commands import worker

    def do_not(orphan_signal: signal.Signals) -> None:
        pass

    worker.die_with_parent = do_not
    lease.LEAST_STANDSTILL = timedelta(seconds=2)


if __name__ == "__main__":
    untie()
    execute_from_command_line(["manage.py", *sys.argv[1:]])
