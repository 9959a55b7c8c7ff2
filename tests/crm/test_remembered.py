"""What `up` was started with holds for the commands of another shell, and nobody else can read it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

from django.conf import settings

from crm.up import remembered


def left(tmp_path: Path, **environment: str) -> Path:
    remembered.leave(tmp_path, {"REBOUND_ALLOWED_NETWORKS", "DATABASE_URL"}, environment, {"SITE_URL": "http://up"})
    return tmp_path / remembered.NAME


def test_only_its_owner_can_read_it_even_where_files_are_open_by_default(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        file = left(tmp_path, DATABASE_URL="postgres://me:secret@db/rebound")
        file = left(tmp_path, DATABASE_URL="postgres://me:secret@db/rebound")
    finally:
        os.umask(before)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [remembered.NAME]


def test_it_holds_the_settings_and_nothing_else_of_the_environment(tmp_path: Path) -> None:
    file = left(tmp_path, DATABASE_URL="postgres://db", AWS_SECRET="none of ours")

    assert json.loads(file.read_text()) == {"DATABASE_URL": "postgres://db", "SITE_URL": "http://up"}


def test_a_command_takes_what_its_own_environment_does_not_say(tmp_path: Path) -> None:
    left(tmp_path, DATABASE_URL="postgres://db", REBOUND_ALLOWED_NETWORKS="10.0.0.0/8")
    own = {"REBOUND_ALLOWED_NETWORKS": "192.168.0.0/16"}

    assert sorted(remembered.take_over(tmp_path, own)) == ["DATABASE_URL", "SITE_URL"]
    assert own["REBOUND_ALLOWED_NETWORKS"] == "192.168.0.0/16"


def test_without_the_file_or_with_half_of_it_a_command_goes_by_its_own_environment(tmp_path: Path) -> None:
    assert remembered.take_over(tmp_path, {}) == []
    (tmp_path / remembered.NAME).write_text('{"DATABASE_U')
    assert remembered.take_over(tmp_path, {}) == []


def test_a_command_in_another_shell_has_the_networks_of_up(tmp_path: Path) -> None:
    left(tmp_path, REBOUND_ALLOWED_NETWORKS="10.0.0.0/8")
    named = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}

    said = subprocess.run(
        [sys.executable, "manage.py", "diffsettings"],
        cwd=settings.BASE_DIR,
        env={**named, "REBOUND_VAR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout

    assert "ALLOWED_NETWORKS = ['10.0.0.0/8']" in said


def test_up_leaves_every_setting_that_is_read(tmp_path: Path) -> None:
    assert {"DATABASE_URL", "SECRET_KEY", "EMAIL_URL", "REBOUND_ALLOWED_NETWORKS"} <= settings.SETTINGS_READ
