"""What production refuses to start with. In: settings. Out: faults, each with an id and what to do about it.

One table serves twice: the settings raise from it, so that no door (gunicorn, a worker, a command) opens
on an unsafe configuration, and Django's `check` lists it beside its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from bounces import network, return_path, sealing
from bounces.intake.places import is_place
from crm import strength

# Public: it is in our repository. The settings fall back to it where no key is set and var/ cannot hold one.
DEVELOPMENT_KEY = "development-only-key-that-production-refuses-to-start-with"
SHORTEST_KEY = 50

Values = Mapping[str, Any]

REFUSED: tuple[tuple[str, Callable[[Values], bool], str], ...] = (
    (
        "rebound.E001",
        lambda s: s["DEBUG"],
        "DEBUG shows settings and code to anyone who meets an error: unset it.",
    ),
    (
        "rebound.E002",
        lambda s: is_weak_key(s["SECRET_KEY"]),
        f"SECRET_KEY is missing, too short or easy to guess: set it to {SHORTEST_KEY} or more random characters. "
        'Make one with: python -c "import secrets; print(secrets.token_urlsafe(50))"',
    ),
    (
        "rebound.E020",
        lambda s: any(
            strength.bits_of(str(key).partition(":")[2]) < strength.ENOUGH_TO_SIGN for key in s["RETURN_PATH_KEYS"]
        ),
        "REBOUND_RETURN_PATH_KEYS holds a secret that is easy to guess, with which bounces can be forged: use random "
        "characters.",
    ),
    (
        "rebound.E003",
        lambda s: not s["ALLOWED_HOSTS"] or "*" in s["ALLOWED_HOSTS"],
        "ALLOWED_HOSTS is missing: set it to the host names that people use, separated by commas.",
    ),
    (
        "rebound.E004",
        lambda s: not (s["SITE_URL"].startswith("https://") and s["SESSION_COOKIE_SECURE"] and s["CSRF_COOKIE_SECURE"]),
        "SITE_URL does not start with https://, so sign-ins would travel in the clear: set it to the public address.",
    ),
)

# What no mode can work with.
NONSENSE: tuple[tuple[str, Callable[[Values], bool], str], ...] = (
    (
        "rebound.E005",
        lambda s: bool(return_path.fault_in(s["RETURN_PATH_KEYS"])),
        "REBOUND_RETURN_PATH_KEYS is no list of id:secret, separated by commas, with ids from 0 to 255, each once, "
        f"and secrets of {return_path.SHORTEST_SECRET} or more characters.",
    ),
    (
        "rebound.E006",
        lambda s: bool(s["RETURN_PATH_DOMAIN"]) and not return_path.is_domain(s["RETURN_PATH_DOMAIN"]),
        "REBOUND_RETURN_PATH_DOMAIN is no domain: write it like bounces.example.com.",
    ),
    (
        "rebound.E007",
        lambda s: not 1 <= s["RETURN_PATH_DAYS"] <= return_path.MOST_DAYS,
        f"REBOUND_RETURN_PATH_DAYS is no number of days from 1 to {return_path.MOST_DAYS}.",
    ),
    (
        "rebound.E008",
        lambda s: bool(sealing.fault_in(s["SECRETS_KEYS"])),
        "REBOUND_SECRETS_KEY is no list of keys, separated by commas, each 32 bytes in URL-safe base64: "
        "docs/settings.md says how to make one.",
    ),
    (
        "rebound.E010",
        lambda s: not all(is_place(text) for text in (*s["SMTP_LISTEN"], *s["LMTP_LISTEN"])),
        "REBOUND_SMTP_LISTEN or REBOUND_LMTP_LISTEN names no place: write host:port, like 0.0.0.0:2525, or unix:/path.",
    ),
    (
        "rebound.E011",
        lambda s: not network.are_networks(s["ALLOWED_NETWORKS"]),
        "REBOUND_ALLOWED_NETWORKS holds something that is no network: write 10.1.0.0/16, with commas between.",
    ),
)

ADVISED: tuple[tuple[str, Callable[[Values], bool], str], ...] = (
    (
        "rebound.W001",
        lambda s: not s["EMAIL_URL"],
        "EMAIL_URL is not set: password resets go to the log, not to people.",
    ),
    (
        "rebound.W002",
        lambda s: s["SUPPRESSION_KEY"] == s["SECRET_KEY"],
        "SUPPRESSION_KEY is not set: changing SECRET_KEY would forget the suppressions of erased addresses.",
    ),
    (
        "rebound.W003",
        lambda s: s["SECRETS_KEYS"] == [sealing.derived_key(s["SECRET_KEY"])],
        "REBOUND_SECRETS_KEY is not set: changing SECRET_KEY would lock away the secrets of mailboxes and webhooks.",
    ),
)


def is_weak_key(key: str) -> bool:
    """`django-insecure-` is how Django marks a key that was generated into a repository."""
    if key == DEVELOPMENT_KEY or key.startswith("django-insecure-") or len(key) < SHORTEST_KEY:
        return True
    return strength.bits_of(key) < strength.ENOUGH


def refuse_unsafe(values: Values) -> None:
    """Raises ImproperlyConfigured with all that is unsafe, one line each."""
    faults = [f"{fault}: {sentence}" for fault, is_unsafe, sentence in (*REFUSED, *NONSENSE) if is_unsafe(values)]
    if faults:
        raise ImproperlyConfigured("Rebound does not start in production mode:\n" + "\n".join(faults))


@checks.register(checks.Tags.security)
def check_refused(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:  # noqa: ARG001 -- Django's signature
    values = _in_force()
    rows = (*REFUSED, *NONSENSE) if settings.PRODUCTION else NONSENSE
    return [checks.Error(sentence, id=fault) for fault, is_wrong, sentence in rows if is_wrong(values)]


@checks.register(checks.Tags.security, deploy=True)
def check_advised(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[checks.CheckMessage]:  # noqa: ARG001 -- Django's signature
    values = _in_force()
    return [checks.Warning(sentence, id=advice) for advice, is_unadvised, sentence in ADVISED if is_unadvised(values)]


def _in_force() -> Values:
    return {name: getattr(settings, name) for name in dir(settings) if name.isupper()}
