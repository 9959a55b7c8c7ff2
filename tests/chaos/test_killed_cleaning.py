"""A small `./rebound chaos cleaning`: a few runs killed, each ends as if nothing had happened."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.conf import settings

pytestmark = [pytest.mark.services, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


def test_killed_cleaning_runs_go_on_by_themselves_to_the_same_state() -> None:
    ours = {name: value for name, value in os.environ.items() if name not in ("REBOUND_VAR", "DJANGO_SETTINGS_MODULE")}
    told = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "cleaning", "--kills", "3", "--rows", "300"],
        cwd=settings.BASE_DIR,
        env=ours,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert told.returncode == 0, told.stdout + told.stderr
    assert "runs that ended in another state: ours 0, goal 0" in told.stdout
