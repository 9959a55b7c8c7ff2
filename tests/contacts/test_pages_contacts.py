"""The list of contacts, a contact's page, its form and its notes."""

import pytest
from django.urls import reverse
from django.utils import timezone

from contacts.models import Activity, Contact, ContactAddress
from tests.builders import (
    a_bounce,
    a_campaign,
    a_company,
    a_complaint,
    a_contact,
    a_custom_field,
    a_note,
    a_ruling,
    a_status_change,
    a_suppression,
    a_user,
    an_address,
    an_attempt,
    days_ago,
)
from tests.tools import a_tool

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def sales(client):
    user = a_user("sales", name="Sam Sales")
    client.force_login(user)
    return user


@pytest.fixture
def manager(client):
    user = a_user("manager", name="Mia Manager")
    client.force_login(user)
    return user


def text_of(response):
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def names_in(response):
    return [contact.last_name for contact in response.context["page"].items]


# --- the list ---------------------------------------------------------------------------------------


def test_strangers_are_sent_to_sign_in(client):
    contact = a_contact()
    for url in (reverse("contacts:list"), contact.get_absolute_url(), reverse("contacts:new")):
        assert client.get(url).status_code == 302


def test_an_empty_house_says_what_to_do_first(client, sales):
    assert "No contacts yet" in text_of(client.get(reverse("contacts:list")))


def test_the_list_shows_status_owner_company_and_tags(client, sales):
    a_contact("ada@example.org", status="at_risk", company="Navy", tags=("vip",), owner=sales)
    page = text_of(client.get(reverse("contacts:list")))
    for words in ("ada@example.org", "At risk", "Navy", "vip", "Sam Sales"):
        assert words in page


def test_a_filter_narrows_and_says_so_in_chips(client, sales):
    a_contact(status="invalid", last_name="Bad", country="DE")
    a_contact(status="valid", last_name="Good")
    response = client.get(reverse("contacts:list"), {"status": "invalid", "country": "DE", "owner": ""})
    assert names_in(response) == ["Bad"]
    assert [(chip.text, chip.without) for chip in response.context["chips"]] == [
        ("Invalid", "country=DE"),
        ("Germany", "status=invalid"),
    ]


def test_a_filter_that_fits_nobody_offers_to_clear_it(client, sales):
    a_contact()
    assert "No contact fits" in text_of(client.get(reverse("contacts:list"), {"q": "zzz"}))


def test_a_word_that_makes_no_sense_is_said_and_left_out(client, sales):
    a_contact()
    page = text_of(client.get(reverse("contacts:list"), {"status": "broken"}))
    assert "“broken” is not a status" in page
    assert "Lovelace" in page


def test_the_answer_to_htmx_names_the_clean_address(client, sales):
    a_contact()
    response = client.get(
        reverse("contacts:list"), {"q": "ada", "status": "", "sort": "name"}, headers={"HX-Request": "true"}
    )
    assert response["HX-Push-Url"] == "/contacts/?q=ada&sort=name"


def test_sorting_and_pages_keep_the_filter(client, sales, monkeypatch):
    for name in "CAB":
        a_contact(last_name=name)
    assert names_in(client.get(reverse("contacts:list"), {"sort": "name"})) == ["A", "B", "C"]
    assert names_in(client.get(reverse("contacts:list"), {"sort": "-name"})) == ["C", "B", "A"]
    assert client.get(reverse("contacts:list"), {"sort": "password", "after": "%%%"}).status_code == 200


def test_a_suppressed_address_is_marked_whatever_its_status(client, sales):
    a_contact("ada@example.org", status="valid")
    a_suppression("ada@example.org", "unsubscribe")
    assert "Do not write" in text_of(client.get(reverse("contacts:list")))


def test_hostile_names_are_only_text(client, sales):
    contact = a_contact(first_name="<script>alert(1)</script>", tags=("<b>",), company="<i>Corp")
    for url in (reverse("contacts:list"), contact.get_absolute_url(), contact.company.get_absolute_url()):
        page = text_of(client.get(url))
        assert "<script>alert" not in page
        assert "<i>Corp" not in page


@pytest.mark.parametrize("number", [2, 12])
def test_the_list_asks_the_same_number_of_questions_for_any_length(
    client, sales, number, django_assert_max_num_queries
):
    for position in range(number):
        a_contact(company=f"Company {position}", tags=("a", f"b{position}"), owner=a_user(), status="valid")
    with django_assert_max_num_queries(15):
        assert len(names_in(client.get(reverse("contacts:list")))) == number


# --- one contact ------------------------------------------------------------------------------------


def test_the_page_says_why_an_address_may_not_be_written_to(client, sales):
    contact = a_contact("ada@example.org")
    an_address("ada@example.org", status="invalid", status_rule="hard_bounce", status_changed_at=days_ago(2))
    evidence = {"reason": "userunknown", "smtp_code": 550, "enhanced_code": "5.1.1", "last_at": days_ago(2).isoformat()}
    a_status_change("ada@example.org", evidence=evidence, at=days_ago(2))
    page = text_of(client.get(contact.get_absolute_url()))
    assert "Do not write." in page
    assert "(550 5.1.1)" in page


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
    with django_assert_max_num_queries(22):
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

