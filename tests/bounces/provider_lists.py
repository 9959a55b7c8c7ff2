"""What tests of providers' lists share: a list that is brought, recorded, and its effect."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces import process
from bounces.models import InboundItem

SAID = "550 5.1.1 The email account that you tried to reach does not exist"

# Of each list that is known: its first line and a row, and what that row becomes.
KNOWN: dict[str, tuple[str, str]] = {
    f"status,reason,email,created\n5.1.1,{SAID},ada@b.example,1443651141": ("SendGrid: bounces or blocks", "hard"),
    "status,reason,email,created\n5.7.1,550 5.7.1 blocked by a blocklist,ada@b.example,1443651141": (
        "SendGrid: bounces or blocks",
        "soft",
    ),
    "reason,email,created\nMail domain mentioned in email address is unknown,ada@b.example,1443651141": (
        "SendGrid: invalid e-mails",
        "hard",
    ),
    "ip,email,created\n192.0.2.1,ada@b.example,1443651141": ("SendGrid: spam reports", "complaint"),
    "processed,message_id,event,from,email,reason,recv_message_id\n2026-04-01 10:00:00,x,bounce,a@a.example,"
    f"ada@b.example,{SAID},y": ("SendGrid: e-mail activity", "hard"),
    f'address,code,error,created_at\nada@b.example,550,"{SAID}","Fri, 21 Oct 2011 11:02:55 UTC"': (
        "Mailgun: bounces",
        "hard",
    ),
    'address,tags,created_at\nada@b.example,"[*]","Fri, 21 Oct 2011 11:02:55 UTC"': (
        "Mailgun: unsubscribes",
        "unsubscribe",
    ),
    "EmailAddress,SuppressionReason,Origin,CreatedAt\nada@b.example,SpamComplaint,Recipient,2026-04-01T10:00:00Z": (
        "Postmark: suppressions",
        "complaint",
    ),
    "EmailAddress,SuppressionReason,Origin,CreatedAt\nada@b.example,HardBounce,Recipient,2026-04-01T10:00:00Z": (
        "Postmark: suppressions",
        "bounce",
    ),
    f"ID,Type,Email,Details,BouncedAt,MessageID\n1,HardBounce,ada@b.example,smtp;{SAID},2026-04-01T10:00:00Z,x": (
        "Postmark: bounces",
        "hard",
    ),
    "Email Address,First Name,CLEAN_TIME,CLEAN_CAMPAIGN_TITLE\nada@b.example,Ada,2026-04-01 10:00:00,Spring": (
        "Mailchimp: cleaned contacts",
        "bounce",
    ),
    "Email Address,First Name,UNSUB_TIME,UNSUB_REASON\nada@b.example,Ada,2026-04-01 10:00:00,NORMAL": (
        "Mailchimp: unsubscribed contacts",
        "unsubscribe",
    ),
    "Email Address,Bounce Type\nada@b.example,Hard": ("Mailchimp: bounces of a campaign", "soft"),
    "Email,Email hard bounce reason,Unsubscribed from all email\nada@b.example,UNKNOWN_USER,": (
        "HubSpot: contacts with their bounces",
        "hard",
    ),
    "Email,Email hard bounce reason,Unsubscribed from all email\nada@b.example,,true": (
        "HubSpot: contacts with their bounces",
        "unsubscribe",
    ),
    "Email,First name,Unsubscribed from all email\nada@b.example,Ada,true": (
        "HubSpot: unsubscribed contacts",
        "unsubscribe",
    ),
    "EmailAddress,Reason,LastUpdateTime\nada@b.example,BOUNCE,2026-04-01T10:00:00+00:00": (
        "Amazon SES: suppression list",
        "bounce",
    ),
    "Email address,Suppression reason,Date added\nada@b.example,COMPLAINT,2026-04-01": (
        "Amazon SES: suppression list",
        "complaint",
    ),
    f"Destination,LastDeliveryEvent,DiagnosticCode\nada@b.example,PERMANENT_BOUNCE,smtp; {SAID}": (
        "Amazon SES: messages",
        "hard",
    ),
    f"recipient;event;smtp response\nada@b.example;bounced;{SAID}": ("Columns found by their names", "hard"),
}


def upload(client: Client, text: str | bytes, name: str = "list.csv") -> Any:
    body = text if isinstance(text, bytes) else text.encode()
    return client.post("/bounces/upload/", {"files": [SimpleUploadedFile(name, body)]}, follow=True)


def record(client: Client, tells: str) -> None:
    client.post(reverse("bounces:provider_list", args=[InboundItem.objects.latest("pk").pk]), {"tells": tells})
    process.run_flow(timezone.now)
