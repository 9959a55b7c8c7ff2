"""One contact: its verdict, its timeline, its notes, and whom it shares an address with."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from contacts.models import Activity
from tests.builders import (
    a_bounce,
    a_campaign,
    a_complaint,
    a_contact,
    a_note,
    a_ruling,
    a_status_change,
    a_suppression,
    a_user,
    an_address,
    an_attempt,
    days_ago,
)
from tests.contacts.pages.seen import text_of
from tests.tools import a_tool

pytestmark = pytest.mark.django_db


# --- one contact ------------------------------------------------------------------------------------


def test_the_page_says_why_an_address_may_not_be_written_to(client, sales):
    contact = a_contact("ada@example.org")
    an_address("ada@example.org", status="invalid", status_rule="hard_bounce", status_changed_at=days_ago(2))
    evidence = {"reason": "userunknown", "smtp_code": 550, "enhanced_code": "5.1.1", "last_at": days_ago(2).isoformat()}
    a_status_change("ada@example.org", evidence=evidence, at=days_ago(2))
    page = text_of(client.get(contact.get_absolute_url()))
    assert "No</span>" in page
    assert "(550 5.1.1)" in page


@pytest.mark.parametrize("fields", [{}, {"first_name": "", "last_name": ""}])
def test_a_contact_without_an_address_has_a_page(client, sales, fields):
    contact = a_contact(email=None, **fields)
    assert str(contact) in text_of(client.get(contact.get_absolute_url()))


def test_a_contact_without_a_name_is_headed_by_its_address(client, sales):
    contact = a_contact("ada@example.org", first_name="", last_name="")
    assert client.get(contact.get_absolute_url()).context["heading"] == "ada@example.org"


def test_the_timeline_tells_everything_newest_first(client, sales):
    contact = a_contact("ada@example.org")
    a_note(contact, "Likes tea.", at=days_ago(1), by=sales)
    a_status_change("ada@example.org", to_status="at_risk", rule="", at=days_ago(2))
    a_bounce("ada@example.org", occurred_at=days_ago(3), diagnostic="550 gone <b>")
    a_complaint("ada@example.org", occurred_at=days_ago(4))
    a_ruling("ada@example.org", reason="She called.", at=days_ago(5))
    a_suppression("ada@example.org", "manual", created_at=days_ago(6))
    an_attempt("ada@example.org", sent_at=days_ago(7), delivered_at=days_ago(7), opens=2)
    entries = client.get(contact.get_absolute_url()).context["timeline"].entries
    assert [entry.source for entry in entries] == [
        "activity", "change", "bounce", "complaint", "ruling", "suppression", "attempt",
    ]  # fmt: skip
    assert entries[2].quote == "550 gone <b>"
    assert "opened 2 ×" in entries[6].text.lower()


def test_a_change_of_an_address_the_contact_once_had_stays_in_its_timeline(client, sales):
    contact = a_contact("new@example.org")
    change = a_status_change("old@example.org")
    Activity.objects.create(contact=contact, kind="status_changed", at=change.at, status_change_id=change.pk)
    a_status_change("strangers@example.org")
    entries = client.get(contact.get_absolute_url()).context["timeline"].entries
    assert [entry.email for entry in entries] == ["old@example.org"]


def test_the_timeline_is_paged_without_gaps_or_repeats(client, sales):
    contact = a_contact("ada@example.org")
    moment = days_ago(1)
    for number in range(13):
        a_note(contact, f"note {number}", at=moment)
        a_bounce("ada@example.org", occurred_at=moment)
        an_attempt("ada@example.org", sent_at=days_ago(2 + number))
    seen, older = [], reverse("contacts:timeline", args=[contact.pk])
    timeline = client.get(contact.get_absolute_url()).context["timeline"]
    while True:
        seen += [(entry.source, entry.pk) for entry in timeline.entries]
        if not timeline.next_cursor:
            break
        timeline = client.get(older, {"older": timeline.next_cursor}).context["timeline"]
    assert len(seen) == len(set(seen)) == 39


@pytest.mark.parametrize("cursor", ["nonsense", "2026-01-01~note~1", "2026-01-01T00:00:00+00:00~activity~" + "9" * 40])
def test_a_cursor_made_up_by_hand_breaks_nothing(client, sales, cursor):
    contact = a_contact()
    assert client.get(contact.get_absolute_url(), {"older": cursor}).status_code == 200


@pytest.mark.parametrize("number", [1, 12])
def test_a_contact_asks_the_same_number_of_questions_however_much_happened(
    client, sales, number, django_assert_max_num_queries
):
    contact = a_contact("ada@example.org", others=tuple(f"ada{n}@example.org" for n in range(number)))
    for position in range(number):
        a_bounce("ada@example.org")
        an_attempt(f"ada{position}@example.org", campaign_key=f"c{position}")
        a_note(contact, by=a_user())
        a_status_change(f"ada{position}@example.org", actor=a_user("manager"))
        a_suppression(f"ada{position}@example.org", created_by=a_user("manager"))
        a_campaign(members=(contact,))
    with django_assert_max_num_queries(25):
        client.get(contact.get_absolute_url())


def test_managers_restore_and_lift_and_sales_do_not(client):
    contact = a_contact("ada@example.org", status="invalid")
    a_suppression("ada@example.org")
    links = ("/restore/", "/lift/")
    client.force_login(a_user("manager"))
    page = text_of(client.get(contact.get_absolute_url()))
    assert all(link in page for link in links)
    client.force_login(a_user("sales"))
    page = text_of(client.get(contact.get_absolute_url()))
    assert not any(link in page for link in links)


def test_what_one_may_not_see_looks_like_what_is_not_there(client, settings):
    settings.SALES_SEE = "team"
    hidden = a_contact(owner=a_user())
    client.force_login(a_user("sales"))
    for name in ("contact", "edit", "timeline"):
        assert client.get(reverse(f"contacts:{name}", args=[hidden.pk])).status_code == 404
        assert client.get(reverse(f"contacts:{name}", args=[2**63 + 5])).status_code == 404
    assert client.post(reverse("contacts:note", args=[hidden.pk]), {"text": "x"}).status_code == 404
    client.force_login(a_user("manager"))
    assert client.get(hidden.get_absolute_url()).status_code == 200


# --- notes, deletion --------------------------------------------------------------------------------


def test_a_note_appears_in_the_history(client, sales):
    contact = a_contact(owner=a_user())
    response = client.post(
        reverse("contacts:note", args=[contact.pk]), {"text": "Likes tea."}, headers={"HX-Request": "true"}
    )
    assert "Likes tea." in text_of(response)
    assert Activity.objects.get(kind="note").by == sales


def test_an_empty_note_is_answered_at_the_field(client, sales):
    contact = a_contact()
    response = client.post(reverse("contacts:note", args=[contact.pk]), {"text": " "})
    assert "Write something first." in text_of(response)
    assert not Activity.objects.filter(kind="note").exists()


def test_managers_delete_and_sales_do_not(client):
    contact = a_contact()
    url = reverse("contacts:delete", args=[contact.pk])
    client.force_login(a_user("sales"))
    assert client.post(url).status_code == 403
    client.force_login(a_user("manager"))
    assert client.get(url).status_code == 405
    assert client.post(url).status_code == 302
    assert client.get(contact.get_absolute_url()).status_code == 404


# --- the form ---------------------------------------------------------------------------------------


def test_a_shared_address_says_who_else_has_it(client, sales, settings):
    ada, bob = a_contact("office@b.example", last_name="Lovelace"), a_contact("office@b.example", last_name="Miller")
    page = client.get(ada.get_absolute_url()).content.decode()
    assert "Shared with" in page
    assert bob.get_absolute_url() in page
    settings.SALES_SEE = "team"
    type(bob).objects.filter(pk=bob.pk).update(owner=a_user("manager"))
    page = " ".join(client.get(ada.get_absolute_url()).content.decode().split())
    assert "1 contact not shown here" in page
    assert "Miller" not in page


def test_an_address_of_one_contact_alone_says_nothing_of_sharing(client, sales):
    contact, gone = a_contact("ada@b.example"), a_contact("ada@b.example")
    type(gone).objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    assert "Shared with" not in client.get(contact.get_absolute_url()).content.decode()


def test_many_who_share_are_counted_and_cost_no_more(client, sales, django_assert_max_num_queries):
    contact = a_contact("office@b.example")
    for number in range(8):
        a_contact("office@b.example", last_name=f"Miller {number}")
    with django_assert_max_num_queries(30):
        page = " ".join(client.get(contact.get_absolute_url()).content.decode().split())
    assert "Miller 4" in page
    assert "3 other contacts not shown here" in page


def test_a_desk_is_answered_with_caution_and_a_sentence_everywhere(client, sales):
    contact = a_contact("info@b.example", status="valid")
    sentence = "A desk’s address, not a person’s; leave it out unless you mean it."
    assert sentence in client.get(contact.get_absolute_url()).content.decode()
    wanted = {"form": "csv", "columns": ["email", "verdict_reason"]}
    export = b"".join(client.post(reverse("contacts:export_new"), wanted).streaming_content).decode()
    assert sentence in export
    tool = a_tool()
    shown = tool.get(f"contacts/{contact.pk}/").json()["addresses"][0]
    assert (shown["verdict"], sentence in shown["sentence"]) == ("caution", True)
    for verdict in tool.post("check/", {"addresses": ["info@b.example", "sales@new.example"]}).json()["results"]:
        assert (verdict["verdict"], verdict["reason"]) == ("caution", "role_account")
        assert sentence in verdict["sentence"]


# --- what to do next --------------------------------------------------------------------------------


def offered(response):
    """The links and buttons of the page's head, in their order."""
    head = response.content.decode().partition('<div class="page-actions">')[2].partition("</header>")[0]
    found = re.findall(r"<(?:a|button)\b[^>]*>(?:\s*<svg.*?</svg>)?\s*([^<]+?)\s*</", head, flags=re.S)
    return [words for words in found if words not in ("Add to campaign",)] if "to-campaign" not in head else found


