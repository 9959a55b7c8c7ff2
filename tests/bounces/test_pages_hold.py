"""Holding an address, and releasing it: a manager's decision, with a reason, that the history keeps."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces.models import Ruling
from bounces.verdict import verdicts_of
from tests.builders import a_user, an_address

pytestmark = pytest.mark.django_db


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(a_user(role))
    return client


def url_of(name: str, pk: int) -> str:
    return reverse(f"bounces:{name}", args=[pk])


def test_a_held_address_is_not_written_to_until_it_is_released():
    pk = an_address(status="valid").pk
    manager = signed_in("manager")
    manager.post(url_of("hold", pk), {"reason": "She changes jobs."})
    assert "She changes jobs" in verdicts_of([pk], timezone.now())[pk].sentence
    assert verdicts_of([pk], timezone.now())[pk].answer == "no"
    assert url_of("release", pk) in manager.get(url_of("address", pk)).content.decode()
    manager.post(url_of("release", pk))
    assert verdicts_of([pk], timezone.now())[pk].answer == "yes"
    ruling = Ruling.objects.get()
    assert (ruling.reason, ruling.lifted_by_id is not None) == ("She changes jobs.", True)


def test_holding_needs_a_reason():
    pk = an_address().pk
    assert "Say why" in signed_in("manager").post(url_of("hold", pk), {"reason": " "}).content.decode()
    assert not Ruling.objects.exists()


def test_releasing_what_is_not_held_says_so():
    pk = an_address("ada@b.example").pk
    page = signed_in("manager").post(url_of("release", pk), follow=True).content.decode()
    assert "ada@b.example is not held." in page


@pytest.mark.parametrize("name", ["hold", "release"])
def test_sales_neither_hold_nor_release(name):
    pk = an_address().pk
    assert signed_in("sales").post(url_of(name, pk), {"reason": "x"}).status_code == 403
    assert signed_in("manager").post(url_of(name, pk), {"reason": "x"}).status_code == 302
    assert url_of("hold", pk) not in signed_in("sales").get(url_of("address", pk)).content.decode()
