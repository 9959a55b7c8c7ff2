"""Whether our own mail server takes mail for somebody: asked as another mail server would ask, without a mail.

In: where it listens, a recipient. Out: its answer, or OSError where nobody opens. Stage: none; the admin's test.
"""

from __future__ import annotations

import smtplib

from bounces.intake.places import Place

SECONDS = 5
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 -- where it listens, not where we go


def knock(place: Place, recipient: str, *, is_lmtp: bool) -> tuple[int, str]:
    """The code and the words for RCPT. Raises OSError (smtplib's errors are such, too)."""
    with open_door(place, is_lmtp=is_lmtp) as client:
        client.ehlo_or_helo_if_needed()
        client.mail("")
        code, words = client.rcpt(recipient)
        return code, words.decode("utf-8", "replace")


def open_door(place: Place, *, is_lmtp: bool) -> smtplib.SMTP:
    host = place.path or ANYWHERE.get(place.host, place.host)
    if is_lmtp or place.path:
        return smtplib.LMTP(host, place.port, timeout=SECONDS)
    return smtplib.SMTP(host, place.port, timeout=SECONDS)
