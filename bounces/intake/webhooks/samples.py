"""One bounce as each provider documents it, and how it signs with a secret that both sides have.

In: a recipient, a moment, a secret. Out: an `Arrival` as from the provider: for the admin's "test this source", and for
the tests; the events are the providers' documented examples. Pure.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from bounces.intake.webhooks.arrival import Arrival
from bounces.intake.webhooks.signatures import hexdigest

SAID = "550 5.1.1 The email account that you tried to reach does not exist"
JSON = {"content-type": "application/json"}
Made = tuple[bytes, dict[str, str]]


def amazon_ses(to: str, now: datetime) -> dict[str, Any]:
    event = {
        "eventType": "Bounce",
        "mail": {
            "timestamp": iso(now),
            "messageId": "0100017e-sample",
            "source": "ann@a.example",
            "destination": [to],
            "commonHeaders": {"messageId": "<sample@a.example>", "from": ["ann@a.example"]},
        },
        "bounce": {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [
                {"emailAddress": to, "action": "failed", "status": "5.1.1", "diagnosticCode": f"smtp; {SAID}"}
            ],
            "timestamp": iso(now),
            "feedbackId": "sample",
            "remoteMtaIp": "192.0.2.1",
        },
    }
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:eu-west-1:123456789012:bounces",
        "Message": json.dumps(event),
        "Timestamp": iso(now),
        "SignatureVersion": "2",
    }


def brevo(to: str, now: datetime) -> dict[str, Any]:
    return {
        "event": "hard_bounce",
        "email": to,
        "id": 1,
        "date": "2026-11-02 10:00:00",
        "ts": int(now.timestamp()),
        "ts_event": int(now.timestamp()),
        "ts_epoch": int(now.timestamp() * 1000),
        "message-id": "<sample@smtp-relay.mailin.fr>",
        "subject": "Offer",
        "reason": SAID,
        "tag": "offer",
    }


def mailersend(to: str, now: datetime) -> dict[str, Any]:
    return {
        "type": "activity.hard_bounced",
        "domain_id": "7z3m5jgrogdpyo6n",
        "created_at": iso(now),
        "webhook_id": "2351ndgwr4zqx8ko",
        "data": {
            "object": "activity",
            "id": "62f114f8165fe0d8db0288e3",
            "type": "hard_bounced",
            "created_at": iso(now),
            "email": {
                "object": "email",
                "id": "62f114f8165fe0d8db0288e1",
                "from": "ann@a.example",
                "subject": "Offer",
                "message": {"object": "message", "id": "62fb66bef54a112e920b5493"},
                "recipient": {"object": "recipient", "email": to},
            },
            "morph": {"object": "recipient_bounce", "reason": SAID},
        },
    }


def mailgun(to: str, now: datetime) -> dict[str, Any]:
    return {
        "event-data": {
            "event": "failed",
            "severity": "permanent",
            "id": "G9Bn5sl1TC6nu79C8C0bwg",
            "timestamp": now.timestamp(),
            "recipient": to,
            "reason": "bounce",
            "envelope": {"sender": "ann@a.example", "targets": to},
            "message": {"headers": {"message-id": "sample@a.example", "to": to, "from": "ann@a.example"}},
            "delivery-status": {"code": 550, "message": SAID, "mx-host": "mx.b.example", "description": ""},
            "user-variables": {},
            "tags": [],
        }
    }


def mailjet(to: str, now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "event": "bounce",
            "time": int(now.timestamp()),
            "MessageID": 13792286917004336,
            "Message_GUID": "1ab23cd4-e567-8901-2345-6789f0gh1i2j",
            "email": to,
            "mj_campaign_id": 0,
            "blocked": False,
            "hard_bounce": True,
            "error_related_to": "recipient",
            "error": "user unknown",
            "comment": SAID,
        }
    ]


def mailtrap(to: str, now: datetime) -> dict[str, Any]:
    return {
        "events": [
            {
                "event": "bounce",
                "timestamp": int(now.timestamp()),
                "sending_stream": "transactional",
                "category": "offer",
                "message_id": "1df37d17-0286-4d8b-8edf-bc4ec5be86e6",
                "email": to,
                "event_id": "bede7236-2284-43d6-a953-1fdcafd0fdbc",
                "response": SAID,
                "response_code": 550,
                "bounce_category": "invalid recipient",
            }
        ]
    }


def mandrill(to: str, now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "event": "hard_bounce",
            "ts": int(now.timestamp()),
            "_id": "abcdef012345789abcdef012345789",
            "msg": {
                "_id": "abcdef012345789abcdef012345789",
                "email": to,
                "sender": "ann@a.example",
                "subject": "Offer",
                "state": "bounced",
                "bounce_description": "bad_mailbox",
                "diag": f"smtp;{SAID}",
                "tags": [],
                "metadata": {},
            },
        }
    ]


def postal(to: str, now: datetime) -> dict[str, Any]:
    return {
        "event": "MessageDeliveryFailed",
        "timestamp": now.timestamp(),
        "uuid": "0fcc8906-1d47-4b5f-9a2b-3c1d",
        "payload": {
            "status": "HardFail",
            "details": "Permanent SMTP delivery error",
            "output": SAID,
            "timestamp": now.timestamp(),
            "message": {
                "id": 12345,
                "token": "abcdef123",
                "message_id": "sample@a.example",
                "to": to,
                "from": "ann@a.example",
                "subject": "Offer",
                "tag": "",
            },
        },
    }


def postmark(to: str, now: datetime) -> dict[str, Any]:
    return {
        "RecordType": "Bounce",
        "ID": 901542550,
        "Type": "HardBounce",
        "TypeCode": 1,
        "Name": "Hard bounce",
        "MessageID": "2706ee8a-737c-4285-b032-ccd317af53ed",
        "Details": f"smtp;{SAID}",
        "Email": to,
        "From": "ann@a.example",
        "BouncedAt": iso(now),
        "Metadata": {},
    }


def resend(to: str, now: datetime) -> dict[str, Any]:
    return {
        "type": "email.bounced",
        "created_at": iso(now),
        "data": {
            "created_at": iso(now),
            "email_id": "56761188-7520-42d8-8898-ff6fc54ce618",
            "from": "Ann <ann@a.example>",
            "to": [to],
            "subject": "Offer",
            "bounce": {
                "message": "The recipient's email provider sent a hard bounce message, but didn't specify the reason",
                "subType": "General",
                "type": "Permanent",
            },
        },
    }


def sendgrid(to: str, now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "email": to,
            "timestamp": int(now.timestamp()),
            "smtp-id": "<sample@a.example>",
            "event": "bounce",
            "type": "bounce",
            "sg_event_id": "6g4ZI7SA-xmRDv57GoPIPw==",
            "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
            "reason": SAID,
            "status": "5.1.1",
        }
    ]


def sparkpost(to: str, now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "msys": {
                "message_event": {
                    "type": "bounce",
                    "bounce_class": "10",
                    "event_id": "92356927693813856",
                    "timestamp": str(int(now.timestamp())),
                    "message_id": "000443ee14578172be22",
                    "transmission_id": "65832150921904138",
                    "rcpt_to": to,
                    "raw_rcpt_to": to,
                    "friendly_from": "ann@a.example",
                    "raw_reason": SAID,
                    "reason": SAID,
                    "error_code": "550",
                    "rcpt_meta": {},
                }
            }
        }
    ]


def unisender_go(to: str, now: datetime) -> dict[str, Any]:
    return {
        "auth": "",
        "events_by_user": [
            {
                "user_id": 456,
                "project_id": "6432890213745872",
                "events": [
                    {
                        "event_name": "transactional_email_status",
                        "event_data": {
                            "job_id": "1a3Q2V-0000OZ-S0",
                            "email": to,
                            "status": "hard_bounced",
                            "event_time": f"{now:%Y-%m-%d %H:%M:%S}",
                            "delivery_info": {
                                "delivery_status": "err_user_unknown",
                                "destination_response": SAID,
                            },
                        },
                    }
                ],
            }
        ],
    }


def forwardemail(to: str, now: datetime) -> dict[str, Any]:
    return {
        "email_id": "66d2fb9c5c7f6c2f8a9b1c2d",
        "recipient": to,
        "message": SAID,
        "response": SAID,
        "response_code": 550,
        "truth_source": "b.example",
        "headers": {"Message-ID": "<sample@a.example>"},
        "bounce": {"action": "reject", "message": SAID, "category": "recipient", "code": 550, "status": "5.1.1"},
        "bounced_at": iso(now),
    }


def azure(to: str, now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "id": "00000000-0000-0000-0000-000000000000",
            "topic": "/subscriptions/x/providers/Microsoft.Communication/communicationServices/y",
            "subject": "sender/ann@a.example/message/sample",
            "data": {
                "sender": "ann@a.example",
                "recipient": to,
                "messageId": "00000000-0000-0000-0000-000000000001",
                "internetMessageId": "<sample@a.example>",
                "status": "Bounced",
                "deliveryStatusDetails": {"statusMessage": SAID},
                "deliveryAttemptTimeStamp": iso(now),
            },
            "eventType": "Microsoft.Communication.EmailDeliveryReportReceived",
            "dataVersion": "1.0",
            "metadataVersion": "1",
            "eventTime": iso(now),
        }
    ]


def iso(now: datetime) -> str:
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# --- signing ----------------------------------------------------------------------------------------


def signed_plainly(header: str) -> Callable[[Any, str, str, datetime], Made]:
    def sign(said: Any, secret: str, url: str, now: datetime) -> Made:  # noqa: ARG001 -- one signature for all
        body = json.dumps(said).encode()
        return body, {**JSON, header: hexdigest(secret, body)}

    return sign


def with_login(said: Any, secret: str, url: str, now: datetime) -> Made:  # noqa: ARG001 -- one signature for all
    code = base64.b64encode(secret.encode()).decode()
    return json.dumps(said).encode(), {**JSON, "authorization": f"Basic {code}"}


def signed_mailgun(said: Any, secret: str, url: str, now: datetime) -> Made:  # noqa: ARG001 -- one signature for all
    moment, token = str(int(now.timestamp())), hashlib.sha256(json.dumps(said).encode()).hexdigest()[:50]
    signature = {"timestamp": moment, "token": token, "signature": hexdigest(secret, moment + token)}
    return json.dumps({"signature": signature, **said}).encode(), dict(JSON)


def signed_mandrill(said: Any, secret: str, url: str, now: datetime) -> Made:  # noqa: ARG001 -- one signature for all
    text = json.dumps(said)
    made = hmac.new(secret.encode(), f"{url}mandrill_events{text}".encode(), hashlib.sha1).digest()
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "x-mandrill-signature": base64.b64encode(made).decode(),
    }
    return urlencode({"mandrill_events": text}).encode(), headers


def signed_svix(said: Any, secret: str, url: str, now: datetime) -> Made:  # noqa: ARG001 -- one signature for all
    body, moment = json.dumps(said).encode(), str(int(now.timestamp()))
    name = "msg_" + hashlib.sha256(body).hexdigest()[:27]
    key = base64.b64decode(secret.removeprefix("whsec_"))
    made = base64.b64encode(hmac.new(key, f"{name}.{moment}.".encode() + body, hashlib.sha256).digest()).decode()
    return body, {**JSON, "svix-id": name, "svix-timestamp": moment, "svix-signature": f"v1,{made}"}


def signed_unisender(said: Any, secret: str, url: str, now: datetime) -> Made:  # noqa: ARG001 -- one signature for all
    body = json.dumps({**said, "auth": secret}).encode()
    made = hashlib.md5(body).hexdigest()  # noqa: S324 -- theirs
    return body.replace(secret.encode(), made.encode(), 1), dict(JSON)


def with_secret(said: Any, secret: str, url: str, now: datetime) -> Made:  # noqa: ARG001 -- one signature for all
    return json.dumps(said).encode(), {**JSON, "x-rebound-secret": secret, "aeg-event-type": "Notification"}


EVENTS: Mapping[str, Callable[[str, datetime], Any]] = {
    "amazon_ses": amazon_ses,
    "brevo": brevo,
    "mailersend": mailersend,
    "mailgun": mailgun,
    "mailjet": mailjet,
    "mailtrap": mailtrap,
    "mandrill": mandrill,
    "postal": postal,
    "postmark": postmark,
    "resend": resend,
    "sendgrid": sendgrid,
    "sparkpost": sparkpost,
    "unisender_go": unisender_go,
    "forwardemail": forwardemail,
    "azure": azure,
}
# Those that sign with a secret that both sides have. Amazon, SendGrid and Postal sign with a key that only they have.
SIGNERS: Mapping[str, Callable[[Any, str, str, datetime], Made]] = {
    "brevo": with_login,
    "mailersend": signed_plainly("signature"),
    "mailgun": signed_mailgun,
    "mailjet": with_login,
    "mailtrap": signed_plainly("mailtrap-signature"),
    "mandrill": signed_mandrill,
    "postmark": with_login,
    "resend": signed_svix,
    "sparkpost": with_login,
    "unisender_go": signed_unisender,
    "forwardemail": signed_plainly("x-webhook-signature"),
    "azure": with_secret,
}


def a_sample(slug: str, secret: str, to: str, url: str, now: datetime) -> Arrival:
    """A bounce as the provider would post it. Only of those in SIGNERS."""
    body, headers = SIGNERS[slug](EVENTS[slug](to, now), secret, url, now)
    return Arrival(body=body, headers=headers, url=url)


def unsigned(slug: str, to: str, now: datetime) -> bytes:
    """The body alone: what a stranger could send."""
    return json.dumps(EVENTS[slug](to, now)).encode()
