"""Each condition is defined once: SQL and Q agree with plain Python, and no other module spells one out."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import Q

from bounces import conditions
from bounces.models import Bounce, Ruling, Suppression
from bounces.values import Fault, Kind, Standing
from tests.builders import NOW, a_bounce, a_ruling, a_suppression, a_user, an_address

Check = Callable[[Any], bool]


def is_temporary(bounce: Bounce) -> bool:
    return (bounce.smtp_code or 500) < 500 or bounce.enhanced_code.startswith("4.")


def is_hard(bounce: Bounce) -> bool:
    return bounce.kind == "hard" and bounce.fault == "recipient" and not is_temporary(bounce)


def is_soft(bounce: Bounce) -> bool:
    """What failed, is not deferred, and neither hard nor the sender's fault."""
    return bounce.kind != "deferred" and bounce.fault != "sender" and not is_hard(bounce)


def counts(bounce: Bounce) -> bool:
    return bounce.standing == "counted"


BOUNCES: list[tuple[Callable[[str], str], Q, Check]] = [
    (conditions.counts, conditions.COUNTS, counts),
    (conditions.came_back, conditions.CAME_BACK, lambda one: counts(one) and one.kind != "deferred"),
    (conditions.hard, conditions.HARD, is_hard),
    (conditions.counted_hard, conditions.COUNTED_HARD, lambda one: counts(one) and is_hard(one)),
    (conditions.counted_soft, conditions.COUNTED_SOFT, lambda one: counts(one) and is_soft(one)),
]


@pytest.mark.django_db
def test_sql_and_q_choose_the_same_bounces_of_every_kind() -> None:
    address = an_address()
    for standing, kind, fault, code, enhanced in product(
        Standing, Kind, Fault, (None, 450, 499, 500, 550), ("", "4.1.1", "5.1.1")
    ):
        a_bounce(address, standing=standing, kind=kind, fault=fault, smtp_code=code, enhanced_code=enhanced)
    for sql, q, check in BOUNCES:
        wanted = {bounce.pk for bounce in Bounce.objects.all() if check(bounce)}
        assert wanted
        assert ids(f"SELECT b.id FROM bounces_bounce b WHERE {sql('b')}") == wanted, sql.__name__
        assert set(Bounce.objects.filter(q).values_list("pk", flat=True)) == wanted, sql.__name__


@pytest.mark.django_db
def test_sql_and_q_choose_the_same_suppressions_and_holds() -> None:
    boss = a_user("manager")
    for expires, lifted in product((None, NOW, NOW + timedelta(days=1)), (False, True)):
        lifts = {"lifted_at": NOW, "lifted_by": boss, "lift_reason": "Asked."} if lifted else {}
        a_suppression(expires_at=expires, **lifts)
        a_ruling(kind="hold", by=boss, **({"lifted_at": NOW, "lifted_by": boss} if lifted else {}))
    a_ruling(kind="restore", by=boss)
    in_force = set(Suppression.objects.filter(conditions.in_force_at(NOW)).values_list("pk", flat=True))
    assert len(in_force) == 2
    assert ids(f"SELECT s.id FROM bounces_suppression s WHERE {conditions.in_force('s')}") == in_force
    held = set(Ruling.objects.filter(conditions.HOLD).values_list("pk", flat=True))
    assert len(held) == 3
    assert ids(f"SELECT r.id FROM bounces_ruling r WHERE {conditions.hold('r')}") == held


def ids(sql: str) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"now": NOW})
        return {row[0] for row in cursor.fetchall()}


# --- no other module spells one out

BASE = Path(settings.BASE_DIR)
HOMES = {"bounces/conditions.py", "bounces/refusals.py"}
COPIES = {
    "a hard bounce": r"fault\s*=\s*'recipient'|\bfault=(Fault\.RECIPIENT|[\"']recipient)",
    "a temporary code": r"LIKE '4\.|enhanced_code__startswith|smtp_code__gte",
    "a bounce that counts": r"standing\s*=\s*'counted'|standing=(Standing\.COUNTED\b(?! if)|[\"']counted)",
    "a suppression in force": r"expires_at IS NULL OR \w*\.?expires_at >|expires_at__gt=",
    "a hold": r"kind\s*=\s*'hold'|kind=[\"']hold|kind=Ruling\.Kind\.HOLD, lifted",
    "an address that is held for its reply": r"status_rule\s*(=|<>|IN)\s*\(?'hard_bounce_after_reply",
    "the order of suppressions": r"'complaint', 'unsubscribe', 'bounce', 'manual'",
}


@pytest.mark.parametrize("name", COPIES)
def test_a_condition_is_spelled_out_in_one_module_only(name: str) -> None:
    modules = [
        path.relative_to(BASE).as_posix()
        for app in ("bounces", "contacts", "crm")
        for path in (BASE / app).rglob("*.py")
        if "migrations" not in path.parts and re.search(COPIES[name], path.read_text())
    ]
    assert set(modules) <= HOMES
