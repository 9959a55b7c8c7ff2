"""The signature by which a tool knows that it was us: Standard Webhooks (standardwebhooks.com), symmetric.

In: a secret, a message's id, the moment, its body. Out: headers. The secret is shown once, kept sealed, never logged.
"""

from __future__ import annotations

import base64
import secrets
from datetime import datetime

from standardwebhooks import Webhook

PREFIX = "whsec_"


def make_secret() -> str:
    """192 random bits, as the standard writes them."""
    return PREFIX + base64.b64encode(secrets.token_bytes(24)).decode()


def signed_headers(secret: str, message_id: str, now: datetime, body: str) -> dict[str, str]:
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now, body),
    }
