"""What a judgement may read: the indexes made for it, and no row of a bounce but to explain what changes."""

from __future__ import annotations

import pytest
from django.db import connection

from bounces.evaluation import BETWEEN_IDS, GIVEN_IDS, evaluation
from bounces.models import Policy
from tests.builders import NOW, a_bounce

pytestmark = pytest.mark.django_db


def plan_of(target: str) -> str:
    given = {"ids": [1], "after": 0, "upto": 9, "as_of": NOW, **Policy.active().numbers}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("EXPLAIN " + evaluation(target), given)
        return "\n".join(row[0] for row in cursor.fetchall())


def forget_earlier_rows() -> None:
    """Rows that other tests rolled back still fill the indexes, and would decide the plan by their pages."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE bounces_bounce CASCADE")


@pytest.mark.parametrize("target", [GIVEN_IDS, BETWEEN_IDS])
def test_bounces_are_judged_by_two_indexes_alone(target: str) -> None:
    forget_earlier_rows()
    a_bounce("ada@example.org")

    plan = plan_of(target)

    assert "Index Only Scan using bounce_hard" in plan
    assert "Index Only Scan using bounce_soft" in plan
    assert "Seq Scan on bounces_bounce" not in plan
