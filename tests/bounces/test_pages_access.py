"""Who may open which page about bounces: each page is tried by those who may and by those who may not."""

import pytest
from django.test import Client
from django.urls import reverse

from bounces.models import Ruling
from tests.builders import (
    a_bounce,
    a_cleaning_run,
    a_decision,
    a_suppression,
    a_user,
    an_address,
    an_evidence,
    an_inbound_item,
)

pytestmark = pytest.mark.django_db


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(a_user(role))
    return client


EVERYONE = ["list", "complaints", "bounce", "address", "cleaning", "cleaning_run", "cleaning_progress", "cleaning_csv"]
EVERYONE += ["review", "ask_restore"]
MANAGERS = ["upload", "upload_progress", "inbox", "item", "release_item", "discard", "restore", "lift", "cleaning_undo"]
MANAGERS += ["review_count", "review_group", "repair"]
DEEDS = ["retry", "cleaning_apply", "cleaning_cancel", "cleaning_pause", "cleaning_resume", "cleaning_undo_rows"]
DEEDS += ["review_decide", "review_undo"]


def url_of(name: str) -> str:
    if name == "review_group":
        return reverse("bounces:review_group", args=["unknown"])
    makers = {
        "ask_restore": an_address,
        "review_undo": a_decision,
        "bounce": a_bounce,
        "address": an_address,
        "restore": an_address,
        "lift": a_suppression,
        "item": an_inbound_item,
        "raw": an_inbound_item,
        "retry": an_inbound_item,
        "discard": an_inbound_item,
        "release_item": an_inbound_item,
        "cleaning_run": a_cleaning_run,
        "cleaning_progress": a_cleaning_run,
        "cleaning_csv": a_cleaning_run,
        "cleaning_apply": a_cleaning_run,
        "cleaning_cancel": a_cleaning_run,
        "cleaning_pause": a_cleaning_run,
        "cleaning_resume": a_cleaning_run,
        "cleaning_undo": a_cleaning_run,
        "cleaning_undo_rows": a_cleaning_run,
    }
    return reverse(f"bounces:{name}", args=[makers[name]().pk] if name in makers else [])


@pytest.mark.parametrize("name", EVERYONE)
def test_everyone_who_is_signed_in_opens_what_sales_may_see(name):
    url = url_of(name)
    assert [signed_in(role).get(url).status_code for role in ("sales", "manager", "admin")] == [200, 200, 200]


@pytest.mark.parametrize("name", MANAGERS)
def test_managers_open_what_sales_may_not(name):
    url = url_of(name)
    assert [signed_in(role).get(url).status_code for role in ("sales", "manager", "admin")] == [403, 200, 200]


@pytest.mark.parametrize("name", DEEDS)
def test_managers_do_what_sales_may_not(name):
    url = url_of(name)
    assert [signed_in(role).post(url).status_code for role in ("sales", "manager")] == [403, 302]


@pytest.mark.parametrize("name", DEEDS)
def test_looking_at_a_deed_does_nothing(name):
    assert signed_in("manager").get(url_of(name)).status_code == 405


@pytest.mark.parametrize("name", [*EVERYONE, *MANAGERS, "raw"])
def test_strangers_are_sent_to_sign_in(name):
    response = Client().get(url_of(name))
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))


def test_sales_read_the_mail_behind_a_bounce_and_no_other_mail():
    evidence = an_inbound_item()
    an_evidence(inbound_item_id=evidence.pk)
    other = an_inbound_item(b"Subject: on holiday\r\n\r\nprivate\r\n")
    sales = signed_in("sales")
    urls = [reverse("bounces:raw", args=[item.pk]) for item in (evidence, other)]
    assert [sales.get(url).status_code for url in urls] == [200, 403]
    assert signed_in("manager").get(urls[1]).status_code == 200


def test_sales_cannot_restore_by_posting_either():
    address = an_address(status="invalid")
    response = signed_in("sales").post(reverse("bounces:restore", args=[address.pk]), {"reason": "I want to"})
    assert response.status_code == 403
    assert not Ruling.objects.exists()


def test_sales_cannot_upload_by_posting_either():
    assert signed_in("sales").post(reverse("bounces:upload"), {}).status_code == 403


def test_the_buttons_of_managers_are_not_shown_to_sales():
    address = an_address(status="invalid")
    url = reverse("bounces:address", args=[address.pk])
    restore = reverse("bounces:restore", args=[address.pk])
    assert restore in signed_in("manager").get(url).content.decode()
    assert restore not in signed_in("sales").get(url).content.decode()
