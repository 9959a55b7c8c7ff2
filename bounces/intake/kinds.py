"""The kinds of sources, and what each has to be told.

In: nothing. Out: a row a kind, for the admin's forms, the tests and docs/intake.md. Webhooks of providers come from
`webhooks/providers.py`, mailboxes and the mail server from `mail_kinds.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from bounces.intake.mail_kinds import MAILBOX_FIELDS, MAILBOX_STEPS, SERVER_FIELDS, SERVER_STEPS
from bounces.intake.webhooks.providers import PROVIDERS, Field
from bounces.values import Trust


@dataclass(frozen=True, slots=True)
class Kind:
    slug: str
    name: str
    fields: tuple[Field, ...] = ()
    steps: tuple[str, ...] = ()
    trust: Trust = Trust.TOKEN  # where an admin chooses none
    has_url: bool = False


WEBHOOKS = tuple(Kind(row.slug, row.name, row.fields, row.steps, row.trust, has_url=True) for row in PROVIDERS.values())
OTHERS = (
    Kind("imap", "IMAP mailbox", MAILBOX_FIELDS, MAILBOX_STEPS),
    Kind("smtp", "Recipients of Rebound's mail server", SERVER_FIELDS, SERVER_STEPS),
)
KINDS: dict[str, Kind] = {kind.slug: kind for kind in (*WEBHOOKS, *OTHERS)}
CHOICES = [
    ("Webhooks of providers", sorted(((kind.slug, kind.name) for kind in WEBHOOKS), key=lambda one: one[1].lower())),
    ("Mail", [(kind.slug, kind.name) for kind in OTHERS]),
]
