"""One row of every model, whatever it is, so that a test can look into every table.

In: nothing. Out: rows with the smallest values that their constraints allow; builders stand in where those are not
enough. A model of which no row can be made fails the test that asks: it then needs a line in BUILT.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import DatabaseError, models, transaction
from django.utils import timezone

from bounces.models import PrunedCount
from contacts.models import DuplicatePair, Export, ImportCorrection, ImportPack, Merge
from tests.builders import (
    a_bounce,
    a_complaint,
    a_contact,
    a_decision,
    a_note,
    a_paused_guard,
    a_rule_override,
    a_suppression,
    a_user,
    an_api_key,
    an_import_run,
)

BUILT: dict[str, Callable[[], Any]] = {
    "bounces.Bounce": lambda: a_bounce("grace@c.example"),
    "bounces.Complaint": lambda: a_complaint("grace@c.example"),
    "bounces.Suppression": lambda: a_suppression("grace@c.example", "manual"),
    "contacts.Contact": lambda: a_contact("grace@c.example"),
    "contacts.ContactAddress": lambda: a_contact("hopper@c.example").contact_addresses.get(),
    "bounces.PrunedCount": lambda: PrunedCount.objects.create(state="done"),
    "bounces.RuleOverride": lambda: a_rule_override(),
    "bounces.Guard": lambda: a_paused_guard("some sender"),
    "bounces.ReviewItem": lambda: a_decision(),
    "contacts.Activity": lambda: a_note(a_contact("note@c.example")),
    "contacts.DuplicatePair": lambda: DuplicatePair.objects.create(
        first_contact=a_contact("one@c.example"),
        second_contact=a_contact("two@c.example"),
        kind="name",
        score=70,
        found_at=timezone.now(),
    ),
    "contacts.Merge": lambda: Merge.objects.create(subject="contact", kept_id=1, other_id=2, at=timezone.now()),
    "contacts.Export": lambda: Export.objects.create(
        subject="contacts", form="csv", by=a_user("manager"), created_at=timezone.now()
    ),
    "contacts.ImportCorrection": lambda: ImportCorrection.objects.create(
        run_id=an_import_run().pk, scope="equal", column="Country", was="Utopia", value="Austria"
    ),
    "contacts.ImportPack": lambda: ImportPack.objects.create(
        run_id=an_import_run().pk, verdict="skipped", numbers=[1], emails=["grace@c.example"], contact_ids=[None]
    ),
    "contacts.ImportRun": lambda: an_import_run(),
    "crm.User": lambda: a_user("manager"),
    "crm.ApiKey": lambda: an_api_key(a_user("manager"))[0],
}


def rows_of_everything() -> dict[str, Exception]:
    """Makes them; returns the models of which none could be made, with the reason."""
    failed: dict[str, Exception] = {}
    for model in apps.get_models():
        if not model._meta.managed or model._base_manager.exists():
            continue
        try:
            make(model)
        except (DatabaseError, ValueError, TypeError) as error:
            failed[model._meta.label] = error
    return failed


def make(model: type[models.Model]) -> Any:
    """Its first row, or a new one."""
    found = model._base_manager.first()
    if found is not None:
        return found
    with transaction.atomic():
        if model._meta.label in BUILT:
            return BUILT[model._meta.label]()
        given = {field.name: value_for(field) for field in model._meta.local_concrete_fields if needs_value(field)}
        return model._base_manager.create(**given)


def needs_value(field: Any) -> bool:
    if field.null or field.has_default() or field.db_default is not models.NOT_PROVIDED or field.generated:
        return False
    return not isinstance(field, models.AutoField)


def value_for(field: Any) -> Any:
    if isinstance(field, (models.ForeignKey, models.OneToOneField)):
        return make(field.related_model)
    if field.choices:
        return field.choices[0][0]
    if isinstance(field, ArrayField):
        return [value_for(field.base_field)]
    return plain_value(field)


PLAIN: list[tuple[type[models.Field], Callable[[], Any]]] = [
    (models.EmailField, lambda: "someone@c.example"),
    (models.TextField, lambda: "something"),
    (models.SlugField, lambda: "something"),
    (models.CharField, lambda: "x"),
    (models.DateTimeField, timezone.now),
    (models.DateField, lambda: date(2026, 11, 30)),
    (models.BinaryField, lambda: b"x" * 32),
    (models.BooleanField, lambda: False),
    (models.JSONField, dict),
    (models.GenericIPAddressField, lambda: "192.0.2.1"),
    (models.DecimalField, lambda: 0),
    (models.FloatField, lambda: 0.5),
    (models.IntegerField, lambda: 1),
]


def plain_value(field: Any) -> Any:
    for kind, value in PLAIN:
        if isinstance(field, kind):
            return value()
    raise TypeError(f"no value for {field}")
