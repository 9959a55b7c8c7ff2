"""A population for the benchmarks: addresses, five bounces and twenty attempts each, two years of them.

In: how many addresses. Out: the three tables, filled before their indexes are built. No chance is thrown: all follows
from hashes of the rows' numbers, so the same number gives the same rows on every machine. Of a hundred addresses eight
died at some day and answer "unknown" since, four have been full since some day; the others live, and one mail in four
is deferred, blocked or fails softly. Some addresses get far more mail than others; a third are at one provider.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from bounces import noticing

NOW = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
DAYS = 730
ATTEMPTS_EACH = 20
TABLES = ("bounces_attempt", "bounces_bounce", "bounces_address")


def thrown(number: str, salt: int) -> str:
    """Of a column's number something from 0 to 999 that looks thrown; another salt gives another one."""
    return f"((hashint8({number} + {salt * 1_000_000_007}) & 2147483647) % 1000)"


WHO = f"""
CREATE TEMP TABLE bench_who AS
SELECT id, domain, COALESCE((ARRAY['google', 'microsoft', 'yahoo'])[
           array_position(ARRAY['gmail.com', 'outlook.com', 'yahoo.com'], domain)], domain) AS provider,
       %(starts_at)s::timestamptz + make_interval(days => {thrown("id", 4)} * {DAYS} / 1000) AS ends_at,
       CASE WHEN {thrown("id", 3)} < 80 THEN 'dead' WHEN {thrown("id", 3)} < 120 THEN 'full' ELSE 'alive' END AS fate
FROM (
    SELECT id, CASE
        WHEN {thrown("id", 1)} < 350 THEN 'gmail.com' WHEN {thrown("id", 1)} < 500 THEN 'outlook.com'
        WHEN {thrown("id", 1)} < 580 THEN 'yahoo.com'
        ELSE 'd' || floor(power({thrown("id", 2)} / 1000.0, 3) * GREATEST(%(addresses)s / 50, 10)) || '.example'
    END AS domain
    FROM generate_series(1, %(addresses)s::bigint) id
) x
"""
ATTEMPTS = f"""
INSERT INTO bounces_attempt (id, address_id, sender, campaign_key, provider, message_id, provider_id, sent_at,
                             delivered_at, deferred_at, bounced_at, opens, clicks)
SELECT n, id, 's' || n % 40 || '@mail' || n % 4 || '.example', 'c' || n * 200 / %(attempts)s, provider,
       CASE WHEN n % 4 = 0 THEN 'm' || n ELSE '' END, '', sent_at,
       CASE WHEN fate IN ('delivered', 'deferred') THEN sent_at + interval '20 minutes' END,
       CASE WHEN fate = 'deferred' THEN sent_at + interval '10 minutes' END,
       CASE WHEN fate NOT IN ('delivered', 'deferred') THEN sent_at + interval '5 minutes' END, 0, 0
FROM (
    SELECT m.n, who.id, who.provider, m.sent_at, CASE
        WHEN who.fate <> 'alive' AND m.sent_at > who.ends_at THEN who.fate
        WHEN {thrown("n", 5)} < 110 THEN 'deferred' WHEN {thrown("n", 5)} < 230 THEN 'failed' ELSE 'delivered'
    END AS fate
    FROM (
        SELECT n, 1 + floor(%(addresses)s * power((hashint8(n) & 2147483647) / 2147483648.0, 1.4))::bigint AS id,
               %(starts_at)s::timestamptz + make_interval(secs => {DAYS * 86400} * (n / %(attempts)s::float)) AS sent_at
        FROM generate_series(1, %(attempts)s::bigint) n
    ) m JOIN bench_who who ON who.id = m.id
) t
"""
# Of those that failed softly: the sender's fault, the network's, the recipient's.
BOUNCES = f"""
INSERT INTO bounces_bounce (address_id, attempt_id, campaign_key, sender, provider, kind, fault, reason, standing,
    smtp_code, enhanced_code, diagnostic, remote_mta, occurred_at, failure_key, rule, evidence_rank)
SELECT t.address_id, t.id, t.campaign_key, t.sender, t.provider, what.kind, what.fault, what.reason, 'counted',
       left(what.diagnostic, 3)::int, substr(what.diagnostic, 5, 5), what.diagnostic, 'mx.' || who.domain,
       COALESCE(t.bounced_at, t.deferred_at), int8send(t.id), 'code-' || substr(what.diagnostic, 5, 5), '11111-'
FROM bounces_attempt t JOIN bench_who who ON who.id = t.address_id
CROSS JOIN LATERAL (SELECT CASE
    WHEN t.bounced_at IS NULL THEN 5
    WHEN who.fate = 'dead' AND t.sent_at > who.ends_at THEN 1
    WHEN (who.fate = 'full' AND t.sent_at > who.ends_at) OR {thrown("t.id", 6)} < 330 THEN 2
    WHEN {thrown("t.id", 6)} < 580 THEN 3 ELSE 4 END AS number) fate
JOIN (VALUES
    (1, 'hard', 'recipient', 'userunknown', '550 5.1.1 <somebody@example.org>: no such user here, says the server'),
    (2, 'soft', 'recipient', 'mailboxfull', '452 4.2.2 The mailbox of this recipient is full: try again later'),
    (3, 'soft', 'infrastructure', 'networkerror', '451 4.4.1 The connection timed out while talking to the server'),
    (4, 'soft', 'sender', 'blocked', '550 5.7.1 Your message was refused because of the reputation of its sender'),
    (5, 'deferred', 'recipient', 'mailboxfull', '450 4.2.1 This recipient gets mail too quickly: try again later')
) what(number, kind, fault, reason, diagnostic) ON what.number = fate.number
WHERE t.bounced_at IS NOT NULL OR t.deferred_at IS NOT NULL
ORDER BY t.id
"""
ADDRESSES = f"""
INSERT INTO bounces_address (id, email, domain, last_bounce_at, last_delivered_at, last_reply_at, last_click_at)
SELECT who.id, 'p' || who.id || '@' || who.domain, who.domain, b.at, t.at,
       CASE WHEN {thrown("who.id", 7)} < 30 THEN t.at END, CASE WHEN {thrown("who.id", 8)} < 100 THEN t.at END
FROM bench_who who
LEFT JOIN (SELECT address_id, max(delivered_at) AS at FROM bounces_attempt GROUP BY 1) t ON t.address_id = who.id
LEFT JOIN (SELECT address_id, max(occurred_at) AS at FROM bounces_bounce WHERE kind <> 'deferred' GROUP BY 1) b
    ON b.address_id = who.id
ORDER BY who.id
"""
# How the senders of a domain are known.
SENDERS = """
INSERT INTO bounces_dailystat (day, dimension, key, attempted, bounced)
SELECT sent_at::date, 'sender', sender, count(*), count(bounced_at) FROM bounces_attempt GROUP BY 1, 3
"""


