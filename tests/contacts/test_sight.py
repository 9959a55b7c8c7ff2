"""With REBOUND_SALES_SEE=team, Sales see nothing of the addresses of other teams' contacts, through whatever door."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from bounces import sight
from bounces.models import Address, Bounce, RejudgedBounce, Rejudging
from contacts.exporting.runs import stream
from tests.builders import (
    NOW,
    a_bounce,
    a_campaign,
    a_cleaning_row,
    a_cleaning_run,
    a_complaint,
    a_contact,
    a_daily_stat,
    a_paused_guard,
    a_status_change,
    a_suppression,
    a_team,
    a_user,
    an_address,
    an_api_key,
    an_attempt,
    an_evidence,
    an_inbound_item,
    an_open_incident,
)
from tests.crm.signin.test_doors import views

pytestmark = pytest.mark.django_db
HIDDEN = "hidden.person"


class Planted:
    """One contact with everything that can be known of its address."""

    def __init__(self, email: str, owner: Any) -> None:
        self.contact = a_contact(email, owner=owner, first_name="Planted")
        self.address = Address.objects.get(email=email)
        self.mail = an_inbound_item(f"To: {email}\r\n\r\nno such user\r\n".encode(), state="done", finished_at=NOW)
        self.incident = an_open_incident()
        attempt = an_attempt(self.address)
        self.bounce = a_bounce(
            self.address,
            attempt_id=attempt.pk,
            standing="held",
            incident_id=self.incident.pk,
            diagnostic=f"550 5.1.1 <{email}> unknown",
        )
        an_evidence(self.bounce, inbound_item_id=self.mail.pk)
        self.complaint = a_complaint(self.address, inbound_item_id=self.mail.pk)
        a_status_change(self.address)
        self.suppression = a_suppression(self.address)
        self.run = a_cleaning_run()
        a_cleaning_row(self.run, self.address)

    def rejudged(self) -> Any:
        run = a_cleaning_run(rejudges=True)
        Rejudging.objects.create(run=run)
        verdict = {"kind": "hard", "fault": "recipient", "reason": "userunknown"}
        values = {f"{side}_{name}": value for side in ("from", "to") for name, value in verdict.items()}
        RejudgedBounce.objects.create(
            run=run, bounce=self.bounce, address_id=self.address.pk, moves=False, decided_by=1, **values
        )
        a_cleaning_row(run, self.address)
        return run

    def row_of(self, path: str) -> Any:
        """The row that a page with this path is about."""
        by_prefix = {
            "bounces/": self.bounce, "addresses/": self.address, "suppressions/": self.suppression,
            "incidents/": self.incident, "inbox/": self.mail, "cleaning/": self.run, "contacts/": self.contact,
        }  # fmt: skip
        path = path.removeprefix("api/v1/")
        return next((row for prefix, row in by_prefix.items() if path.startswith(prefix)), self.contact)


@pytest.fixture
def team(settings: Any) -> Any:
    settings.SALES_SEE = "team"
    return a_team()


@pytest.fixture
def me(team: Any) -> Any:
    return a_user("sales", team=team)


@pytest.fixture
def theirs(team: Any) -> Planted:
    return Planted(f"{HIDDEN}@rival.example", a_user("sales", team=a_team()))


@pytest.fixture
def ours(me: Any) -> Planted:
    return Planted("seen.person@friend.example", me)


def client_of(user: Any) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def every_path() -> set[str]:
    """That is no admin's."""
    return {
        view.path for view in views() if not view.path.startswith(("admin", "accounts", "in/")) and "^" not in view.path
    }


def told_by(client: Client, planted: Planted, word: str, among: Collection[str] = ()) -> set[str]:
    """The paths that answer with the word, of all or of some."""
    told = set()
    for path in every_path().intersection(among) if among else every_path():
        url = "/" + re.sub(r"<[^<>]+>", str(planted.row_of(path).pk), path)
        # What is typed is shown again, so less than the whole word is typed.
        for ask in ("", "?show=addresses", "?download=1", f"?q={word[:-1]}", f"?domain={planted.address.domain}"):
            answer = client.get(url + ask)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            if word in body.decode(errors="replace"):
                told.add(path)
    return told


def test_no_page_and_no_api_tells_of_another_teams_address(me, theirs):
    assert told_by(client_of(me), theirs, HIDDEN) == set()
    theirs.run = theirs.rejudged()
    assert told_by(client_of(me), theirs, HIDDEN) == set()


def test_the_same_pages_tell_of_the_own_teams_addresses(me, ours):
    paths = {
        "bounces/", "bounces/complaints/", "bounces/<int:pk>/", "addresses/<int:pk>/", "inbox/<int:pk>/raw/",
        "incidents/<int:pk>/", "cleaning/<int:pk>/", "cleaning/<int:pk>/rows.csv", "api/v1/bounces/",
        "api/v1/bounces/<int:pk>/",
    }  # fmt: skip
    assert told_by(client_of(me), ours, "seen.person", paths) == paths


