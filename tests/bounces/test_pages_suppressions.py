"""Suppressions: the list, adding one or many with a preview, lifting by a person with a reason, the file."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces.models import Address, Suppression
from bounces.suppression_lists import read_list
from bounces.suppressions import NotAPerson, lift_many
from bounces.verdict import check
from tests.builders import a_suppression, a_user, an_address

pytestmark = pytest.mark.django_db

LIST = reverse("bounces:suppressions")
ADD = reverse("bounces:suppressions_add")
LIFT = reverse("bounces:suppressions_lift")
EXPORT = reverse("bounces:suppressions_csv")


@pytest.fixture
def manager() -> Client:
    client = Client()
    client.force_login(a_user("manager", name="Mara Manager"))
    return client


def text_of(response) -> str:
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return body.decode()


def test_the_list_says_whom_why_by_whom_and_since_when(manager):
    a_suppression("ada@b.example", note="Asked by phone.", created_by=a_user(name="Sam Sales"))
    page = text_of(manager.get(LIST))
    assert "ada@b.example" in page
    assert "Asked by phone." in page
    assert "by Sam Sales" in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", {"ada", "bob", "whole.example"}),
        ("?state=", {"ada", "bob", "whole.example", "old", "free"}),
        ("?state=expired", {"old"}),
        ("?state=lifted", {"free"}),
        ("?scope=domain", {"whole.example"}),
        ("?reason=complaint", {"bob"}),
        ("?q=ada@b", {"ada"}),
        ("?q=whole", {"whole.example"}),
    ],
)
def test_the_filters_narrow_the_list_and_the_file_alike(manager, query, shown):
    now = timezone.now()
    a_suppression("ada@b.example")
    a_suppression("bob@c.example", "complaint")
    a_suppression(domain="whole.example", reason="manual")
    a_suppression("old@d.example", expires_at=now - timedelta(days=1))
    a_suppression("free@e.example", lifted_at=now, lifted_by=a_user("manager"), lift_reason="Wrote again.")
    names = ("ada", "bob", "whole.example", "old", "free")
    addresses = {name: name if "." in name else f"{name}@" for name in names}
    for url in (LIST, EXPORT):
        page = text_of(manager.get(url + query))
        assert {
            name
            for name in names
            if f">{addresses[name]}" in page.replace("everyone at ", "") or f"\n{addresses[name]}" in page
        } == shown


def test_an_erased_address_is_found_by_its_whole_text(manager):
    a_suppression("gone@b.example", "unsubscribe")
    Address.objects.all().delete()
    page = text_of(manager.get(f"{LIST}?q=Gone@B.example"))
    assert "an erased address" in page
    assert "Unsubscribed" in page


def test_the_list_asks_the_same_number_of_queries_however_long_it_is(manager, django_assert_max_num_queries):
    for number in range(12):
        a_suppression(f"p{number}@b.example", created_by=a_user())
    with django_assert_max_num_queries(6):
        manager.get(LIST)


def test_one_address_is_suppressed_at_once(manager):
    manager.post(ADD, {"targets": "Ada@B.example", "note": "She asked."})
    one = Suppression.objects.get()
    assert (one.target, one.reason, one.note, one.created_by.name) == (
        "ada@b.example", "manual", "She asked.", "Mara Manager"
    )  # fmt: skip
    assert check(["ada@b.example"], timezone.now())["ada@b.example"].answer == "no"


def test_a_list_is_shown_before_anything_is_changed_and_then_added(manager):
    a_suppression("ada@b.example")
    an_address("someone@whole.example")
    page = text_of(manager.post(ADD, {"targets": "ada@b.example\nbob@b.example\nwhole.example\nbob at b", "note": "x"}))
    assert Suppression.objects.count() == 1
    assert "1 known address" in page
    assert "bob at b" in page
    response = manager.post(
        ADD, {"targets": "ada@b.example\nbob@b.example\nwhole.example", "note": "x", "confirmed": "yes"}, follow=True
    )
    assert "2 are suppressed now. 1 was already." in text_of(response)
    assert {one.target for one in Suppression.objects.all()} == {
        "ada@b.example", "bob@b.example", "everyone at whole.example"
    }  # fmt: skip


def test_adding_the_same_list_again_adds_nothing(manager):
    sent = {"targets": "ada@b.example\nb.example", "note": "x", "confirmed": "yes"}
    manager.post(ADD, sent)
    manager.post(ADD, sent)
    assert Suppression.objects.count() == 2


def test_a_csv_is_read_by_its_column(manager):
    body = "Name,Email\nAda,ada@b.example\nBob,bob@b.example\n".encode("utf-8-sig")
    page = text_of(manager.post(ADD, {"file": SimpleUploadedFile("list.csv", body), "note": "x"}))
    assert "ada@b.example\nbob@b.example" in page


def test_our_own_export_can_be_read_back(manager):
    a_suppression("+tag@b.example")
    a_suppression(domain="whole.example", reason="manual")
    listed = read_list(text_of(manager.get(EXPORT)))
    assert (listed.emails, listed.domains, listed.bad) == (["+tag@b.example"], ["whole.example"], [])


def test_our_own_export_changes_nothing_where_it_comes_from(manager):
    a_suppression("ada@b.example", reason="complaint")
    a_suppression("bob@b.example", reason="unsubscribe", note='said "no",\nand again')
    a_suppression("cleo@b.example", reason="manual", expires_at=timezone.now() + timedelta(days=9))
    a_suppression("dan@b.example", lifted_at=timezone.now(), lifted_by=a_user(name="Sam Sales"), lift_reason="Asked.")
    a_suppression("old@b.example", reason="manual", expires_at=timezone.now() - timedelta(days=1))
    a_suppression(domain="whole.example", reason="manual")
    before = list(Suppression.objects.order_by("pk").values())
    exported = SimpleUploadedFile("all.csv", text_of(manager.get(f"{EXPORT}?state=all")).encode())

    page = text_of(manager.post(ADD, {"file": exported, "note": "x", "confirmed": "yes"}))

    assert ("It is lifted: left out." in page, "It is expired: left out." in page) == (True, True)
    assert list(Suppression.objects.order_by("pk").values()) == before


def test_a_quote_that_does_not_close_swallows_nobody(manager):
    body = b'Email,Name\nada@b.example,"Ada\nbob@b.example,Bob\n'
    page = text_of(manager.post(ADD, {"file": SimpleUploadedFile("list.csv", body), "note": "x"}))
    assert "ada@b.example\nbob@b.example" in page


def test_the_second_line_of_a_quoted_cell_is_nobody(manager):
    body = b'Name,Email\n"Ada,\nsmith.example",ada@b.example\n'
    listed = read_list(body.decode())
    assert (listed.emails, listed.domains, listed.bad) == (["ada@b.example"], [], [])


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"targets": "ada@b.example", "note": " "}, "Say why: others read it before they lift it."),
        ({"targets": " ", "note": "x"}, "Name at least one address or domain"),
        ({"targets": "ada@b.example", "note": "x", "until": "2001-01-01"}, "That day has passed"),
        ({"targets": "ada@b.example\n" * 90_000, "note": "x"}, "The list is larger than 1 MB."),
        ({"file": SimpleUploadedFile("a.xlsx", b"PK\x03\x04\xff\xfe"), "note": "x"}, "This is not a text file."),
        ({"targets": "not an address", "note": "x"}, "This is neither an address nor a domain."),
        ({"targets": "Smith", "note": "x"}, "This is neither an address nor a domain."),
    ],
)
def test_what_cannot_be_added_says_why_and_changes_nothing(manager, sent, says):
    assert says in text_of(manager.post(ADD, sent))
    assert not Suppression.objects.exists()


def test_a_suppression_ends_with_its_last_day(manager):
    day = timezone.now().date() + timedelta(days=3)
    manager.post(ADD, {"targets": "ada@b.example", "note": "x", "until": day.isoformat()})
    suppression = Suppression.objects.get()
    assert suppression.state_at(timezone.now() + timedelta(days=3) - timedelta(hours=timezone.now().hour)) == "in_force"
    assert suppression.state_at(timezone.now() + timedelta(days=4)) == "expired"


def test_what_has_expired_is_suppressed_anew_with_its_own_reason(manager):
    a_suppression("ada@b.example", note="long ago", expires_at=timezone.now() - timedelta(days=1))
    manager.post(ADD, {"targets": "ada@b.example", "note": "now"})
    old, new = Suppression.objects.order_by("pk")
    assert (old.state_at(timezone.now()), new.state_at(timezone.now()), new.note) == ("lifted", "in_force", "now")


def test_a_shorter_end_does_not_shorten_what_holds_for_ever(manager):
    a_suppression("ada@b.example")
    day = (timezone.now() + timedelta(days=3)).date().isoformat()
    manager.post(ADD, {"targets": "ada@b.example", "note": "x", "until": day})
    assert Suppression.objects.get().expires_at is None


def test_the_ticked_ones_are_lifted_together_with_one_reason(manager):
    ids = [a_suppression(f"p{number}@b.example", "complaint").pk for number in range(2)]
    page = text_of(manager.get(LIFT, {"pk": ids}))
    assert "Recipients asked for some of these" in page
    manager.post(LIFT, {"pk": ids, "reason": ""})
    assert not Suppression.objects.exclude(lifted_at=None).exists()
    manager.post(LIFT, {"pk": ids, "reason": "Both wrote."})
    lifted = Suppression.objects.all()
    assert {(one.lift_reason, one.lifted_by.name) for one in lifted} == {("Both wrote.", "Mara Manager")}


@pytest.mark.parametrize("ids", [[], ["x"], ["99999999999999999999"], ["0"]])
def test_lifting_nothing_says_so(manager, ids):
    assert "Tick the suppressions to lift first." in text_of(manager.get(LIFT, {"pk": ids}, follow=True))


def test_no_machine_lifts_a_complaint():
    suppression = a_suppression("ada@b.example", "complaint")
    with pytest.raises(NotAPerson):
        lift_many([suppression.pk], None, "cleaned up", timezone.now())


def test_the_file_holds_no_formula(manager):
    a_suppression("ada@b.example", note="=cmd()")
    assert "'=cmd()" in text_of(manager.get(EXPORT))


@pytest.mark.parametrize("url", [LIST, ADD, LIFT, EXPORT])
def test_suppressions_are_the_affair_of_managers(url, manager):
    sales = Client()
    sales.force_login(a_user("sales"))
    assert sales.get(url).status_code == 403
    assert manager.get(url).status_code in (200, 302)


def test_sales_cannot_suppress_or_lift_by_posting_either():
    suppression = a_suppression("ada@b.example")
    sales = Client()
    sales.force_login(a_user("sales"))
    assert sales.post(ADD, {"targets": "bob@b.example", "note": "x"}).status_code == 403
    assert sales.post(LIFT, {"pk": [suppression.pk], "reason": "x"}).status_code == 403
    assert Suppression.objects.get().lifted_at is None
