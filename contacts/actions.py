"""What happens by itself, besides marking, when an address becomes at risk or invalid.

In: outbox payloads of the topics `status_changed` and `contacts_to_delete`, `{"change_ids": [...]}`; the StatusAction
rows say what is wanted. Out: suppressions, tags, tasks, contacts out of campaigns or deleted; a Deed for each, by which
`giving_back.py` takes it back. Stage: announce. A few statements a batch. May run twice; only what still has the status
is acted upon.
"""

# ruff: noqa: S608 -- the texts are put together from this module's own constants

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from bounces import outbox
from bounces.suppressions import suppress_many
from contacts.models import StatusAction

DELETION = "contacts_to_delete"
INVALID = StatusAction.Status.INVALID.value

# The changes of a batch that brought an address into a status which it has had ever since.
STILL = """
    SELECT change.id, change.at, address.id AS address_id, address.email
      FROM bounces_statuschange AS change JOIN bounces_address AS address ON address.id = change.address_id
     WHERE change.id = ANY(%s) AND change.to_status = %s AND change.from_status <> change.to_status
       AND address.status = change.to_status AND COALESCE(address.status_changed_at <= change.at, true)
"""
# Their contacts: those who are written to there, at their primary address.
REACHED = f"""
    SELECT still.*, contact.id AS contact_id, contact.owner_id, contact.external_id,
           COALESCE(NULLIF(btrim(contact.first_name || ' ' || contact.last_name), ''), still.email) AS name
      FROM ({STILL}) AS still
      JOIN contacts_contactaddress AS used ON used.address_id = still.address_id AND used.is_primary
      JOIN contacts_contact AS contact ON contact.id = used.contact_id AND contact.deleted_at IS NULL
"""
# `kept` writes down what was done, `changed` names it.
KEEP = """
    INSERT INTO contacts_deed
        (status, does, status_change_id, address_id, contact_id, tag_id, campaign_id, external_id, at)
    SELECT %s, %s, change_id, address_id, contact_id, {tag}, {campaign}, {external}, now() FROM changed
    ON CONFLICT DO NOTHING
"""
NOTE = """
    INSERT INTO contacts_activity (contact_id, kind, text, at)
    SELECT contact_id, 'edited', {text}, now() FROM changed
"""


def act_on_changes(payload: dict[str, Any]) -> None:
    """Receives `status_changed`."""
    for action in StatusAction.objects.filter(is_enabled=True).select_related("tag"):
        DEEDS[action.does](payload["change_ids"], action)


def suppress(change_ids: Sequence[int], action: StatusAction) -> None:
    """Not where one of this kind was made since: a person who lifted it is not overruled by a second telling."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT still.email, still.address_id, still.at FROM ({STILL}) AS still
             WHERE NOT EXISTS (SELECT FROM bounces_suppression AS made
                                WHERE made.address_id = still.address_id AND made.reason = 'cleaning'
                                  AND (made.lifted_at IS NULL OR made.created_at >= still.at))
            """,
            [list(change_ids), action.status],
        )
        found = cursor.fetchall()
    suppress_many(
        {email: pk for email, pk, _ in found},
        reason="cleaning",
        source_of={email: "cleaning" for email, _, _ in found},
        at_of={email: at for email, _, at in found},
    )
    _run(
        f"""
        INSERT INTO contacts_deed (status, does, status_change_id, address_id, suppression_id)
        SELECT %s, 'suppress', still.id, still.address_id, made.id
          FROM ({STILL}) AS still JOIN bounces_suppression AS made ON made.address_id = still.address_id
         WHERE made.reason = 'cleaning' AND made.lifted_at IS NULL
           AND (made.created_at = still.at OR EXISTS (SELECT FROM contacts_deed AS earlier
                 WHERE earlier.address_id = made.address_id AND earlier.suppression_id = made.id))
        ON CONFLICT DO NOTHING
        """,
        [action.status, list(change_ids), action.status],
    )


def leave_campaigns(change_ids: Sequence[int], action: StatusAction) -> None:
    _run(
        f"""
        WITH changed AS (
            DELETE FROM contacts_campaignmember AS member USING ({REACHED}) AS reached, contacts_campaign AS campaign
             WHERE member.contact_id = reached.contact_id AND campaign.id = member.campaign_id
               AND campaign.state = 'running'
            RETURNING member.contact_id, campaign.id AS campaign_id, campaign.name, reached.email,
                      reached.id AS change_id, reached.address_id
        ), kept AS ({KEEP.format(tag="NULL::bigint", campaign="campaign_id", external="''")})
        {NOTE.format(text="'Taken out of campaign “' || name || '”: ' || email || ' ' || %s || '.'")}
        """,
        [list(change_ids), action.status, action.status, action.does, SAID[action.status]],
    )