def a_bad_campaign(planted: Planted, key: str) -> None:
    """With numbers of today, a guard that paused it, and a bounce that an incident holds."""
    campaign = a_campaign(f"Campaign {key}", key=key, owner=planted.contact.owner, state="running")
    a_daily_stat(timezone.now().date(), campaign=campaign, attempted=100, bounced=9)
    a_paused_guard(key, "campaign")
    Bounce.objects.filter(pk=planted.bounce.pk).update(campaign_key=key)


def test_no_page_and_no_api_names_another_teams_campaign(me, theirs):
    a_bad_campaign(theirs, "rivalry")

    assert told_by(client_of(me), theirs, "rivalry") == set()
    assert client_of(me).get("/reputation/", {"by": "campaign", "key": "rivalry"}).status_code == 404


@pytest.mark.parametrize("role", ["own", "manager"])
def test_the_same_pages_name_campaigns_of_the_own_team_and_managers_see_all(me, ours, role):
    a_bad_campaign(ours, "friendship")

    client = client_of(me if role == "own" else a_user("manager"))

    assert "friendship" in client.get("/reputation/").content.decode()
    assert client.get("/reputation/", {"by": "campaign", "key": "friendship"}).status_code == 200


def test_a_campaign_that_nobody_owns_is_named_to_all(me):
    a_daily_stat(timezone.now().date(), campaign=a_campaign(key="common"), attempted=100, bounced=1)

    assert "common" in client_of(me).get("/reputation/").content.decode()


def test_managers_see_everybodys(theirs):
    paths = {"bounces/", "api/v1/bounces/", "cleaning/<int:pk>/rows.csv"}
    assert told_by(client_of(a_user("manager")), theirs, HIDDEN, paths) == paths


@pytest.mark.parametrize("role", ["sales", "manager"])
def test_sales_see_everybodys_by_default(settings, theirs, role):
    settings.SALES_SEE = "all"
    assert client_of(a_user(role)).get(f"/addresses/{theirs.address.pk}/").status_code == 200


def test_a_key_sees_what_its_user_sees(me, ours, theirs):
    _key, secret = an_api_key(me, ("bounces:read",))
    headers = {"Authorization": f"Bearer {secret}"}
    listed = Client().get("/api/v1/bounces/", headers=headers).json()["results"]
    assert [bounce["id"] for bounce in listed] == [ours.bounce.pk]
    assert Client().get(f"/api/v1/bounces/{theirs.bounce.pk}/", headers=headers).status_code == 404
    found = Client().get("/api/v1/bounces/", {"email": theirs.address.email}, headers=headers)
    assert found.json()["results"] == []


@pytest.mark.parametrize("what", ["bounces", "cleaning"])
def test_an_export_has_what_its_person_sees(me, ours, theirs, what):
    a_cleaning_row(ours.run, theirs.address)
    params = {"run": str(ours.run.pk)} if what == "cleaning" else {}
    body = b"".join(stream(what, "csv", params, [], me, NOW)).decode()
    assert "seen.person" in body
    assert HIDDEN not in body


def test_a_mail_about_several_people_is_read_only_by_who_sees_them_all(me, ours, theirs):
    an_evidence(theirs.bounce, inbound_item_id=ours.mail.pk)
    assert client_of(me).get(f"/inbox/{ours.mail.pk}/raw/").status_code == 403
    assert "raw/" not in client_of(me).get(f"/bounces/{ours.bounce.pk}/").content.decode()
    assert client_of(a_user("manager")).get(f"/inbox/{ours.mail.pk}/raw/").status_code == 200


def test_a_providers_events_are_read_only_by_who_sees_everything(me, ours):
    item = an_inbound_item(b'[{"email": "a"}]', form="events", state="done", finished_at=NOW)
    an_evidence(ours.bounce, inbound_item_id=item.pk)
    assert client_of(me).get(f"/inbox/{item.pk}/raw/").status_code == 403


def test_nobody_asks_about_an_address_that_they_do_not_see(me, theirs):
    assert client_of(me).get(f"/addresses/{theirs.address.pk}/ask/").status_code == 404
    assert client_of(me).post(f"/addresses/{theirs.address.pk}/ask/", {"reason": "Please."}).status_code == 404


def test_a_shared_address_is_seen_by_either_team(me, theirs):
    a_contact(theirs.address.email, owner=me)
    assert client_of(me).get(f"/addresses/{theirs.address.pk}/").status_code == 200


def test_addresses_of_nobody_and_of_deleted_contacts_are_not_shown(me, ours, theirs):
    orphan = an_address("orphan@example.org")
    gone = Planted("gone@friend.example", me)
    gone.contact.deleted_at = NOW
    gone.contact.save()
    assert set(sight.addresses_for(me)) == {ours.address}
    assert {orphan, gone.address, theirs.address} <= set(sight.addresses_for(a_user("manager")))


def test_the_scope_costs_nothing_where_everybody_sees_everything(settings, theirs):
    settings.SALES_SEE = "all"
    assert str(sight.bounces_for(a_user("sales")).query) == str(Bounce.objects.select_related("address").query)