def load(
    addresses: int, now: datetime = NOW, more: Sequence[str] = (), more_tables: Sequence[str] = (), **given: Any
) -> None:
    """Empties the tables and fills them. As a superuser: the foreign keys are right by construction.

    `more` fills `more_tables`, in the same way and with the same values, and those of `given`.
    """
    tables = [*TABLES, *more_tables]
    given |= {
        "addresses": addresses,
        "attempts": addresses * ATTEMPTS_EACH,
        "starts_at": now - timedelta(days=DAYS),
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(tables)}, bounces_dailystat RESTART IDENTITY CASCADE")
        with without_indexes(cursor, tables):
            for text in (WHO, ATTEMPTS, BOUNCES, ADDRESSES, SENDERS, *more):
                cursor.execute(bound(cursor, text, given))
            cursor.execute("DROP TABLE bench_who")
        fill_what_is_kept(cursor, now)
        for table in tables:
            finish(cursor, table)
        cursor.execute("CHECKPOINT")


def finish(cursor: Any, table: str) -> None:
    """Its ids go on behind those that it has; the planner knows it."""
    cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), GREATEST(max(id), 1)) FROM {table}")
    cursor.execute(f"VACUUM (ANALYZE) {table}")


def fill_what_is_kept(cursor: Any, now: datetime) -> None:
    """What the passes of the last days have worked out (`bounces/noticing.py`)."""
    since = now - noticing.KEPT
    news = "SELECT DISTINCT address_id FROM bounces_bounce WHERE occurred_at > %(kept_since)s AND kind = 'hard'"
    cursor.execute("TRUNCATE bounces_goodfailure, bounces_goodmail")
    cursor.execute("ANALYZE bounces_bounce, bounces_attempt, bounces_address")
    cursor.execute(noticing.KEEP.format(news=news), {"kept_since": since})


def bound(cursor: Any, text: str, given: dict[str, Any]) -> str:
    """The text with its values in it; its per cent signs are the modulo's."""
    for name, value in given.items():
        text = text.replace(f"%({name})s", cursor.mogrify("%s", [value]))
    return text


@contextmanager
def without_indexes(cursor: Any, tables: Sequence[str] = TABLES) -> Iterator[None]:
    """Takes all but the primary keys away, and builds them afterwards."""
    cursor.execute(
        """
        SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', c.conrelid::regclass, c.conname),
               format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', c.conrelid::regclass, c.conname,
                      pg_get_constraintdef(c.oid))
        FROM pg_constraint c WHERE c.contype = 'u' AND c.conrelid::regclass::text = ANY(%s)
        UNION ALL
        SELECT format('DROP INDEX %%s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid)
        FROM pg_index i WHERE NOT i.indisprimary AND i.indrelid::regclass::text = ANY(%s)
          AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
        """,
        [list(tables), list(tables)],
    )
    found = cursor.fetchall()
    cursor.execute("SET session_replication_role = replica")
    for drop, _ in found:
        cursor.execute(drop)
    yield
    cursor.execute("SET session_replication_role = DEFAULT")
    cursor.execute("SET maintenance_work_mem = '512MB'")
    for _, make in found:
        cursor.execute(make)
    cursor.execute("RESET maintenance_work_mem")
