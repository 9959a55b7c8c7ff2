"""Update the queue of duplicates after a merge or its undo.

In: a merge. Out: its pair is decided, open pairs of the merged record are deleted, and "not the same" decisions about
it are carried over to the kept one. Runs inside the caller's transaction. Idempotent.
"""

from __future__ import annotations

from django.db import connection
from django.db.models import Q, QuerySet

from contacts.models import DuplicatePair, Merge

State = DuplicatePair.State

CARRY = """
INSERT INTO contacts_duplicatepair
       (first_{subject}_id, second_{subject}_id, kind, score, is_certain, reasons, state,
        found_at, decided_at, decided_by_id, carried_by_id)
SELECT least(%(kept)s, third), greatest(%(kept)s, third), kind, score, false, reasons, 'dismissed',
       found_at, decided_at, decided_by_id, %(merge)s
  FROM (SELECT CASE first_{subject}_id WHEN %(other)s THEN second_{subject}_id
                                       ELSE first_{subject}_id END AS third, pair.*
          FROM contacts_duplicatepair AS pair
         WHERE state = 'dismissed' AND %(other)s IN (first_{subject}_id, second_{subject}_id)) AS decided
 WHERE third <> %(kept)s
    ON CONFLICT (first_{subject}_id, second_{subject}_id)
    DO UPDATE SET state = 'dismissed', decided_at = excluded.decided_at, decided_by_id = excluded.decided_by_id,
                  carried_by_id = excluded.carried_by_id
        WHERE contacts_duplicatepair.state = 'open'
"""


def pairs_of(subject: str, *ids: int) -> QuerySet[DuplicatePair]:
    """Pairs that contain one of these ids."""
    return DuplicatePair.objects.filter(Q(**{f"first_{subject}__in": ids}) | Q(**{f"second_{subject}__in": ids}))


def pair_of(merge: Merge) -> QuerySet[DuplicatePair]:
    first, second = sorted([merge.kept_id, merge.other_id])
    return DuplicatePair.objects.filter(**{f"first_{merge.subject}": first, f"second_{merge.subject}": second})


def settle_merged(merge: Merge) -> None:
    """Call it before the other company is deleted, because its pairs are deleted with it."""
    pair_of(merge).update(state=State.MERGED, decided_at=merge.at, decided_by=merge.by)
    with connection.cursor() as cursor:
        cursor.execute(
            CARRY.format(subject=merge.subject), {"kept": merge.kept_id, "other": merge.other_id, "merge": merge.pk}
        )
    pairs_of(merge.subject, merge.other_id).filter(state=State.OPEN).delete()


def settle_undone(merge: Merge) -> None:
    """Mark the pair as not the same, so that it is not suggested again."""
    DuplicatePair.objects.filter(carried_by=merge).delete()
    first, second = sorted([merge.kept_id, merge.other_id])
    decided = {
        "state": State.DISMISSED,
        "is_certain": False,
        "decided_at": merge.undone_at,
        "decided_by": merge.undone_by,
    }
    kind = DuplicatePair.Kind.COMPANY if merge.subject == Merge.Subject.COMPANY else DuplicatePair.Kind.SIMILAR
    DuplicatePair.objects.update_or_create(
        **{f"first_{merge.subject}_id": first, f"second_{merge.subject}_id": second},
        defaults=decided,
        create_defaults={**decided, "kind": kind, "score": 0, "found_at": merge.at},
    )
