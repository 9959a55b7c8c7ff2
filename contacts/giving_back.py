"""What happened by itself is taken back when the address gets its status back.

In: outbox payloads of the topic `status_changed`; the deeds of `actions.py`. Out: tags and open tasks gone, whoever or
whatever gave the status back. Where a person did (undo, restore, repair): also the suppression lifted in that person's
name and with that person's reason, contacts back in campaigns that still run, deleted contacts back. Where facts alone
did, these are left for a person, and the contact's history says so (invariant I5). Stage: announce. May run twice.
"""

# ruff: noqa: S608 -- the texts are put together from this module's own constants

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone

from bounces.suppressions import lift_many
from contacts.models import Deed

MAY_LIFT = "bounces.change_suppression"

# The deeds that stand although their address has a better status now. A run's changes are the policy's, not a person's.
BACK = """
    SELECT DISTINCT ON (deed.id) deed.*, address.email, change.actor_id,
           change.actor_id IS NOT NULL AND change.run_id IS NULL AS is_decided,
           address.email || CASE deed.status WHEN 'invalid' THEN ' is not invalid any more'
                                             ELSE ' is not at risk any more' END AS said
      FROM bounces_statuschange AS change
      JOIN bounces_address AS address ON address.id = change.address_id AND address.status = change.to_status
      JOIN contacts_deed AS deed ON deed.address_id = address.id AND deed.ended_at IS NULL
                                AND deed.status_change_id < change.id
     WHERE change.id = ANY(%s) AND deed.does = %s AND change.to_status <> deed.status
       AND change.to_status <> 'invalid'
     ORDER BY deed.id, change.id DESC
"""
END = """
    UPDATE contacts_deed SET ended_at = now(), ending = {ending} FROM back WHERE contacts_deed.id = back.id
"""
BY_WHOM = "CASE WHEN is_decided THEN 'taken_back' ELSE 'left' END"
NOTE = """
    INSERT INTO contacts_activity (contact_id, kind, text, at) SELECT contact_id, 'edited', {text}, now() FROM {told}
"""


def give_back(payload: dict[str, Any]) -> None:
    """Receives `status_changed`, before `actions.py` acts on it."""
    if not Deed.objects.filter(ended_at__isnull=True).exists():
        return  # nothing has happened by itself: a run's million changes are not looked up five times
    changes = payload["change_ids"]
    for does, sql in STATEMENTS.items():
        with connection.cursor() as cursor:
            cursor.execute(sql, [changes, does])
    _lift(changes)


