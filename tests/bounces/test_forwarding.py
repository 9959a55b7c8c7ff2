"""Mail to a contact that is forwarded to a dead mailbox: the contact is invalid, and nobody knows the stranger."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from bounces.models import Address, Bounce
from bounces.sentences import explain_bounce
from tests.bounces.arriving import a_bounce_mail, a_multipart, a_recipient
from tests.bounces.flowing import ingested
from tests.builders import a_contact, a_user

pytestmark = pytest.mark.django_db

WE_WROTE_TO, STRANGER = "info@firma.example", "erika.privat@gmx.example"
ORIGINAL = f"rfc822; {WE_WROTE_TO}"


def a_forwarded_bounce(written_to: str = WE_WROTE_TO) -> bytes:
    about = a_recipient(STRANGER, Remote_MTA="dns; mx00.gmx.example", Original_Recipient=ORIGINAL)
    return a_multipart(
        "report; report-type=delivery-status",
        ("text/plain", "Your message could not be delivered."),
        ("message/delivery-status", f"Reporting-MTA: dns; mx.firma.example\n\n{about}"),
        (
            "message/rfc822",
            f"From: sales@rebound.example\nTo: {written_to}\nMessage-ID: <one@rebound.example>\n\nHello.",
        ),
        From="MAILER-DAEMON@mx.firma.example",
        To="sales@rebound.example",
        Subject="Undelivered Mail Returned to Sender",
    )


def test_the_bounce_is_of_whom_we_wrote_to() -> None:
    ingested(a_forwarded_bounce())

    bounce = Bounce.objects.select_related("address").get()
    assert (bounce.address.email, bounce.address.status) == (WE_WROTE_TO, "invalid")
    assert bounce.forwarded_to == STRANGER
    assert not Address.objects.filter(email=STRANGER).exists()


def test_where_we_wrote_to_the_other_it_is_theirs() -> None:
    ingested(a_forwarded_bounce(written_to=STRANGER))

    bounce = Bounce.objects.select_related("address").get()
    assert (bounce.address.email, bounce.forwarded_to) == (STRANGER, "")


def test_where_no_mail_came_back_the_recipient_of_the_report_is_believed() -> None:
    ingested(
        a_bounce_mail(STRANGER, Original_Recipient=ORIGINAL).replace(b"To: " + STRANGER.encode(), b"X-Was-To: nobody")
    )

    assert Bounce.objects.get().address.email == STRANGER


def test_the_sentence_names_the_forwarding() -> None:
    ingested(a_forwarded_bounce())

    sentence = explain_bounce(Bounce.objects.get())
    assert f"said by mx00.gmx.example of {STRANGER} (its mail is forwarded there). The fault is" in sentence


def test_the_page_of_the_contact_names_the_forwarding(client: Client) -> None:
    contact = a_contact(WE_WROTE_TO)
    ingested(a_forwarded_bounce())
    client.force_login(a_user("manager"))

    page = client.get(reverse("contacts:contact", args=[contact.pk])).content.decode()

    assert f"of {STRANGER} (its mail is forwarded there) on " in page
