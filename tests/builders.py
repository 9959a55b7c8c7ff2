"""Rows for tests: `a_contact(email="ada@example.org", status="at_risk")`. Every builder has sensible defaults.

They write rows directly, statuses too, so that a test can state what is given without going through the flow. What
follows from facts is tested with `bounces.process.run_flow`, not with these.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models.functions import Lower

from bounces.addresses import suppression_key
from bounces.models import (
    Address,
    Attempt,
    Bounce,
    CleaningRow,
    CleaningRun,
    Complaint,
    DailyStat,
    Evidence,
    Guard,
    InboundItem,
    Incident,
    IntakeSource,
    Policy,
    RawChunk,
    Repair,
    ReviewItem,
    RuleOverride,
    Ruling,
    Silence,
    StatusChange,
    Suppression,
    Unproved,
)
from contacts.models import (
    Activity,
    Campaign,
    CampaignMember,
    Company,
    Contact,
    ContactAddress,
    CustomField,
    DuplicatePair,
    ImportRun,
    Segment,
    Tag,
)
from contacts.stored_filters import store
from crm.models import ApiKey, Team

NOW = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"

_number = count(1)


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def a_digest() -> bytes:
    """32 bytes that no other row has."""
    return hashlib.sha256(str(next(_number)).encode()).digest()


# --- people who sign in -----------------------------------------------------------------------------


def a_team(name: str = "") -> Team:
    return Team.objects.create(name=name or f"Team {next(_number)}")


def a_user(role: str = "sales", *, email: str = "", name: str = "", **fields: Any) -> Any:
    """Signs in with PASSWORD."""
    number = next(_number)
    return get_user_model().objects.create_user(
        email or f"{role}{number}@rebound.example",
        PASSWORD,
        role=role,
        name=name or f"{role.capitalize()} {number}",
        **fields,
    )


def an_api_key(user: Any = None, scopes: tuple[str, ...] = ("contacts:read",), name: str = "A tool") -> tuple[Any, str]:
    """The key and its secret."""
    return ApiKey.issue(user or a_user("manager"), name, list(scopes))


# --- addresses and what happened to them ------------------------------------------------------------


def an_address(email: str = "", **fields: Any) -> Address:
    """The address, made or found; `fields` such as `status="invalid"` are set on it either way."""
    email = email or f"person{next(_number)}@example.org"
    domain = email.rpartition("@")[2]
    return Address.objects.update_or_create(email=email, defaults=fields, create_defaults={"domain": domain, **fields})[
        0
    ]


def a_silence(email: str | Address = "", delivered: int = 6, since: datetime | None = None) -> Silence:
    """So many mails without an answer; by default for longer than the policy's usual 180 days."""
    return Silence.objects.create(address=_address(email), delivered=delivered, since=since or days_ago(200))


def an_attempt(email: str | Address = "", *, sent_at: datetime | None = None, **fields: Any) -> Attempt:
    return Attempt.objects.create(address=_address(email), sent_at=sent_at or days_ago(1), **fields)


def a_bounce(email: str | Address = "", **fields: Any) -> Bounce:
    defaults: dict[str, Any] = {
        "kind": "hard",
        "fault": "recipient",
        "reason": "userunknown",
        "smtp_code": 550,
        "enhanced_code": "5.1.1",
        "diagnostic": "550 5.1.1 No such user here",
        "remote_mta": "mx.example.org",
        "occurred_at": days_ago(1),
        "failure_key": a_digest(),
        "rule": "code-5.1.1",
    }
    return Bounce.objects.create(address=_address(email), **{**defaults, **fields})


def an_evidence(bounce: Bounce | None = None, **fields: Any) -> Evidence:
    bounce = bounce or a_bounce()
    copied = ("kind", "fault", "reason", "smtp_code", "enhanced_code", "diagnostic", "rule", "occurred_at")
    defaults: dict[str, Any] = {name: getattr(bounce, name) for name in copied}
    defaults |= {"source": "upload", "trust": "trusted", "rank": "5"}
    return Evidence.objects.create(bounce=bounce, **{**defaults, **fields})


def a_complaint(email: str | Address = "", **fields: Any) -> Complaint:
    defaults: dict[str, Any] = {"source": "upload", "occurred_at": days_ago(1), "complaint_key": a_digest()}
    return Complaint.objects.create(address=_address(email), **{**defaults, **fields})


