"""Changing the address that somebody signs in with.

In: a user, the new address, later the link from the mail to it. Out: mails, then the changed User row. The old address
is told when the change is asked for, while it can still be stopped, and when it is done. An address that another
account has gets a mail that says so: the page answers the same either way, so it does not tell which addresses exist.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from allauth.account.adapter import get_adapter
from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse

from bounces.sealing import CannotOpen, seal, unseal
from crm.models import User
from crm.signin.limits import password_mark

VALID_FOR = timedelta(hours=24)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """What a link proves. `mark` ties it to the password: a new password cancels it."""

    user_id: int
    old: str
    new: str
    mark: str
    asked_at: datetime


def ask(user: User, new: str, now: datetime) -> None:
    """Mails the link to the new address, and a warning to the old one. `new` is normalised."""
    mail = get_adapter().send_mail
    with transaction.atomic():
        if User.objects.filter(email=new).exists():
            mail("account/email/address_taken", new, {})
        else:
            change = Change(user.pk, user.email, new, password_mark(user), now)
            url = settings.SITE_URL.rstrip("/") + reverse("account_confirm_email", args=[token_of(change)])
            mail("account/email/address_confirm", new, {"url": url})
        mail("account/email/address_asked", user.email, {"new": new})


def token_of(change: Change) -> str:
    """Sealed, not only signed: links stand in logs and histories, and addresses must not."""
    return seal(json.dumps([change.user_id, change.old, change.new, change.mark, change.asked_at.isoformat()]))


def read(token: str, now: datetime) -> tuple[User, Change] | None:
    """The user and the change that a link still proves; None where it is forged, used, cancelled or too old."""
    try:
        user_id, old, new, mark, asked_at = json.loads(unseal(token))
        change = Change(int(user_id), old, new, mark, datetime.fromisoformat(asked_at))
    except (CannotOpen, ValueError, TypeError):
        return None
    user = User.objects.filter(pk=change.user_id, is_active=True, email=change.old).first()
    if user is None or password_mark(user) != change.mark or now - change.asked_at > VALID_FOR:
        return None
    return user, change


def confirm(token: str, now: datetime) -> bool:
    """Changes the address. Says no where the link proves nothing any more, or the address was taken meanwhile."""
    found = read(token, now)
    if found is None:
        return False
    user, change = found
    try:
        with transaction.atomic():
            same = User.objects.filter(pk=user.pk, email=change.old, password=user.password, is_active=True)
            if not same.update(email=change.new):
                return False
            told = {"old": change.old, "new": change.new}
            get_adapter().send_mail("account/email/address_changed", change.old, told)
    except IntegrityError:
        return False
    log.info("sign_in_address_changed", user=user.pk)
    return True
