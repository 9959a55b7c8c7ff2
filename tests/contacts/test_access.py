"""Who sees and changes what. Every rule is asserted in both directions."""

import pytest
from django.contrib.auth.models import AnonymousUser

from contacts import access
from contacts.checks import check_sales_see
from tests.builders import NOW, a_campaign, a_company, a_contact, a_segment, a_team, a_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    return a_team()


def test_sales_see_everything_by_default():
    contact = a_contact(owner=a_user())
    assert list(access.contacts_for(a_user("sales"))) == [contact]


def test_a_setting_narrows_sales_to_their_team_and_the_unowned(settings, team):
    settings.SALES_SEE = "team"
    me = a_user("sales", team=team)
    seen = [a_contact(owner=me), a_contact(owner=a_user(team=team)), a_contact()]
    a_contact(owner=a_user(team=a_team()))
    a_contact(owner=a_user())
    assert list(access.contacts_for(me).order_by("id")) == seen


def test_without_a_team_they_see_their_own_and_the_unowned(settings):
    settings.SALES_SEE = "team"
    me = a_user("sales")
    seen = [a_contact(owner=me), a_contact()]
    a_contact(owner=a_user())
    assert list(access.contacts_for(me).order_by("id")) == seen


def test_the_setting_narrows_companies_and_campaigns_too(settings):
    settings.SALES_SEE = "team"
    me, other = a_user("sales"), a_user("sales")
    mine, theirs = a_company(owner=me), a_company(owner=other)
    my_campaign, their_campaign = a_campaign(owner=me), a_campaign(owner=other)
    assert list(access.companies_for(me)) == [mine]
    assert list(access.campaigns_for(me)) == [my_campaign]
    assert set(access.companies_for(a_user("manager"))) == {mine, theirs}
    assert set(access.campaigns_for(a_user("manager"))) == {my_campaign, their_campaign}


def test_managers_see_everyones_whatever_the_setting(settings):
    settings.SALES_SEE = "team"
    contact = a_contact(owner=a_user())
    assert list(access.contacts_for(a_user("manager"))) == [contact]


def test_nobody_sees_deleted_contacts():
    a_contact(deleted_at=NOW)
    assert not access.contacts_for(a_user("admin")).exists()


@pytest.mark.parametrize(
    "scoped", ["contacts_for", "companies_for", "campaigns_for", "segments_for", "changeable_contacts"]
)
def test_strangers_and_people_who_left_see_nothing(scoped):
    a_contact(company="Navy")
    a_campaign()
    a_segment()
    assert not getattr(access, scoped)(AnonymousUser()).exists()
    assert not getattr(access, scoped)(a_user("manager", is_active=False)).exists()
    assert getattr(access, scoped)(a_user("sales")).exists()


def test_the_set_of_changeable_contacts_agrees_with_the_single_answer():
    me = a_user("sales")
    contacts = [a_contact(owner=me), a_contact(), a_contact(owner=a_user())]
    assert [access.can_change_contact(me, contact) for contact in contacts] == [True, True, False]
    assert set(access.changeable_contacts(me)) == set(contacts[:2])
    assert set(access.changeable_contacts(a_user("manager"))) == set(contacts)


def test_companies_are_changed_like_contacts():
    me = a_user("sales")
    assert access.can_change_company(me, a_company(owner=me))
    assert not access.can_change_company(me, a_company(owner=a_user()))
    assert access.can_change_company(a_user("manager"), a_company(owner=me))


def test_campaigns_are_changed_by_their_owner_and_by_managers():
    me = a_user("sales")
    assert access.can_change_campaign(me, a_campaign(owner=me))
    assert not access.can_change_campaign(me, a_campaign())
    assert access.can_change_campaign(a_user("manager"), a_campaign(owner=me))


def test_segments_are_changed_by_their_owner_and_by_managers():
    me, segment = a_user("sales"), a_segment()
    assert not access.can_change_segment(me, segment)
    segment.owner = me
    assert access.can_change_segment(me, segment)
    assert access.can_change_segment(a_user("manager"), segment)


def test_an_unknown_value_of_the_setting_stops_the_start(settings):
    assert check_sales_see(None) == []
    settings.SALES_SEE = "everyone"
    assert [fault.id for fault in check_sales_see(None)] == ["contacts.E001"]
