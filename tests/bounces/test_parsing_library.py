"""The engine as others use it: without Django, as `docs/library.md` says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bounces.mails import a_delivery_report

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "library.md").read_text(encoding="utf-8"), re.DOTALL)
ALONE = """
import sys
from bounces.classification import classify, read_and_judge
from bounces.parsing import read
from bounces.values import Event, Report
read(b"From: a@b.example")
classify(Report(Event.BOUNCED, None, diagnostic="550 5.1.1 User unknown", status="5.1.1"))
assert not [name for name in sys.modules if name.partition(".")[0] in ("django", "psycopg", "rq", "redis")]
"""


@pytest.mark.parametrize("code", [ALONE, *EXAMPLES])
def test_the_engine_runs_without_django(code: str, tmp_path: Path) -> None:
    (tmp_path / "bounce.eml").write_bytes(a_delivery_report())
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_its_three_functions_are_documented() -> None:
    page = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    assert all(f"| `{call}`" in page for call in ("read(raw)", "classify(report)", "read_and_judge(raw)"))