def an_inbound_item(body: bytes = b"Subject: hello\r\n\r\nhello\r\n", **fields: Any) -> InboundItem:
    """A waiting mail of a trusted upload, with its bytes."""
    defaults: dict[str, Any] = {
        "source": "upload",
        "digest": a_digest(),
        "trust": "trusted",
        "name": "mail.eml",
        "size": len(body),
        "received_at": NOW,
    }
    item = InboundItem.objects.create(**{**defaults, **fields})
    RawChunk.objects.create(item_id=item.pk, body=body)
    return item


def a_status_change(email: str | Address = "", to_status: str = "invalid", **fields: Any) -> StatusChange:
    defaults: dict[str, Any] = {
        "from_status": "unverified",
        "rule": "hard_bounce",
        "policy": Policy.active(),
        "at": days_ago(1),
    }
    address = _address(email)
    if "evidence" in fields:  # as the policy does: the newest is the address's own
        Address.objects.filter(pk=address.pk).update(evidence=fields["evidence"])
    return StatusChange.objects.create(address=address, to_status=to_status, **{**defaults, **fields})


def a_source(
    name: str = "main", kind: str = "imap", trust: str = "trusted", secrets: dict[str, Any] | None = None, **fields: Any
) -> IntakeSource:
    source = IntakeSource(name=name, kind=kind, trust=trust, **fields)
    source.secrets = secrets or {}
    source.save()
    return source


def a_ruling(email: str | Address = "", kind: str = "restore", **fields: Any) -> Ruling:
    defaults: dict[str, Any] = {"effective_at": NOW, "reason": "She called.", "at": NOW}
    if "by" not in fields:
        defaults["by"] = a_user("manager")
    return Ruling.objects.create(address=_address(email), kind=kind, **{**defaults, **fields})


def a_decision(decision: str = "discard", **fields: Any) -> ReviewItem:
    """Of the review queue, about bounces that no rule understood."""
    defaults: dict[str, Any] = {"cause": "unknown", "reason": "I looked.", "decided_at": NOW}
    if "decided_by" not in fields:
        defaults["decided_by"] = a_user("manager")
    return ReviewItem.objects.create(decision=decision, **{**defaults, **fields})


def a_suppression(email: str | Address = "", reason: str = "manual", **fields: Any) -> Suppression:
    """Of an address; of a domain with `domain="example.org"`."""
    if "domain" in fields:
        return Suppression.objects.create(scope="domain", reason=reason, **{"source": "page", **fields})
    address = _address(email)
    defaults: dict[str, Any] = {"address": address, "address_key": suppression_key(address.email), "source": "page"}
    return Suppression.objects.create(reason=reason, **{**defaults, **fields})


def an_open_incident(**fields: Any) -> Incident:
    """The row alone; `tests.bounces.happening` makes one happen."""
    defaults: dict[str, Any] = {
        "provider": f"provider{next(_number)}.example",
        "began_at": days_ago(0.1),
        "opened_at": days_ago(0.05),
        "last_bounce_at": days_ago(0.04),
        "window_hours": 1,
        "window_ends_at": days_ago(0.05),
        "good_attempted": 200,
        "good_bounced": 40,
        "usual_share": 0.01,
        "chance": 1e-9,
    }
    return Incident.objects.create(**{**defaults, **fields})


def a_repair(**fields: Any) -> Repair:
    defaults: dict[str, Any] = {
        "provider": "google",
        "since": days_ago(2),
        "until": days_ago(1),
        "why": "Their status page says so.",
        "state": "done",
    }
    if "by" not in fields:
        defaults["by"] = a_user("manager")
    return Repair.objects.create(**{**defaults, **fields})


def a_paused_guard(key: str = "", dimension: str = "sender", **fields: Any) -> Guard:
    defaults: dict[str, Any] = {"state": "paused", "rule": "lately", "bounced": 5, "attempted": 219, "paused_at": NOW}
    key = key or f"sender{next(_number)}@send.example"
    return Guard.objects.create(dimension=dimension, key=key, **{**defaults, **fields})


def an_unproved_report(email: str | Address = "", **fields: Any) -> Unproved:
    """Of a mail that is unverified."""
    defaults: dict[str, Any] = {
        "event_key": f"key {next(_number)}",
        "event": "bounced",
        "shortcoming": "no_token",
        "occurred_at": days_ago(1),
    }
    if "item_id" not in fields:
        defaults["item_id"] = an_inbound_item(state="unverified", why="No token.").pk
    return Unproved.objects.create(address=_address(email), **{**defaults, **fields})


def a_cleaning_run(state: str = "done", **fields: Any) -> CleaningRun:
    return CleaningRun.objects.create(state=state, **{"policy": Policy.active(), "as_of": NOW, **fields})