TAGS = f"""
WITH back AS ({BACK}), ended AS ({END.format(ending="'taken_back'")}), gone AS (
    DELETE FROM contacts_contact_tags AS held USING back
     WHERE held.contact_id = back.contact_id AND held.tag_id = back.tag_id
       AND NOT EXISTS (SELECT FROM contacts_deed AS other
                        WHERE other.contact_id = held.contact_id AND other.tag_id = held.tag_id
                          AND other.ended_at IS NULL AND other.id NOT IN (SELECT id FROM back))
    RETURNING held.contact_id, held.tag_id, back.said
), told AS (SELECT gone.contact_id, gone.said, tag.name FROM gone JOIN contacts_tag AS tag ON tag.id = gone.tag_id)
{NOTE.format(text="'Tag “' || name || '” removed: ' || said || '.'", told="told")}
"""
TASKS = f"""
WITH back AS ({BACK}), ended AS ({END.format(ending="'taken_back'")}), closed AS (
    UPDATE contacts_task AS task SET done_at = now() FROM back
     WHERE task.contact_id = back.contact_id AND task.status_change_id = back.status_change_id AND task.done_at IS NULL
    RETURNING task.contact_id, back.said
)
{NOTE.format(text="'Task closed: ' || said || '.'", told="closed")}
"""
CAMPAIGNS = f"""
WITH back AS ({BACK}), ended AS ({END.format(ending=BY_WHOM)}), joined AS (
    INSERT INTO contacts_campaignmember (campaign_id, contact_id)
    SELECT back.campaign_id, back.contact_id FROM back
      JOIN contacts_campaign AS campaign ON campaign.id = back.campaign_id AND campaign.state = 'running'
      JOIN contacts_contact AS contact ON contact.id = back.contact_id AND contact.deleted_at IS NULL
     WHERE back.is_decided
    ON CONFLICT DO NOTHING RETURNING campaign_id, contact_id
), told AS (
    SELECT back.contact_id, back.said, campaign.name, joined.contact_id IS NOT NULL AS is_in
      FROM back JOIN contacts_campaign AS campaign ON campaign.id = back.campaign_id
      LEFT JOIN joined ON joined.campaign_id = back.campaign_id AND joined.contact_id = back.contact_id
)
{
    NOTE.format(
        text="CASE WHEN is_in THEN 'Back in campaign “' || name || '”: ' || said || '.'"
        " ELSE 'Stays out of campaign “' || name || '” until somebody adds it, though ' || said || '.' END",
        told="told",
    )
}
"""
DELETED = f"""
WITH back AS ({BACK}), ended AS ({END.format(ending=BY_WHOM)}), returned AS (
    UPDATE contacts_contact AS contact
       SET deleted_at = NULL, updated_at = now(),
           external_id = CASE WHEN back.external_id <> '' AND NOT EXISTS (
               SELECT FROM contacts_contact AS other WHERE other.external_id = back.external_id
           ) THEN back.external_id ELSE contact.external_id END
      FROM back
     WHERE contact.id = back.contact_id AND contact.deleted_at = back.at AND back.is_decided
    RETURNING contact.id AS contact_id, back.said
)
{NOTE.format(text="'No longer deleted: ' || said || '.'", told="returned")}
"""
STATEMENTS = {"tag": TAGS, "task": TASKS, "leave_campaigns": CAMPAIGNS, "delete": DELETED}

# With the reason of the ruling by which the person gave the status back.
SUPPRESSED = f"""
WITH back AS ({BACK})
SELECT back.id, back.suppression_id, back.is_decided, back.actor_id, (
    SELECT ruling.reason FROM bounces_ruling AS ruling
     WHERE ruling.address_id = back.address_id AND ruling.by_id = back.actor_id ORDER BY ruling.id DESC LIMIT 1
)
FROM back
"""
TELL_LIFTS = f"""
WITH told AS (
    UPDATE contacts_deed SET ended_at = now(), ending = CASE WHEN id = ANY(%s) THEN 'taken_back' ELSE 'left' END
     WHERE id = ANY(%s) RETURNING address_id, ending, status
), known AS (
    SELECT used.contact_id, told.ending, address.email
      FROM told JOIN bounces_address AS address ON address.id = told.address_id
      JOIN contacts_contactaddress AS used ON used.address_id = told.address_id AND used.is_primary
)
{
    NOTE.format(
        text="CASE ending WHEN 'taken_back' THEN 'No longer suppressed: ' || email || ' got its status back.'"
        " ELSE email || ' works again, and is still suppressed until a person lifts that.' END",
        told="known",
    )
}
"""


def _lift(change_ids: Sequence[int]) -> None:
    """Lifts, in the name of whoever gave the status back and may lift; the others' stay, and are told."""
    with connection.cursor() as cursor:
        cursor.execute(SUPPRESSED, [list(change_ids), "suppress"])
        found = cursor.fetchall()
    if not found:
        return
    people = get_user_model()._default_manager.in_bulk({actor for *_, is_decided, actor, _ in found if is_decided})
    wanted: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
    lifted: list[int] = []
    for pk, suppression, is_decided, actor, reason in found:
        if is_decided and people[actor].has_perm(MAY_LIFT):
            wanted[actor, reason or "The address got its status back."].append(suppression)
            lifted.append(pk)
    for (actor, reason), suppressions in wanted.items():
        lift_many(suppressions, people[actor], reason, timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(TELL_LIFTS, [lifted, [pk for pk, *_ in found]])
