"""A preview whose tables are gone, as after a crash of the database: it is read again, and no page fails."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from contacts.importing import holding, working
from contacts.importing.report import report_of
from contacts.importing.staging import found_of, judged_of, stage_of
from contacts.models import Contact, ImportRun
from tests.builders import a_contact, a_user
from tests.contacts.test_api_imports import brought, worked
from tests.tools import Tool, a_tool

pytestmark = pytest.mark.django_db

LOSSES = {
    "the tables are dropped": "DROP TABLE {stage}, {found}, {judged}",
    "the verdicts are dropped": "DROP TABLE {judged}",
    "a crash has emptied them": "TRUNCATE {stage}, {found}, {judged}",
}
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())


def a_lost_preview(tool: Tool, loss: str) -> ImportRun:
    run = ImportRun.objects.get(pk=brought(tool)["id"])
    with connection.cursor() as cursor:
        cursor.execute(loss.format(stage=stage_of(run), found=found_of(run), judged=judged_of(run)))
    return run


@every_loss
def test_api_says_that_a_lost_preview_is_read_again(loss: str):
    tool = a_tool()
    run = a_lost_preview(tool, loss)
    found = tool.get(f"imports/{run.pk}/").json()
    assert (found["state"], found["total"], found["counts"]) == ("staging", 0, {})


@every_loss
def test_rows_of_a_lost_preview_are_refused_until_they_are_read_again(loss: str):
    tool = a_tool()
    run = a_lost_preview(tool, loss)
    refused = [tool.get(f"imports/{run.pk}/rows/") for _ in range(2)]
    assert [answer.status_code for answer in refused] == [409, 409]
    assert "not judged yet" in refused[0].json()["errors"][0]["detail"]
    working.work(run.pk, timezone.now)
    assert [row["verdict"] for row in tool.get(f"imports/{run.pk}/rows/").json()["results"]] == ["new", "invalid"]


@every_loss
def test_page_of_a_lost_preview_shows_that_it_is_read_again(client: Any, loss: str):
    run = a_lost_preview(a_tool(), loss)
    client.force_login(a_user("manager"))
    page = client.get(reverse("contacts:import_run", args=[run.pk]), follow=True)
    assert page.status_code == 200
    assert holding.LOST in page.content.decode()
    assert ImportRun.objects.get().state == "staging"


@every_loss
def test_a_lost_preview_can_be_confirmed_all_the_same(loss: str):
    tool = a_tool()
    run = a_lost_preview(tool, loss)
    done = worked(tool, tool.post(f"imports/{run.pk}/confirm/", {}))
    assert (done["state"], done["written"], Contact.objects.count()) == ("done", {"new": 1}, 1)


@every_loss
def test_report_of_a_lost_preview_says_so(loss: str):
    report = report_of(a_lost_preview(a_tool(), loss), timezone.now())
    assert (report.is_preview, report.fault) == (False, holding.LOST)


def test_a_preview_of_rows_that_change_nothing_is_not_taken_for_a_lost_one():
    a_contact("ada@x.example", first_name="Ada", last_name="")
    tool = a_tool()
    run = brought(tool, [{"email": "ada@x.example", "first_name": "Ada"}])
    assert tool.get(f"imports/{run['id']}/").json()["state"] == "ready"