TYPED = {"first_name": "Grace", "last_name": "Hopper", "address-0": "Grace@Navy.example", "primary": "0"}


def test_a_new_contact_belongs_to_its_maker_unless_they_say_otherwise(client, sales):
    response = client.get(reverse("contacts:new"))
    assert response.context["form"]["owner"].value() == sales.pk
    response = client.post(
        reverse("contacts:new"), {**TYPED, "owner": sales.pk, "tags": "vip, fair", "company": "Navy"}
    )
    contact = Contact.objects.get()
    assert response.url == contact.get_absolute_url()
    assert (contact.owner, contact.company.name, contact.tags.count()) == (sales, "Navy", 2)


def test_errors_stand_at_their_fields_and_keep_what_was_typed(client, sales):
    a_custom_field("size", "number", label="Size")
    typed = {**TYPED, "address-0": "not an address", "custom.size": "big", "phone": "x" * 51}
    response = client.post(reverse("contacts:new"), typed)
    page = text_of(response)
    form = response.context["form"]
    assert "“not an address” is not an e-mail address" in page
    assert form.errors["custom.size"] == ["“big” is not a number. Write it like 12 or 12.5."]
    assert "At most 50 characters" in form.errors["phone"][0]
    assert 'value="not an address"' in page
    assert not Contact.objects.exists()


def test_an_address_that_somebody_has_is_shared_only_on_purpose(client, sales):
    other = a_contact("grace@navy.example", last_name="Other")
    response = client.post(reverse("contacts:new"), TYPED)
    assert response.context["sharing"] == [other]
    assert Contact.objects.count() == 1
    client.post(reverse("contacts:new"), {**TYPED, "share": "on"})
    assert ContactAddress.objects.filter(address__email="grace@navy.example").count() == 2


def test_addresses_are_added_removed_and_made_primary(client, sales):
    contact = a_contact("one@example.org", others=("two@example.org",), owner=sales)
    typed = {
        "last_name": "Hopper",
        "address-0": "one@example.org",
        "remove-0": "on",
        "address-1": "two@example.org",
        "address-2": "three@example.org",
        "primary": "2",
    }
    client.post(reverse("contacts:edit", args=[contact.pk]), typed)
    reached = contact.contact_addresses.order_by("-is_primary").values_list("address__email", "is_primary")
    assert list(reached) == [("three@example.org", True), ("two@example.org", False)]


def test_the_form_shows_what_is_there_and_saves_it_unchanged(client, sales):
    a_custom_field("member", "yes_no", label="Member")
    contact = a_contact(
        "one@example.org", company=a_company("Navy"), tags=("vip",), custom={"member": True}, owner=sales
    )
    form = client.get(reverse("contacts:edit", args=[contact.pk])).context["form"]
    typed = {bound.name: bound.value() or "" for bound in form} | {"owner": sales.pk}
    assert (typed["custom.member"], str(typed["company"]), typed["tags"]) == ("yes", "Navy", "vip")
    client.post(reverse("contacts:edit", args=[contact.pk]), {**typed, "address-0": "one@example.org", "primary": "0"})
    assert not contact.activities.filter(kind="edited").exists()


def test_sales_edit_own_and_unowned_contacts_and_managers_everyones(client, sales):
    own, unowned, bobs = a_contact(owner=sales), a_contact(), a_contact(owner=a_user())
    answers = [client.get(reverse("contacts:edit", args=[contact.pk])).status_code for contact in (own, unowned, bobs)]
    assert answers == [200, 200, 403]
    assert client.post(reverse("contacts:edit", args=[bobs.pk]), TYPED).status_code == 403
    client.force_login(a_user("manager"))
    assert client.get(reverse("contacts:edit", args=[bobs.pk])).status_code == 200


def test_company_names_are_suggested_from_those_one_sees(client, settings):
    settings.SALES_SEE = "team"
    a_company("Navy", owner=a_user())
    client.force_login(a_user("sales"))
    url = reverse("contacts:company_names")
    assert "Navy" not in text_of(client.get(url, {"company": "nav"}))
    client.force_login(a_user("manager"))
    assert "Navy" in text_of(client.get(url, {"company": "nav"}))


def test_one_more_address_row_comes_with_the_button_for_the_next(client, sales):
    page = text_of(client.get(reverse("contacts:address_row"), {"number": "3"}))
    assert 'name="address-3"' in page
    assert "number=4" in page


def test_nothing_on_the_pages_breaks_the_content_policy(client, manager):
    contact = a_contact("ada@example.org", status="invalid", company="Navy")
    urls = ("contacts:list", "contacts:new", "contacts:companies", "contacts:campaigns", "contacts:segments")
    for url in [
        *[reverse(name) for name in urls],
        contact.get_absolute_url(),
        reverse("contacts:edit", args=[contact.pk]),
    ]:
        page = text_of(client.get(url))
        assert " style=" not in page
        assert "<style" not in page
        assert " onclick=" not in page


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
