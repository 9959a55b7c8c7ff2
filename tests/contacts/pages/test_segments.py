"""The pages of segments."""

import pytest
from django.urls import reverse

from contacts.models import Segment
from tests.builders import a_contact, a_segment, a_user
from tests.contacts.pages.seen import text_of

pytestmark = pytest.mark.django_db


# --- companies --------------------------------------------------------------------------------------


def test_a_segments_name_that_is_taken_is_said_at_the_field(client, sales):
    a_segment("Bad")
    form = client.post(reverse("contacts:segment_new") + "?status=invalid", {"name": "bad"}).context["form"]
    assert "There is a segment called “Bad” already" in form.errors["name"][0]


# --- segments ---------------------------------------------------------------------------------------


def test_a_filter_is_saved_as_a_segment(client, sales):
    a_contact(status="invalid")
    url = reverse("contacts:segment_new") + "?status=invalid&country=DE&sort=name"
    assert "0 contacts fit" in text_of(client.get(url))
    response = client.post(url, {"name": "Bad Germans"})
    segment = Segment.objects.get()
    assert (segment.filter, segment.owner) == ({"status": ["invalid"], "country": ["DE"]}, sales)
    assert response.url == f"/contacts/?segment={segment.pk}"


def test_a_segment_of_a_segment_takes_its_words_over(client, sales):
    first = a_segment(status=["invalid"])
    client.post(reverse("contacts:segment_new") + f"?segment={first.pk}&country=DE", {"name": "Second"})
    assert Segment.objects.get(name="Second").filter == {"status": ["invalid"], "country": ["DE"]}


def test_an_empty_filter_is_no_segment(client, sales):
    assert client.get(reverse("contacts:segment_new")).url == reverse("contacts:list")


def test_the_list_of_segments_counts_whom_each_finds(client, sales):
    a_contact(status="invalid")
    a_segment("Bad", status=["invalid"])
    a_segment("Good", status=["valid"])
    rows = client.get(reverse("contacts:segments")).context["rows"]
    assert [(str(row["segment"]), int(row["size"])) for row in rows] == [("Bad", 1), ("Good", 0)]


def test_segments_are_changed_by_their_owner_and_managers(client, sales):
    segment = a_segment(status=["invalid"])
    edit, delete = (reverse(f"contacts:segment_{verb}", args=[segment.pk]) for verb in ("edit", "delete"))
    assert client.get(edit).status_code == client.post(delete).status_code == 403
    client.force_login(a_user("manager"))
    client.post(edit, {"name": "Renamed"})
    assert Segment.objects.get().name == "Renamed"
    client.post(delete)
    assert not Segment.objects.exists()
