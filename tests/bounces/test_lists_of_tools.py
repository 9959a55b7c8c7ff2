"""Lists that people bring from other tools: the same at the two pages, the command and the API; previewed at each."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces import process
from bounces.models import Address, Bounce, InboundItem, Suppression
from tests.bounces.provider_lists import upload
from tests.builders import a_user
from tests.tools import a_tool

pytestmark = pytest.mark.django_db

REPORTED = Path(settings.BASE_DIR).parent / "shared" / "reported" / "lists"
AT = "case-b.example.net"
# The tool as it is named, and what becomes of each person: why nothing is sent there, or what kind of bounce it was.
# Whoever is not named is left as they are.
FILES: dict[str, tuple[str, dict[str, str]]] = {
    "list_status_ac.csv": ("ActiveCampaign: contacts", {"ac1": "unsubscribe", "ac2": "bounce"}),
    "listmonk.csv": ("listmonk: subscribers", {"lm1": "manual"}),
    "mailchimp_clean.csv": ("Mailchimp: cleaned contacts", {"mc1": "bounce"}),
    "mailchimp_unsub.csv": ("Mailchimp: unsubscribed contacts", {"mc2": "unsubscribe"}),
    "sf_optout.csv": ("Salesforce: contacts or leads", {"oo3": "unsubscribe"}),
    "sup_activecampaign.csv": ("ActiveCampaign", {"ac5": "unsubscribe", "ac6": "bounce"}),
    "sup_addr_first.csv": ("Columns found by their names", {"sa1": "manual", "sa2": "manual"}),
    "sup_hubspot_unsub.csv": ("HubSpot: contacts with their bounces", {"hu1": "unsubscribe", "hu2": "bounce"}),
    "sup_mailgun.csv": ("Mailgun: bounces", {"mg1": "soft"}),
    "sup_plain.txt": ("Addresses alone", {"pl11": "manual", "pl12": "manual"}),
    "sup_sendgrid_bounces.csv": ("SendGrid: bounces or blocks", {"sg1": "hard", "sg2": "soft"}),
    "sup_sendgrid_unsub.csv": ("SendGrid: unsubscribes or spam reports", {"sg3": "unsubscribe"}),
    "sup_ses.csv": ("Amazon SES: suppression list", {"se3": "bounce", "se4": "complaint"}),
    "sup_ses.json": ("Amazon SES: suppression list", {"se1": "bounce", "se2": "complaint"}),
}


def effects() -> dict[str, str]:
    found = {one.address.email: one.reason for one in Suppression.objects.select_related("address") if one.address}
    return found | {one.address.email: str(one.kind) for one in Bounce.objects.select_related("address")}


def a_manager() -> Client:
    client = Client()
    client.force_login(a_user("manager"))
    return client


def by_upload(name: str, body: bytes) -> str:
    manager = a_manager()
    page = upload(manager, body, name).content.decode()
    assert not Address.objects.exists()
    confirm_on_page(manager)
    return page


def by_suppressing(name: str, body: bytes) -> str:
    manager = a_manager()
    given = {"file": SimpleUploadedFile(name, body), "note": "Our list in the former tool."}
    answer = manager.post(reverse("bounces:suppressions_add"), given, follow=True)
    page = answer.content.decode()
    assert not Address.objects.exists()
    if InboundItem.objects.exists():
        confirm_on_page(manager)
        return page
    text = answer.context["outlook"].listed.text
    manager.post(reverse("bounces:suppressions_add"), {"targets": text, "note": "x", "confirmed": "yes"})
    return page


def confirm_on_page(manager: Client) -> None:
    path = reverse("bounces:provider_list", args=[InboundItem.objects.latest("pk").pk])
    tells = manager.get(path).context["preview"].tells or "suppressions"
    manager.post(path, {"tells": tells})
    process.run_flow(timezone.now)


def by_command(name: str, body: bytes, folder: Path) -> str:
    path = folder / name
    path.write_bytes(body)
    told = io.StringIO()
    says = [] if has_own_words(name) else ["--as", "suppressions"]
    call_command("ingest", str(path), *says, stdout=told)
    assert not Address.objects.exists()
    call_command("ingest", str(path), "--yes", *says, stdout=io.StringIO())
    return told.getvalue()


def by_api(name: str, body: bytes) -> str:
    tool = a_tool()
    answer = tool.client.post("/api/v1/suppressions/lists/", {"file": SimpleUploadedFile(name, body)})
    brought = answer.json()
    assert answer.status_code == 201, brought
    assert not Address.objects.exists()
    says = {} if brought["preview"]["tells"] else {"tells": "suppressions"}
    assert tool.post(f"suppressions/lists/{brought['id']}/confirm/", says).status_code == 202
    process.run_flow(timezone.now)
    assert tool.get(f"suppressions/lists/{brought['id']}/").json()["state"] == "done"
    return json.dumps(brought)


def has_own_words(name: str) -> bool:
    return name not in ("sup_addr_first.csv", "sup_plain.txt")


DOORS: dict[str, Callable[[str, bytes, Path], str]] = {
    "upload": lambda name, body, _: by_upload(name, body),
    "suppressions": lambda name, body, _: by_suppressing(name, body),
    "command": by_command,
    "api": lambda name, body, _: by_api(name, body),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", FILES)
def test_a_reported_list_becomes_the_same_at_every_door(name: str, door: str, tmp_path: Path) -> None:
    if not (REPORTED / name).exists():
        pytest.skip("the reported lists are not here")
    tool, people = FILES[name]

    told = DOORS[door](name, (REPORTED / name).read_bytes(), tmp_path)

    assert effects() == {f"{who}@{AT}": effect for who, effect in people.items()}
    assert tool in told or (door == "suppressions" and not has_own_words(name))


def test_every_reported_list_of_suppressions_has_its_row() -> None:
    if not REPORTED.exists():
        pytest.skip("the reported lists are not here")
    assert {path.name for path in REPORTED.glob("sup_*")} <= FILES.keys()


def test_a_workbook_is_refused_by_name_at_every_door(tmp_path: Path) -> None:
    body = a_workbook()
    manager, tool, said = a_manager(), a_tool(), "This is a workbook"

    by_page = upload(manager, body, "list.xlsx").content.decode()
    given = {"file": SimpleUploadedFile("list.xlsx", body), "note": "x"}
    by_form = manager.post(reverse("bounces:suppressions_add"), given).content.decode()
    by_tool = tool.client.post("/api/v1/suppressions/lists/", {"file": SimpleUploadedFile("list.xlsx", body)})

    assert (said in by_page, "This is not a text file" in by_form, by_tool.status_code) == (True, True, 400)
    assert said in by_tool.content.decode()


def a_workbook() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return file.getvalue()


def test_the_api_keeps_nothing_of_what_is_no_list_and_confirms_once() -> None:
    tool = a_tool()
    refused = tool.post("suppressions/lists/", {"name": "x.csv", "text": "Name,City\nAda,NYC\n"})
    given = {"name": "unsub.csv", "text": "email\nada@b.example\n"}
    brought = tool.post("suppressions/lists/", given).json()
    again = tool.post("suppressions/lists/", given)
    path = f"suppressions/lists/{brought['id']}/confirm/"

    assert (refused.status_code, brought["preview"]["tells"], again.status_code) == (400, "unsubscribes", 200)
    assert [tool.post(path, {}).status_code for _ in "12"] == [202, 409]


def test_the_api_asks_what_addresses_alone_are() -> None:
    tool = a_tool()
    brought = tool.post("suppressions/lists/", {"text": "email,created\nada@b.example,1443651141\n"}).json()
    path = f"suppressions/lists/{brought['id']}"

    looked = tool.get(f"{path}/", tells="complaints").json()["preview"]
    assert (brought["preview"]["tells"], looked["becomes"]) == ("", {"complained": 1})
    assert tool.post(f"{path}/confirm/", {}).status_code == 400
    assert tool.post(f"{path}/confirm/", {"tells": "complaints"}).status_code == 202


def test_targets_can_be_tried_before_they_are_suppressed() -> None:
    answer = a_tool().post("suppressions/", {"targets": ["ada@b.example"], "note": "x", "dry_run": True})

    assert (answer.json()["added"], Suppression.objects.count()) == (1, 0)
