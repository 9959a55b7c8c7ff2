"""Personal erasure, door by door: an address is left everywhere where somebody can write, and then erased.

Every URL, operation of the API and command stands in one of the tables of `planting.py`. A new one is missing there
and fails: give it a plant, or say why it keeps no text. Afterwards the database, the queue and var/ are searched.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import django_rq
import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from redis import Redis

from bounces.models import InboundItem
from bounces.verdict import check
from contacts.models import Activity, Contact, Task
from crm.models import Scope
from tests.builders import PASSWORD, a_contact, a_custom_field, a_user, an_api_key
from tests.contacts.planting import (
    ACCOUNTS,
    API,
    API_TAKES_NO_TEXT,
    COMMANDS,
    COMMANDS_TAKE_NO_TEXT,
    EMAIL,
    LOCAL,
    PAGES,
    REASONS_OF_RUNS,
    RUN_JOBS,
    TAKES_NO_TEXT,
    World,
    admin,
    around,
    files_for_commands,
    searches,
    sign_in,
    work,
)
from tests.crm.signin.test_doors import EXPOSED, OF_A_MODEL
from tests.every_url import every_url

VAR = Path(settings.VAR_DIR)

# --- the search -------------------------------------------------------------------------------------


def everything_kept(redis: Redis) -> Iterator[tuple[str, str]]:
    yield from kept_in_the_database()
    for key in redis.scan_iter():
        yield f"redis {key!r}", readable(redis.dump(key)) + str(key)
        if redis.type(key) == b"hash":
            yield (
                f"redis {key!r}",
                " ".join(
                    readable(each if isinstance(each, bytes) else each.encode()) for each in redis.hgetall(key).values()
                ),
            )
    for name in settings.RQ_QUEUES:
        queue = django_rq.get_queue(name)
        for job_id in [*queue.failed_job_registry.get_job_ids(), *queue.finished_job_registry.get_job_ids()]:
            results = [str(result.exc_string) for job in [queue.fetch_job(job_id)] if job for result in job.results()]
            yield "a job's result", " ".join(results)
    for path in VAR.rglob("*"):
        # PostgreSQL's and Valkey's own files: their contents are what was asked above.
        if path.is_file() and not {"postgres", "valkey", "binaries"} & set(path.relative_to(VAR).parts):
            yield f"{path}", path.name + readable(path.read_bytes())


def kept_in_the_database() -> Iterator[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, a.attname, format_type(a.atttypid, NULL) FROM pg_attribute a JOIN pg_class c ON c.oid ="
            " a.attrelid WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0"
            " AND NOT a.attisdropped"
        )
        columns = cursor.fetchall()
        for table, column, kind in columns:
            cursor.execute(f'SELECT "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL')
            for (value,) in cursor.fetchall():
                text = readable(bytes(value)) if kind == "bytea" else str(value)
                yield f"{table}.{column}", text + decoded_session(text if column == "session_data" else "")


def decoded_session(text: str) -> str:
    return json.dumps(SessionStore().decode(text)) if text else ""


def readable(data: bytes | None) -> str:
    data = data or b""
    found = data.decode("latin-1")
    for start in [0, *[place.start() for place in re.finditer(rb"x[\x01\x5e\x9c\xda]", data)]]:
        with suppress(zlib.error):
            found += zlib.decompressobj().decompress(data[start:]).decode("latin-1")
    return found


# What was found to be left behind once.
EXPECTED = {
    "a job's result",
    "bounces_rawchunk.body",
    "contacts_activity.text",
    "contacts_importchunk.body",
    "contacts_importrun.name",
    "contacts_importstage.email",
    "crm_webhookdelivery.payload",
    "django_admin_log.object_repr",
    "django_session.session_data",
}


def residue(redis: Redis) -> set[str]:
    forms = {LOCAL, quote(quote(LOCAL)), json.dumps(LOCAL)[1:-1]}
    return {place for place, text in everything_kept(redis) if any(form in text.lower() for form in forms)}


# --- the tests --------------------------------------------------------------------------------------


def test_every_url_is_planted_or_takes_no_text() -> None:
    listed = {*PAGES, *TAKES_NO_TEXT, *REASONS_OF_RUNS, *ACCOUNTS, *EXPOSED}
    found = {
        url.name
        for url in every_url()
        if not url.name.startswith(("api:", "admin:")) and not OF_A_MODEL.match(url.name)
    }
    assert found - listed == set()


def test_every_operation_of_the_api_is_planted_or_takes_no_text() -> None:
    paths = SchemaGenerator().get_schema(public=True)["paths"]
    found = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods if method != "get"}
    assert found == {*API, *API_TAKES_NO_TEXT}


def test_every_command_is_planted_or_takes_no_text() -> None:
    found = {path.stem for path in Path(settings.BASE_DIR).glob("*/management/commands/*.py")} - {"__init__"}
    assert found == {*COMMANDS, *COMMANDS_TAKE_NO_TEXT}


@pytest.fixture
def world(transactional_db: None, redis: Redis, run_jobs: Any, tmp_path: Path, settings: Any) -> World:
    settings.RETURN_PATH_DOMAIN = "bounces.example.com"
    RUN_JOBS[:] = [run_jobs]
    user = a_user("admin")
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    client.force_login(user)
    a_custom_field("size")
    files_for_commands(tmp_path)
    contact = a_contact(EMAIL, first_name="Ada")
    return World(
        client, user, an_api_key(user, tuple(Scope.values))[1], tmp_path, contact, a_contact("other@c.example")
    )


def test_nothing_that_is_kept_names_an_erased_address(world: World, redis: Redis) -> None:
    doors = [*PAGES.values(), *API.values(), *COMMANDS.values(), sign_in, searches, admin]
    for door in doors:
        door(world)
        if not Contact.objects.filter(pk=world.contact.pk).exists():  # an undone import took the person along
            world.contact = a_contact(f"{EMAIL}")
    work(world)
    around(world)
    planted = residue(redis)
    assert len(planted) > 50, sorted(planted)
    tables = {re.sub(r"(?<=stage)_[0-9]+", "", place) for place in planted}  # a stage has its run's id in its name
    assert tables >= EXPECTED, (EXPECTED - tables, sorted(tables))
    assert Activity.objects.filter(text__contains=LOCAL).exists()
    assert Task.objects.filter(text__contains=LOCAL).exists()
    assert InboundItem.objects.filter(name__contains=LOCAL).exists()

    call_command("erase", EMAIL, "--reason", f"Asked to be forgotten, {EMAIL}.", "--yes")

    assert residue(redis) == set()
    assert check([EMAIL], timezone.now())[EMAIL].answer == "no"
    work(world)  # what ran meanwhile brings nothing back
    assert residue(redis) == set()
