"""`./rebound chaos` in small, for tests. In: its words. Out: what it said, in an environment that is not the tests'."""

from __future__ import annotations

import os
import subprocess
import sys

from django.conf import settings

TESTS_OWN = ("REBOUND_VAR", "DJANGO_SETTINGS_MODULE")


def run_chaos(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.chaos", *words],
        cwd=settings.BASE_DIR,
        env={name: value for name, value in os.environ.items() if name not in TESTS_OWN},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