def a_cleaning_row(
    run: CleaningRun, email: str | Address = "", to_status: str = "invalid", **fields: Any
) -> CleaningRow:
    defaults: dict[str, Any] = {"from_status": "unverified", "rule": "hard_bounce"}
    return CleaningRow.objects.create(run=run, address=_address(email), to_status=to_status, **{**defaults, **fields})


def an_import_run(state: str = "done", **fields: Any) -> ImportRun:
    return ImportRun.objects.create(state=state, **{"name": "people.csv", "digest": b"", "applied_at": NOW, **fields})


def a_rule_override(name: str = "", **fields: Any) -> RuleOverride:
    """A rule of ours for the words `acme says no`: a full mailbox."""
    defaults: dict[str, Any] = {
        "table": "phrases",
        "patterns": ["acme says no"],
        "reason": "mailboxfull",
        "example": "550 5.1.1 Acme says no",
        "note": "Their hotline says so.",
    }
    return RuleOverride.objects.create(name=name or f"ours-{next(_number)}", **{**defaults, **fields})


def a_daily_stat(day: date | None = None, *, campaign: Campaign | None = None, **counts: int) -> DailyStat:
    dimension, key = ("campaign", campaign.key) if campaign else ("all", "")
    return DailyStat.objects.create(day=day or NOW.date(), dimension=dimension, key=key, **counts)


# --- contacts ---------------------------------------------------------------------------------------


def a_company(name: str = "", **fields: Any) -> Company:
    """The company of that name, made or found."""
    name = name or f"Company {next(_number)}"
    found = Company.objects.annotate(lower=Lower("name")).filter(lower=name.lower()).first()
    return found or Company.objects.create(name=name, **fields)


def a_tag(name: str = "") -> Tag:
    name = name or f"tag {next(_number)}"
    return Tag.objects.filter(name__iexact=name).first() or Tag.objects.create(name=name)


def a_contact(
    email: str | None = "",
    *,
    status: str | None = None,
    company: str | Company | None = None,
    tags: tuple[str, ...] = (),
    others: tuple[str, ...] = (),
    **fields: Any,
) -> Contact:
    """With a primary address (`email=None`: without), `others` beside it, and ready to be searched for."""
    number = next(_number)
    if isinstance(company, str):
        company = a_company(company)
    defaults: dict[str, Any] = {"first_name": "Ada", "last_name": f"Lovelace {number}"}
    contact = Contact.objects.create(company=company, **{**defaults, **fields})
    for position, each in enumerate([] if email is None else [email or f"ada{number}@example.org", *others]):
        address = an_address(each, **({"status": status} if status and not position else {}))
        ContactAddress.objects.create(contact=contact, address=address, is_primary=not position)
    contact.tags.set([a_tag(name) for name in tags])
    contact.refresh_from_db()
    return contact


def a_pair(first: Contact, second: Contact, **fields: Any) -> DuplicatePair:
    """Two contacts that may be the same, as the search leaves them."""
    defaults: dict[str, Any] = {
        "first_contact": min(first, second, key=lambda one: one.pk),
        "second_contact": max(first, second, key=lambda one: one.pk),
        "kind": "name",
        "score": 70,
        "reasons": ["same_name", "same_company"],
        "found_at": NOW,
    }
    return DuplicatePair.objects.create(**{**defaults, **fields})


def a_custom_field(key: str = "", type: str = "text", **fields: Any) -> CustomField:  # noqa: A002  (the model's word)
    key = key or f"field_{next(_number)}"
    return CustomField.objects.create(key=key, type=type, **{"label": key.replace("_", " ").capitalize(), **fields})


def a_note(contact: Contact, text: str = "Called, will call back.", **fields: Any) -> Activity:
    return Activity.objects.create(contact=contact, kind="note", text=text, **fields)


def a_segment(name: str = "", **filter: Any) -> Segment:  # noqa: A002  (the model's word)
    """`a_segment("Bad ones", status=["invalid"])`; its owner is set afterwards where a test needs one."""
    for tag in filter.get("tag", []):
        a_tag(tag)
    return Segment.objects.create(name=name or f"Segment {next(_number)}", filter=store(filter, None))


def a_campaign(name: str = "", *, members: tuple[Contact, ...] = (), **fields: Any) -> Campaign:
    number = next(_number)
    campaign = Campaign.objects.create(
        **{"name": name or f"Campaign {number}", "key": f"campaign-{number}", **fields},
    )
    CampaignMember.objects.bulk_create(CampaignMember(campaign=campaign, contact=contact) for contact in members)
    return campaign


def _address(email: str | Address) -> Address:
    return email if isinstance(email, Address) else an_address(email)
