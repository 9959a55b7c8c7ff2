"""The words of a filter, and whom they find."""

import pytest
from django.db import connection
from django.http import QueryDict

from contacts.chips import chips_of
from contacts.filters import MOST_VALUES, ORDERS, STATUSES, VERDICTS, find_contacts, read_words, with_primary, words_of
from contacts.models import Contact
from tests.builders import a_campaign, a_company, a_contact, a_segment, a_user
from tests.contacts.importing import done

pytestmark = pytest.mark.django_db


def found(params, user=None):
    words, errors = read_words(params)
    assert errors == {}
    return list(find_contacts(user or a_user("manager"), words).order_by("id"))


def test_without_words_everyone_is_found():
    contact = a_contact()
    assert found({}) == [contact]


def test_each_status_is_that_of_the_primary_address():
    bad = a_contact("bad@example.org", status="invalid", others=("good@example.org",))
    risky, without = a_contact(status="at_risk"), a_contact(email=None)
    a_contact(status="valid")
    assert found({"status": "invalid"}) == [bad]
    assert found({"status": ["invalid", "at_risk"]}) == [bad, risky]
    assert found({"status": "none"}) == [without]


def test_a_verdict_is_that_on_the_primary_address():
    desk, gone = a_contact("info@b.example", status="valid"), a_contact(status="invalid", others=("fine@b.example",))
    fine = a_contact(status="valid")
    a_contact(email=None)
    assert found({"verdict": "yes"}) == [fine]
    assert found({"verdict": ["caution", "no"]}) == [desk, gone]
    assert found({"verdict": "role_account"}) == [desk]
    assert found({"verdict": "silent"}) == []
    assert "yes, caution, no, silent, role_account, disposable" in read_words({"verdict": "perhaps"})[1]["verdict"]


def test_owners_are_people_me_or_nobody():
    me, bob = a_user(), a_user()
    mine, bobs, nobodys = a_contact(owner=me), a_contact(owner=bob), a_contact()
    assert found({"owner": "me"}, me) == [mine]
    assert found({"owner": str(bob.pk)}) == [bobs]
    assert found({"owner": ["none", "me"]}, me) == [mine, nobodys]


def test_several_tags_must_all_be_there():
    both = a_contact(tags=("vip", "Fair"))
    one = a_contact(tags=("vip",))
    assert found({"tag": "VIP"}) == [both, one]
    assert found({"tag": ["vip", "fair"]}) == [both]
    assert found({"tag": ["vip", "VIP"]}) == [both, one]
    assert found({"tag": ["vip", "unheard of"]}) == []


def test_a_filter_with_the_most_values_of_every_word_is_planned_at_once():
    words = {word: [str(number) for number in range(1, MOST_VALUES + 1)] for word in ("tag", "owner")}
    words |= {"verdict": list(VERDICTS)[:MOST_VALUES], "status": list(STATUSES), "country": ["DE", "FR"]}
    contacts = find_contacts(a_user("admin"), words)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '10s'")
    assert list(with_primary(contacts)) == []


def test_companies_countries_sources_and_text():
    company = a_company("Navy")
    contact = a_contact(company=company, country="US", source="fair.csv", last_name="Hopper")
    lone = a_contact(country="DE")
    assert found({"company": company.pk}) == [contact]
    assert found({"company": "navy"}) == [contact]
    assert found({"company": "none"}) == [lone]
    assert found({"country": ["us", "FR"]}) == [contact]
    assert found({"source": "fair.csv"}) == [contact]
    assert found({"q": "hopp nav"}) == [contact]


def test_a_campaign_finds_its_members_where_the_user_sees_it(settings):
    settings.SALES_SEE = "team"
    manager, sales = a_user("manager"), a_user("sales")
    member = a_contact()
    a_contact()
    campaign = a_campaign(members=(member,), owner=manager)
    assert found({"campaign": campaign.key}, manager) == [member]
    assert found({"campaign": campaign.key}, sales) == []


def test_a_segment_adds_its_words_to_the_others():
    contact = a_contact(status="invalid", country="DE")
    a_contact(status="invalid", country="US")
    a_contact(status="valid", country="DE")
    segment = a_segment(status=["invalid"])
    assert found({"segment": segment.pk, "country": "DE"}) == [contact]
    assert found({"segment": "999"}) == []


def test_a_segment_cannot_hold_itself():
    segment = a_segment(status=["invalid"])
    segment.filter["segment"] = [str(segment.pk)]
    assert words_of(segment) == {"status": ["invalid"]}


def test_nobody_finds_what_they_may_not_see(settings):
    settings.SALES_SEE = "team"
    a_contact(owner=a_user(), last_name="Hopper")
    assert found({"q": "hopper"}, a_user("sales")) == []
    assert len(found({"q": "hopper"})) == 1


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("status", "broken"),
        ("owner", "bob"),
        ("owner", "9" * 30),
        ("country", "Germany"),
        ("segment", "-1"),
        ("q", "x" * 201),
        ("q", "a\x00"),
        ("company", ["1", "2"]),
    ],
)
def test_a_value_that_makes_no_sense_is_named_and_left_out(word, value):
    words, errors = read_words({word: value, "status": "valid"} if word != "status" else {word: value})
    assert list(errors) == [word]
    assert word not in words


def test_a_url_and_a_segments_json_are_read_alike():
    words = {"q": ["ada"], "status": ["invalid", "at_risk"]}
    assert read_words(QueryDict("q=ada&status=invalid&status=at_risk&page=2&tag=")) == (words, {})
    assert read_words({"q": "ada", "status": ["invalid", "at_risk"], "tag": None, "sort": "name"}) == (words, {})


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_shows_every_contact_once(order):
    from bounces.paging import page_of

    expected = {
        a_contact(company="Navy", status="invalid"),
        a_contact(email=None),
        a_contact(company="Army"),
        a_contact(),
    }
    rows = with_primary(find_contacts(a_user("manager"), {})).select_related("company")
    first = page_of(rows, ORDERS[order], size=2)
    second = page_of(rows, ORDERS[order], after=first.next_cursor, size=2)
    assert {*first.items, *second.items} == expected
    assert second.next_cursor == ""


def test_an_import_finds_whom_it_made_or_changed_and_nobody_else():
    a_contact("same@b.example", first_name="Same")
    changed = a_contact("bob@b.example", first_name="Rob")
    run = done("email,first_name\nada@b.example,Ada\nbob@b.example,Bob\nsame@b.example,Same\nnot one,Eve\n")
    other = done("email\nzoe@b.example\n")
    ada = Contact.objects.get(first_name="Ada")
    assert found({"import": run.pk}) == [changed, ada]
    assert [each.pk for each in found({"import": str(other.pk)})] == [Contact.objects.latest("pk").pk]
    assert found({"import": "999999"}) == []
    assert read_words({"import": "x"})[1] == {"import": "“x” is not an import's id."}


def test_an_import_is_called_by_its_file_where_people_may_import():
    run = done("email\nada@b.example\n")
    words, _ = read_words({"import": run.pk})
    assert [chip.text for chip in chips_of(words, a_user("manager"))] == [str(run)]
    assert [chip.text for chip in chips_of(words, a_user("sales"))] == [str(run.pk)]
