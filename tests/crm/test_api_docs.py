"""The examples of docs/api.md are run as they stand there, against a real server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.conf import settings as in_force
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer

from bounces.intake.event_shape import EVENTS, FIELDS, SMTP_FIELDS
from crm.models import Scope
from tests.bounces.mails import a_delivery_report
from tests.builders import a_user, an_address, an_api_key

DOCS = (Path(in_force.BASE_DIR) / "docs" / "api.md").read_text()
EXAMPLES = dict(re.findall(r"<!-- example: (\w+) -->\n```\w+\n(.*?)```", DOCS, flags=re.DOTALL))
ANSWERS = {
    "check": '"address":"grace@example.org"',
    "python": "['grace@example.org']",
    "events": '"accepted":2',
    "return_paths": '@bounces.example.com","expires_at"',
    "mail": '"is_new":true',
    "contact": '"external_id":"crm-1815"',
    "contacts_bulk": '"created":2',
    "list": '"results":[]',
    "suppress": '"added":2',
    "import": '"state":"staging"',
}


def test_every_example_is_run():
    assert set(EXAMPLES) == set(ANSWERS)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ANSWERS)
def test_an_example_does_what_the_page_says(name, live_server, tmp_path, settings):
    settings.RETURN_PATH_DOMAIN = "bounces.example.com"
    an_address("ada@example.org", status="invalid", status_rule="hard_bounce")
    (tmp_path / "people.csv").write_text("Work mail,First name\nada@example.org,Ada\nno address,Bob\nnone either,Eve\n")
    (tmp_path / "bounce.eml").write_bytes(a_delivery_report())
    _, key = an_api_key(a_user("manager"), tuple(Scope.values))
    command = [sys.executable, "-c"] if name == "python" else ["sh", "-c"]
    environment = {"PATH": os.environ["PATH"], "REBOUND": live_server.url, "KEY": key}
    told = subprocess.run([*command, EXAMPLES[name]], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert ANSWERS[name] in told.stdout, told


def test_every_route_scope_and_event_field_is_documented():
    schema = yaml.safe_load(OpenApiYamlRenderer().render(SchemaGenerator().get_schema(public=True)))
    wanted = [path.removeprefix("/api/v1/") for path in schema["paths"]]
    wanted += [*Scope.values, *EVENTS, *FIELDS, *SMTP_FIELDS]
    assert [word for word in wanted if word not in DOCS] == []
