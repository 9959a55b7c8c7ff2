"""How often somebody may try. In: an account and a client. Out: the name under which attempts are counted.

Attempts are counted by account and address together and by address alone, never by account alone: otherwise anybody
could lock anybody out. An attempt that is refused is not counted, so hammering does not prolong a lock. Names contain
the account's password hash (keyed): a new password, set by the mailed link, clears every lock of that account.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from allauth.core.internal import ratelimit
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from crm.models import User
from crm.signin.client import network_of


def user_of(email: str) -> User | None:
    """The account with this address. The column is in lower case (a constraint says so), and so is the question."""
    return User.objects.filter(email=email.strip().lower()).first() if "\0" not in email else None


def attempt_key(request: HttpRequest, email: str) -> str:
    """The name for attempts at one account from one client; whatever spelling of the address was typed."""
    user, network = user_of(email), network_of(request)
    return _key_of(user, network) if user else f"nobody:{email.strip().lower()}:{network}"


def _key_of(user: User, network: str) -> str:
    return f"account:{user.pk}:{password_mark(user)}:{network}"


def password_mark(user: User) -> str:
    """Changes with the password and says nothing about it."""
    return salted_hmac("crm.signin.limits", user.password, algorithm="sha256").hexdigest()[:16]


def second_step_key(user: User) -> str:
    """allauth's own name for wrong codes of the second step. Whoever gets there knew the password."""
    return f"mfa-auth-user-{user.pk}"


def is_locked(user: User, network: str) -> bool:
    """Whether this client may not try this account's password now."""
    counted = cache.get_many(name for name, _rate in _counters(_key_of(user, network)))
    now = time.time()
    return any(
        not ratelimit.apply_rate(list(counted.get(name, [])), now, rate, dry_run=True)[0]
        for name, rate in _counters(_key_of(user, network))
    )


def unlock(user: User, network: str) -> None:
    """Forgets this client's attempts at this account, and wrong codes of its second step."""
    for key in (_key_of(user, network), second_step_key(user)):
        for name, _rate in _counters(key):
            cache.delete(name)


def unlock_second_step(user: User, **kwargs: object) -> None:  # noqa: ARG001 -- a signal's signature
    """After a new password: what was guessed at the second step needed the old one."""
    for name, _rate in _counters(second_step_key(user)):
        cache.delete(name)


def _counters(key: str) -> Iterator[tuple[str, ratelimit.Rate]]:
    """allauth's counters of failed attempts that go by a name, and their rates."""
    for rate in ratelimit.get_rates(app="allauth.account", action="login_failed"):
        if rate.per == "key":
            name = ratelimit.get_cache_key(None, app="allauth.account", action="login_failed", rate=rate, key=key)
            yield name, rate
