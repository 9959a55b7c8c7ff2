"""People and access: users with one of three roles, their teams, and the keys their tools use.

In: rows written by the admin and by sign-in. Out: User, Team, ApiKey.
Who may do what stands in `crm/roles.py`.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from crm.roles import PERMISSIONS, Role


class Team(models.Model):
    name = models.TextField()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="team_name_unique"),
            models.CheckConstraint(condition=~models.Q(name=""), name="team_name_given"),
        ]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    """Makes users by e-mail address: `create_user(email, password, name=…, role=…)`."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, **{**fields, "role": Role.ADMIN})


class User(AbstractBaseUser):
    """Someone who signs in. The role decides everything; `is_staff` and `is_superuser` follow from it."""

    email = models.EmailField()
    name = models.TextField(blank=True)
    role = models.TextField(choices=Role, default=Role.SALES)
    team = models.ForeignKey(Team, models.SET_NULL, null=True, blank=True, related_name="members")
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ["name", "email"]
        constraints = [
            models.UniqueConstraint(fields=["email"], name="user_email_unique"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="user_role_known"),
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="user_email_lower_case"),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def clean(self) -> None:
        super().clean()
        self.email = self.email.strip().lower()

    @property
    def is_staff(self) -> bool:
        """Whether the admin and the queue dashboard open for this person."""
        return self.role == Role.ADMIN

    @property
    def is_superuser(self) -> bool:
        return self.role == Role.ADMIN

    @property
    def is_manager(self) -> bool:
        """Managers and admins: they import, upload, clean and restore."""
        return self.role in (Role.MANAGER, Role.ADMIN)

    def has_perm(self, perm: str, obj: object = None) -> bool:  # noqa: ARG002  (Django's signature)
        """Whether the role allows it. Object rules (own and unowned contacts) stand in `contacts/access.py`."""
        return self.is_active and (self.role == Role.ADMIN or perm in PERMISSIONS[Role(self.role)])

    def has_perms(self, perms: Iterable[str], obj: object = None) -> bool:
        return all(self.has_perm(perm, obj) for perm in perms)

    def has_module_perms(self, app_label: str) -> bool:  # noqa: ARG002  (Django's signature)
        return self.is_active and self.is_staff

    def get_full_name(self) -> str:
        """What the admin's menu shows above the address: without a name the beginning of it, not all of it twice."""
        return self.name or self.email.partition("@")[0]

    def get_short_name(self) -> str:
        return self.name.split(" ")[0] if self.name else self.email


class Scope(models.TextChoices):
    """What a key may do, within what its user may do."""

    CONTACTS_READ = "contacts:read", "Read contacts"
    CONTACTS_WRITE = "contacts:write", "Create and change contacts"
    BOUNCES_READ = "bounces:read", "Read bounces"
    EVENTS_WRITE = "events:write", "Report events and upload bounce mails"
    SUPPRESSIONS_READ = "suppressions:read", "Read suppressions"
    SUPPRESSIONS_WRITE = "suppressions:write", "Suppress addresses and domains, and lift that"
    CHECK = "check", "Ask whether addresses may be written to"


class ApiKey(models.Model):
    """A tool's key. Acts as its user, with its scopes, never with more. Only a hash is stored."""

    name = models.TextField()
    user = models.ForeignKey(User, models.CASCADE, related_name="api_keys")
    prefix = models.TextField(editable=False)  # the first characters, shown so that people can tell keys apart
    digest = models.BinaryField(max_length=32, editable=False)
    scopes = ArrayField(models.TextField(choices=Scope))
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["digest"], name="apikey_digest_unique"),
            models.CheckConstraint(condition=~models.Q(name=""), name="apikey_name_given"),
            models.CheckConstraint(
                condition=models.Q(scopes__contained_by=Scope.values) & ~models.Q(scopes=[]),
                name="apikey_scopes_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @staticmethod
    def digest_of(secret: str) -> bytes:
        """SHA-256 is enough: the secret has 256 random bits, so there is nothing to guess."""
        return hashlib.sha256(secret.encode()).digest()

    @classmethod
    def issue(cls, user: User, name: str, scopes: list[str]) -> tuple[ApiKey, str]:
        """Makes a key; returns it with its secret, which is shown once and never stored."""
        secret = f"rb_{secrets.token_urlsafe(32)}"
        key = cls.objects.create(
            user=user, name=name, scopes=sorted(set(scopes)), prefix=secret[:9], digest=cls.digest_of(secret)
        )
        return key, secret

    def revoke(self, now: datetime) -> None:
        """Ends the key at once. May run twice; the first time stands."""
        if self.revoked_at is None:
            self.revoked_at = now
            self.save(update_fields=["revoked_at"])


class Topic(models.TextChoices):
    """What a tool may ask to be told."""

    STATUS_CHANGED = "address.status_changed", "The status of addresses changed"
    INCIDENT_OPENED = "incident.opened", "A provider refuses addresses that worked"
    GUARD_PAUSED = "guard.paused", "A campaign or sender was paused"


class WebhookEndpoint(models.Model):
    """A tool's address that is told what happened. Its secret signs what it is told; it is kept sealed."""

    name = models.TextField(help_text="The tool that listens.")
    url = models.TextField(max_length=2000, help_text="https://…")
    topics = ArrayField(models.TextField(choices=Topic))
    sealed_secret = models.TextField(editable=False)
    is_enabled = models.BooleanField(default=True, help_text="Switched off, it is told nothing, later neither.")
    stopped_why = models.TextField(blank=True, default="", editable=False, help_text="Why Rebound switched it off.")
    last_success_at = models.DateTimeField(null=True, editable=False)
    last_error = models.TextField(blank=True, default="", editable=False)
    # A request is under way, until then at the latest: an endpoint is sent one message at a time.
    busy_until = models.DateTimeField(null=True, editable=False)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, editable=False, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="webhookendpoint_name_unique"),
            models.CheckConstraint(condition=~models.Q(name=""), name="webhookendpoint_name_given"),
            models.CheckConstraint(
                condition=models.Q(topics__contained_by=Topic.values) & ~models.Q(topics=[]),
                name="webhookendpoint_topics_known",
            ),
            models.CheckConstraint(condition=~models.Q(sealed_secret=""), name="webhookendpoint_has_a_secret"),
        ]

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(models.Model):
    """One message to one endpoint: sent until it is taken, or given up."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        TAKEN = "taken", "Taken"
        GIVEN_UP = "given_up", "Given up"

    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="deliveries")
    message_id = models.TextField(help_text="The same however often it is sent: what its reader drops doubles by.")
    topic = models.TextField()
    payload = models.JSONField()
    state = models.TextField(choices=State, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    answer = models.TextField(blank=True, default="", help_text="What the tool answered, or why nothing came back.")
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "message_id"], name="webhookdelivery_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "taken", "given_up"]), name="webhookdelivery_state_known"
            ),
            models.CheckConstraint(
                condition=models.Q(state="waiting") | models.Q(done_at__isnull=False), name="webhookdelivery_is_dated"
            ),
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "due_at", "id"], name="webhookdelivery_next", condition=models.Q(state="waiting")
            ),
            models.Index(fields=["done_at"], name="webhookdelivery_done", condition=models.Q(done_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.topic} to {self.endpoint}"


from crm.demo.models import DemoLoad  # noqa: E402, F401 -- a table of this application
from crm.mail.models import OutgoingEmail  # noqa: E402, F401 -- likewise; refers to User by its name
