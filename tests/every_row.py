"""The emptiest and the fullest row of each model: what a page must be able to show, whatever was kept.

`emptiest(Model)` gives only what the database demands; `fullest(Model)` fills every column, texts with what is awkward
to show. Both read the model's fields, so that a new column is in the fullest row by itself. What constraints demand
beyond that stands in EMPTY and FULL.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Model
from django.db.models.fields import NOT_PROVIDED

from bounces import models as bounces
from bounces.addresses import suppression_key
from bounces.models import Policy
from contacts import models as contacts
from crm import models as crm
from tests.builders import NOW, a_contact, a_digest, a_user, an_address

Special = dict[type[Model], Callable[[], Any]]
AWKWARD = "Ünïcode “quoted” <b>&amp;</b> %s {{ x }} \u05d0\u05d1 " + "long " * 40
_number = count(1)


def emptiest(model: type[Model], **given: Any) -> Any:
    return _make(model, EMPTY, _least, given)


def fullest(model: type[Model], **given: Any) -> Any:
    return _make(model, FULL, _most, given)


def _make(
    model: type[Model], special: Mapping[type[Model], Callable[[], Any]], value_of: Callable[[Any], Any], given: Any
) -> Any:
    known = special.get(model, dict)()
    if isinstance(known, Model):
        return known
    values = {**known, **given}
    for field in model._meta.concrete_fields:
        if field.name not in values and not (field.primary_key and isinstance(field, models.AutoField)):
            value = value_of(field)
            if value is not NOT_PROVIDED:
                values[field.name] = value
    return model._default_manager.create(**values)


def _least(field: Any) -> Any:
    if field.null:
        return None
    if field.has_default() or field.db_default is not NOT_PROVIDED:
        return NOT_PROVIDED
    return "" if field.blank and isinstance(field, models.TextField | models.CharField) else _some(field, emptiest, "x")


def _most(field: Any) -> Any:
    return _some(field, fullest, AWKWARD)


def _some(field: Any, related: Callable[[type[Model]], Any], text: str) -> Any:
    if isinstance(field, models.GeneratedField):
        return NOT_PROVIDED  # PostgreSQL fills it
    if field.is_relation:
        return None if field.null and field.related_model is field.model else related(field.related_model)
    if field.choices:
        return list(field.choices)[-1][0]
    if isinstance(field, models.EmailField):
        return f"someone{next(_number)}@rows.example"
    if isinstance(field, models.TextField | models.CharField):
        number = f"{next(_number)} "
        return (number + text)[: field.max_length] if field.max_length else number + text
    for kind, value in VALUES.items():
        if isinstance(field, kind):
            return value() if callable(value) else value
    raise LookupError(f"{field}: say in VALUES what such a field holds")


VALUES: dict[Any, Any] = {
    models.BooleanField: True,
    models.DateTimeField: NOW,
    models.DateField: NOW.date(),
    models.BinaryField: a_digest,
    models.JSONField: dict,
    models.FloatField: 0.5,
    models.IntegerField: lambda: next(_number) % 100 + 1,  # as small as limits ask, however many rows were made
    models.DurationField: dt.timedelta(days=1),
    ArrayField: lambda: ["x"],
    models.GenericIPAddressField: "192.0.2.1",
}


def _address() -> dict[str, Any]:
    number = next(_number)
    return {"email": f"o.brien+tag-{number}@sub.rows.example", "domain": "sub.rows.example"}


def _bare_address() -> dict[str, Any]:
    return {"email": f"a{next(_number)}@x.io", "domain": "x.io"}


def _suppression() -> dict[str, Any]:
    address = an_address()
    return {"address": address, "address_key": suppression_key(address.email), "domain": "", "scope": "address"}


def _name() -> str:
    return f"name-{next(_number)}"


def _pair() -> dict[str, Any]:
    first, second = a_contact(), a_contact()
    nobody = {"first_company": None, "second_company": None, "carried_by": None}
    return {**nobody, "first_contact": first, "second_contact": second, "kind": "name", "state": "open"}


def _merge() -> dict[str, Any]:
    kept, other = a_contact(), a_contact(deleted_at=NOW)
    return {"subject": "contact", "kept_id": kept.pk, "other_id": other.pk, "state": "done", "at": NOW, "changes": {}}


EMPTY: Special = {
    bounces.RawChunk: lambda: {"item_id": 1_000_000 + next(_number)},  # of no item that has chunks already
    bounces.Ruling: lambda: {"kind": "hold"},
    bounces.Address: _bare_address,
    bounces.Suppression: lambda: {"domain": f"d{next(_number)}.example", "scope": "domain", "reason": "manual"},
    bounces.Policy: Policy.active,
    bounces.ReviewItem: lambda: {"cause": "asked", "address": an_address(), "asked_by": a_user(), "asked_at": NOW},
    bounces.RuleOverride: lambda: {"name": _name(), "effect": "off"},
    bounces.PrunedCount: lambda: {"state": "ignored"},
    bounces.IntakeSource: lambda: {"name": _name()},
    crm.WebhookEndpoint: lambda: {"topics": ["guard.paused"]},
    crm.ApiKey: lambda: {"scopes": ["check"], "digest": a_digest()},
    contacts.CustomField: lambda: {"key": f"key_{next(_number)}"},
    contacts.Campaign: lambda: {"key": _name()},
    contacts.Export: lambda: {"subject": "contacts"},
    contacts.StatusAction: lambda: {"does": "task"},
    contacts.ContactExternalId: lambda: {"tool": "hubspot", "external_id": _name()},
    contacts.DuplicatePair: _pair,
    contacts.DuplicateSearch: lambda: contacts.DuplicateSearch.objects.get_or_create(pk=1)[0],
    contacts.MergeRun: lambda: {"state": "done"},
    contacts.Merge: _merge,
    Authenticator: lambda: {"type": "totp", "data": {}},
}
FULL: Special = {
    bounces.RawChunk: lambda: {"item_id": 1_000_000 + next(_number)},  # of no item that has chunks already
    bounces.Ruling: lambda: {"kind": "restore", "status": "", "until": None},
    bounces.Bounce: lambda: {"smtp_code": 550, "enhanced_code": "5.1.1", "reason": "userunknown"},
    bounces.Evidence: lambda: {"smtp_code": 450, "enhanced_code": "4.2.2", "reason": "mailboxfull"},
    bounces.CleaningRun: lambda: {
        "scope": "chosen",
        "state": "done",
        "returns_to": "",
        "what_if": False,
        "rejudges": False,
    },
    bounces.Address: _address,
    bounces.Suppression: lambda: {**_suppression(), "lifted_at": None},
    bounces.Policy: Policy.active,
    bounces.RuleOverride: lambda: {
        "name": _name(),
        "effect": "add",
        "table": "phrases",
        "patterns": ["acme", "says no"],
        "code": "",
        "reason": "mailboxfull",
        "example": "550 5.1.1 Acme says no",
    },
    bounces.PrunedCount: lambda: {"state": "done"},
    bounces.IntakeSource: lambda: {"name": _name(), "kind": "imap", "trust": "trusted", "sealed_secrets": ""},
    crm.OutgoingEmail: lambda: {"sealed_message": "", "state": "not_needed"},
    crm.WebhookEndpoint: lambda: {"topics": ["guard.paused", "incident.opened"]},
    crm.ApiKey: lambda: {"scopes": ["check", "contacts:read"], "digest": a_digest(), "revoked_at": None},
    contacts.CustomField: lambda: {"key": f"key_{next(_number)}", "type": "choice", "options": [AWKWARD, "b"]},
    contacts.Export: lambda: {"subject": "contacts", "state": "done", "preset": ""},
    contacts.Contact: lambda: {"country": "DE", "custom": {"unknown": AWKWARD}, "deleted_at": None},
    contacts.Company: lambda: {"country": "DE", "domain": "x.example"},
    contacts.ContactExternalId: lambda: {"tool": "hubspot", "external_id": _name()},
    contacts.DuplicatePair: _pair,
    contacts.DuplicateSearch: lambda: contacts.DuplicateSearch.objects.get_or_create(pk=1)[0],
    contacts.MergeRun: lambda: {"state": "done"},
    contacts.Merge: _merge,
    Authenticator: lambda: {"type": "recovery_codes", "data": {"migrated_codes": []}},
    contacts.StatusAction: lambda: {"does": "delete", "status": "invalid", "days": 30, "tag": None},
    contacts.ImportRun: lambda: {"form": "", "state": "done"},
    contacts.ImportCorrection: lambda: {"scope": "equal", "row": None},
    contacts.Campaign: lambda: {"key": _name(), "state": "running", "starts_on": NOW.date(), "ends_on": NOW.date()},
}