def tag(change_ids: Sequence[int], action: StatusAction) -> None:
    _run(
        f"""
        WITH reached AS ({REACHED}), added AS (
            INSERT INTO contacts_contact_tags (contact_id, tag_id)
            SELECT DISTINCT contact_id, %s::bigint FROM reached
            ON CONFLICT DO NOTHING RETURNING contact_id, tag_id
        ), changed AS (
            SELECT DISTINCT ON (contact_id) contact_id, tag_id, reached.id AS change_id, reached.address_id
              FROM added JOIN reached USING (contact_id) ORDER BY contact_id, reached.id
        ), kept AS ({KEEP.format(tag="tag_id", campaign="NULL::bigint", external="''")})
        {NOTE.format(text="'Tag “' || %s || '” added: the address ' || %s || '.'")}
        """,
        [
            list(change_ids), action.status, action.tag_id, action.status, action.does,
            str(action.tag), SAID[action.status],
        ],
    )  # fmt: skip


def give_task(change_ids: Sequence[int], action: StatusAction) -> None:
    """To the contact's owner; where nobody owns it, the task is nobody's yet. One open task a contact."""
    _run(
        f"""
        WITH reached AS ({REACHED}), given AS (
            INSERT INTO contacts_task (contact_id, owner_id, text, status_change_id)
            SELECT DISTINCT ON (contact_id) contact_id, owner_id,
                   'Find a new address for ' || name || ': ' || email || ' ' || %s || '.', id
              FROM reached
             WHERE NOT EXISTS (SELECT FROM contacts_task AS known WHERE known.contact_id = reached.contact_id
                                  AND known.status_change_id IS NOT NULL AND known.done_at IS NULL)
             ORDER BY contact_id, id
            ON CONFLICT DO NOTHING RETURNING contact_id, status_change_id
        ), changed AS (
            SELECT given.contact_id, given.status_change_id AS change_id, reached.address_id
              FROM given JOIN reached ON reached.id = given.status_change_id AND reached.contact_id = given.contact_id
        )
        {KEEP.format(tag="NULL::bigint", campaign="NULL::bigint", external="''")}
        """,
        [list(change_ids), action.status, SAID[action.status], action.status, action.does],
    )


def plan_deletion(change_ids: Sequence[int], action: StatusAction) -> None:
    """Announces it for later; then it is looked at again."""
    now = timezone.now()
    outbox.announce(DELETION, {"change_ids": list(change_ids)}, now + timedelta(days=action.days or 0))


def delete_contacts(payload: dict[str, Any]) -> None:
    """Receives `contacts_to_delete`: deletes the contacts none of whose addresses has worked since.

    Not where the action was taken out of use, or an address became invalid anew since: that counts its own days.
    """
    if not StatusAction.objects.filter(does=StatusAction.Does.DELETE, is_enabled=True).exists():
        return
    _run(
        f"""
        WITH changed AS (
            UPDATE contacts_contact AS contact SET deleted_at = now(), external_id = NULL, updated_at = now()
              FROM ({REACHED}) AS reached JOIN bounces_address AS now_is ON now_is.id = reached.address_id
             WHERE contact.id = reached.contact_id AND now_is.status_changed_at <= reached.at
               AND NOT EXISTS (SELECT FROM contacts_contactaddress AS other
                                 JOIN bounces_address AS address ON address.id = other.address_id
                                WHERE other.contact_id = contact.id AND address.status <> 'invalid')
            RETURNING contact.id AS contact_id, reached.id AS change_id, reached.address_id, reached.external_id
        ), kept AS ({KEEP.format(tag="NULL::bigint", campaign="NULL::bigint", external="COALESCE(external_id, '')")})
        {NOTE.format(text="'Deleted: no address of it works.'")}
        """,
        [list(payload["change_ids"]), INVALID, INVALID, StatusAction.Does.DELETE.value],
    )


def _run(sql: str, params: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


SAID = {"invalid": "is invalid", "at_risk": "is at risk"}
DEEDS: dict[str, Callable[[Sequence[int], StatusAction], None]] = {
    "suppress": suppress,
    "leave_campaigns": leave_campaigns,
    "tag": tag,
    "task": give_task,
    "delete": plan_deletion,
}
