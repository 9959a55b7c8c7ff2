"""What a new installation needs once. In: an empty database. Out: its first admin, and whether it wants the demo."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from crm.models import User
from crm.roles import Role
from crm.signin.limits import unlock_second_step

FIRST_ADMIN = "admin@localhost"
FIRST_ADMIN_NAME = "Admin"


@dataclass(frozen=True)
class SignIn:
    """Shown once: only its hash is kept."""

    email: str
    password: str


def make_first_admin() -> SignIn | None:
    """None: there is an admin already."""
    if User.objects.filter(role=Role.ADMIN, is_active=True).exists():
        return None
    return make_admin(FIRST_ADMIN, name=FIRST_ADMIN_NAME)


def make_admin(email: str, password: str | None = None, *, name: str = "") -> SignIn:
    """Make the person an admin who can sign in, new or not. May run twice: the last password counts.

    `name` is for somebody who has none yet.
    """
    chosen = password or secrets.token_urlsafe(12)
    user = User.objects.filter(email=email.strip().lower()).first() or User(email=email.strip().lower())
    user.name = user.name or name
    user.role = Role.ADMIN
    user.is_active = True
    user.set_password(chosen)
    user.full_clean(exclude=["password"])
    user.save()
    unlock_second_step(user)
    return SignIn(user.email, chosen)


class WantedDemo:
    """A file that stands from the first start until the demo is loaded: a stopped load goes on with the next start."""

    def __init__(self, var: Path) -> None:
        self._file = var / "demo-wanted"

    def __bool__(self) -> bool:
        return self._file.exists()

    def want(self) -> None:
        self._file.touch()

    def done(self) -> None:
        self._file.unlink(missing_ok=True)
