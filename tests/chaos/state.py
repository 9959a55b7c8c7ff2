"""The state of an installation as digests, one a part: two that went through the same events have the same ones.

In: a connection. Out: a dict of part to digest. Numbers that depend on who came first (ids, moments of recording) are
left out, so that any order, any number of processes and any kill between them may be compared with an undisturbed run.
Extend PARTS by what a fault could spoil.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Connection(Protocol):
    """Of psycopg, or a cursor of Django's."""

    def execute(self, text: str) -> Any: ...


# Each selects one text a row.
PARTS = {
    "addresses": """
        SELECT concat_ws('|', email, status, status_rule, reevaluate_at, last_bounce_at, last_delivered_at,
                         last_reply_at, last_click_at, restored_at, evidence - 'bounce') FROM bounces_address
    """,
    "status changes": """
        SELECT concat_ws('|', a.email, c.from_status, c.to_status, c.rule, c.evidence - 'bounce')
        FROM bounces_statuschange c JOIN bounces_address a ON a.id = c.address_id
    """,
    "runs": """
        SELECT concat_ws('|', state, scope_label, total, evaluated, changes, applied, left_out, undone, kept, before,
                         error) FROM bounces_cleaningrun
    """,
    "rows of runs": """
        SELECT concat_ws('|', (SELECT count(*) FROM bounces_cleaningrun e WHERE e.id < r.run_id), a.email,
                         r.from_status, r.to_status, r.rule, r.evidence - 'bounce', r.reevaluate_at, r.outcome)
        FROM bounces_cleaningrow r JOIN bounces_address a ON a.id = r.address_id
    """,
    "rulings": """
        SELECT concat_ws('|', a.email, r.kind, r.rule, r.lifted_at IS NULL)
        FROM bounces_ruling r JOIN bounces_address a ON a.id = r.address_id
    """,
    "bounces": """
        SELECT concat_ws('|', a.email, b.kind, b.fault, b.reason, b.standing, b.smtp_code, b.enhanced_code,
                         b.occurred_at, b.campaign_key, b.sender,
                         (SELECT count(*) FROM bounces_evidence e WHERE e.bounce_id = b.id))
        FROM bounces_bounce b JOIN bounces_address a ON a.id = b.address_id
    """,
    "attempts": """
        SELECT concat_ws('|', a.email, t.message_id, t.campaign_key, t.sender, t.sent_at, t.delivered_at, t.deferred_at,
                         t.bounced_at, t.complained_at, t.replied_at, t.opens, t.clicks)
        FROM bounces_attempt t JOIN bounces_address a ON a.id = t.address_id
    """,
    "complaints": """
        SELECT concat_ws('|', a.email, c.standing, c.feedback_type, c.occurred_at)
        FROM bounces_complaint c JOIN bounces_address a ON a.id = c.address_id
    """,
    "suppressions": """
        SELECT concat_ws('|', encode(address_key, 'hex'), domain, reason, lifted_at IS NULL) FROM bounces_suppression
    """,
    "inbox": """
        SELECT concat_ws('|', encode(digest, 'hex'), name, state, CASE WHEN state = 'quarantined' THEN why END)
        FROM bounces_inbounditem
    """,
    "daily counts": """
        SELECT concat_ws('|', day, dimension, key, attempted, bounced, delivered, deferred, hard, soft, blocked,
                         complaints) FROM bounces_dailystat
        -- A row of noughts, left where a count was taken back, says what no row says.
        WHERE attempted + bounced + delivered + deferred + hard + soft + blocked + complaints <> 0
    """,
    "contacts": """
        SELECT concat_ws('|', c.first_name, c.last_name, c.title, k.name, c.owner_id, c.phone, c.country,
                         c.custom, c.source, c.external_id, c.document, c.deleted_at IS NULL,
                         (SELECT string_agg(g.name, ',' ORDER BY g.name) FROM contacts_contact_tags t
                          JOIN contacts_tag g ON g.id = t.tag_id WHERE t.contact_id = c.id),
                         (SELECT string_agg(a.email || r.is_primary, ',' ORDER BY a.email)
                          FROM contacts_contactaddress r JOIN bounces_address a ON a.id = r.address_id
                          WHERE r.contact_id = c.id))
        FROM contacts_contact c LEFT JOIN contacts_company k ON k.id = c.company_id
    """,
    "companies": "SELECT name FROM contacts_company",
    "tags": "SELECT name FROM contacts_tag",
    "timelines": """
        SELECT concat_ws('|', c.external_id, c.document, v.kind, v.text)
        FROM contacts_activity v JOIN contacts_contact c ON c.id = v.contact_id
    """,
    "imports": """
        SELECT concat_ws('|', name, state, total, counts, known, health, quarantine, done, written, undone, kept, error)
        FROM contacts_importrun
    """,
    "rows of imports": """
        SELECT concat_ws('|', number, verdict, email, known, changes, problems, cells, kept) FROM contacts_importoutcome
    """,
    "waiting": "SELECT 'address ' || address_id FROM bounces_dirty",
}


def state_of(connection: Connection, parts: Mapping[str, str] = PARTS) -> dict[str, str]:
    """A digest of each part, whatever the order of its rows."""
    return {part: _one(connection, _digest(text)) for part, text in parts.items()}


def differences(expected: dict[str, str], found: dict[str, str]) -> list[str]:
    return [part for part in expected if expected[part] != found.get(part)]


def _digest(text: str) -> str:
    rows = f"SELECT md5(said.word) AS digest FROM ({text}) AS said(word)"
    return f"SELECT md5(COALESCE(string_agg(digest, '' ORDER BY digest), '')) FROM ({rows}) AS rows"


def _one(connection: Connection, text: str) -> str:
    cursor = connection.execute(text) or connection
    return str(cursor.fetchone()[0])
