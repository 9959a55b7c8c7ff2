"""Secrets that are kept: sealed with a key outside the database, so that a dump of it opens nothing.

In: a secret. Out: text for a column, and back. Keys: setting SECRETS_KEYS, the first seals, all open. A column that
holds sealed text is named `sealed_…`: by that `resealing.py` finds it when a key is replaced.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class CannotOpen(Exception):
    """Sealed with a key that is not here any more."""


def seal(secret: str) -> str:
    return _keys(tuple(settings.SECRETS_KEYS)).encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises CannotOpen."""
    try:
        return _keys(tuple(settings.SECRETS_KEYS)).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise CannotOpen("It was sealed with a key that is not in REBOUND_SECRETS_KEY.") from None


def reseal(sealed: str) -> str:
    """The same secret, sealed with the first key. Raises CannotOpen."""
    return seal(unseal(sealed))


def fault_in(keys: Sequence[str]) -> str:
    """What is wrong with the settings' keys, in one sentence; empty where nothing is. It never says a key."""
    for place, key in enumerate(keys, 1):
        try:
            Fernet(key)
        except ValueError:
            return f"Key {place} is none: 32 bytes in URL-safe base64 are needed."
    return "" if keys else "There is no key."


def derived_key(secret_key: str) -> str:
    """The key of an installation that has set none. It goes on opening what it sealed once others are set."""
    return urlsafe_b64encode(sha256(b"sealing\0" + secret_key.encode()).digest()).decode()


@lru_cache(maxsize=4)
def _keys(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
