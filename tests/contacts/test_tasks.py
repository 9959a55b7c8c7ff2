"""Tasks: my list, a contact's list, marking one done, and whose affair that is."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contacts.models import Contact, Task
from tests.builders import a_contact, a_user

pytestmark = pytest.mark.django_db

LIST = reverse("contacts:tasks")


@pytest.fixture
def sales():
    return a_user("sales")


@pytest.fixture
def client(sales) -> Client:
    client = Client()
    client.force_login(sales)
    return client


def a_task(text: str = "Call her.", contact: Contact | None = None, **fields) -> Task:
    return Task.objects.create(contact=contact or a_contact(), text=text, **fields)


def test_my_list_has_my_open_tasks_the_most_urgent_first(client, sales):
    today = timezone.now().date()
    a_task("Some day.", owner=sales)
    a_task("Tomorrow.", owner=sales, due_on=today + timedelta(days=1))
    a_task("Too late.", owner=sales, due_on=today - timedelta(days=1))
    a_task("Another's.", owner=a_user())
    a_task("Over.", owner=sales, done_at=timezone.now())
    page = client.get(LIST).content.decode()
    places = [page.index(text) for text in ("Too late.", "Tomorrow.", "Some day.")]
    assert places == sorted(places)
    assert "was due" in page
    assert "Another" not in page
    assert "Over." not in page


@pytest.mark.parametrize(("name", "shown"), [("nobody", "Nobody’s one."), ("done", "Over."), ("all", "Another’s.")])
def test_the_other_lists(client, sales, name, shown):
    a_task("Nobody’s one.")
    a_task("Another’s.", owner=a_user())
    a_task("Over.", owner=sales, done_at=timezone.now())
    assert shown in client.get(f"{LIST}?list={name}").content.decode()


def test_a_task_is_marked_done_without_leaving_the_page_and_opened_again(client, sales):
    task = a_task(owner=sales)
    url = reverse("contacts:task_done", args=[task.pk])
    answer = client.post(url, headers={"HX-Request": "true"}).content.decode()
    task.refresh_from_db()
    assert task.done_at
    assert task.done_by == sales
    assert answer.lstrip().startswith("<li")
    client.post(url, {"reopen": "yes"})
    task.refresh_from_db()
    assert task.done_at is None


def test_a_task_is_added_on_the_contacts_page_and_shown_there(client, sales):
    contact = a_contact()
    client.post(reverse("contacts:task_add", args=[contact.pk]), {"text": "Call her.", "due_on": "2027-01-31"})
    assert Task.objects.get().owner == sales
    assert "due 31 January 2027" in client.get(contact.get_absolute_url()).content.decode()


def test_a_task_says_what_is_to_be_done(client):
    contact = a_contact()
    response = client.post(reverse("contacts:task_add", args=[contact.pk]), {"text": " "}, follow=True)
    assert "Say what is to be done." in response.content.decode()
    assert not Task.objects.exists()


def test_others_tasks_on_others_contacts_are_not_mine_to_finish(client):
    task = a_task(contact=a_contact(owner=a_user()), owner=a_user())
    url = reverse("contacts:task_done", args=[task.pk])
    assert client.post(url).status_code == 403
    manager = Client()
    manager.force_login(a_user("manager"))
    assert manager.post(url).status_code == 302


def test_a_task_of_a_deleted_contact_is_gone_from_the_list(client, sales):
    a_task("Call her.", contact=a_contact(deleted_at=timezone.now()), owner=sales)
    assert "Call her." not in client.get(LIST).content.decode()


def test_the_list_asks_the_same_number_of_queries_however_long_it_is(client, sales, django_assert_max_num_queries):
    for _ in range(10):
        a_task(owner=sales)
    with django_assert_max_num_queries(5):
        client.get(LIST)