def test_whom_the_verdict_allows_is_offered_a_campaign_first(client, manager):
    a_campaign("Spring")
    contact = a_contact("ada@example.org", status="valid")
    assert offered(client.get(contact.get_absolute_url()))[:1] == ["Add to campaign"]


def test_whom_the_verdict_refuses_is_offered_no_campaign_but_a_way_back(client, sales):
    a_campaign("Spring", owner=sales)
    contact = a_contact("ada@example.org", status="invalid")
    assert offered(client.get(contact.get_absolute_url())) == ["Ask to restore…", "Edit"]


def test_a_suppression_is_lifted_before_anything_is_restored(client, manager):
    contact = a_contact("ada@example.org", status="invalid")
    a_suppression("ada@example.org", "manual")
    assert offered(client.get(contact.get_absolute_url()))[:2] == ["Lift suppression…", "Restore…"]


def test_erasing_merging_and_deleting_come_last_in_a_menu(client, admin):
    contact = a_contact("ada@example.org", status="valid")
    assert offered(client.get(contact.get_absolute_url())) == ["Write", "Edit", "More", "Merge…", "Delete…", "Erase…"]


def test_a_contact_is_added_to_a_campaign_from_its_page(client, manager):
    campaign, contact = a_campaign("Spring"), a_contact("ada@example.org", status="valid")
    sent = {
        "pk": contact.pk,
        "to_campaign": campaign.pk,
        "action": "add_to_campaign",
        "next": contact.get_absolute_url(),
    }
    assert client.post(reverse("contacts:bulk"), sent).url == contact.get_absolute_url()
    assert list(campaign.contacts.all()) == [contact]
    page = client.get(contact.get_absolute_url()).content.decode()
    assert 'id="to-campaign"' not in page
