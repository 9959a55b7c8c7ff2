"""Who sees which entry of the navigation, and which one is current."""

import pytest
from django.urls import reverse

from crm import navigation
from tests.builders import a_user

pytestmark = pytest.mark.django_db


def links(user, path="/"):
    return [link for _, group in navigation.groups(user, path) for link in group]


def labels(user):
    return {link.label for link in links(user)}


def current(user, path):
    return [link.label for link in links(user, path) if link.is_current]


def test_an_admin_sees_everything():
    everything = {entry.label for entries in navigation.ENTRIES.values() for entry in entries}
    assert labels(a_user("admin")) == everything


def test_sales_see_no_door_that_is_closed_to_them():
    assert not labels(a_user("sales")) & {"Upload", "Inbox", "Admin", "Queue"}


def test_a_manager_uploads_but_does_not_administer():
    seen = labels(a_user("manager"))
    assert {"Upload", "Inbox"} <= seen
    assert not seen & {"Admin", "Queue"}


def test_the_dashboard_is_current_on_its_own_page_alone():
    user = a_user("manager")
    assert current(user, reverse("dashboard")) == ["Dashboard"]
    assert current(user, "/somewhere/else/") == []


def test_the_entry_with_the_longest_url_is_current():
    user = a_user("manager")
    assert current(user, reverse("bounces:upload")) == ["Upload"]
    assert current(user, reverse("bounces:bounce", args=[7])) == ["Bounces"]


def test_a_phone_has_room_for_four_tabs_and_more():
    assert sum(link.in_tabs for link in links(a_user("sales"))) == 4
