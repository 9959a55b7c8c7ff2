"""Trying to sign in, as anybody outside can: `attempt(client, email, password, address="198.51.100.7")`."""

from __future__ import annotations

import time
from typing import Any

from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.test import Client

from crm.models import User
from tests.builders import PASSWORD

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def attempt(client: Client, email: str, password: str = PASSWORD, address: str = "198.51.100.7", **headers: Any) -> Any:
    data = {"login": email, "password": password}
    return client.post("/accounts/login/", data, REMOTE_ADDR=address, **headers)


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def with_second_step(user: User) -> User:
    TOTP.activate(user, SECRET)
    return user


def code(steps: int = 0) -> str:
    """The code that the authenticator app shows now, or so many steps of 30 seconds later."""
    return format_hotp_value(hotp_value(SECRET, int(time.time()) // 30 + steps))


def wrong_code() -> str:
    return next(guess for guess in ("000000", "000001", "000002") if guess not in {code(step) for step in (-1, 0, 1)})
