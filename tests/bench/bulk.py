"""`./rebound bench bulk`: contacts saved by one request of the API, against a plain SQL upsert of the same rows.

In: `--rows N` (10,000, the most that a request takes) of eight fields. Out: a line a figure, exit code 1 where one
falls short. Measured are three bodies: all contacts new, all with another title, and the same again. The floor takes
the same JSON and upserts addresses, companies, contacts, their addresses and a line of their timeline, five statements
in one transaction; it checks, normalises and compares nothing. CPU seconds of the process and its database session
together, into tables that hold as many other contacts; the least of three goes, of the log too, since autovacuum writes
some of it at any moment.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

from tests.bench.evaluate import cpu_of, execute
from tests.bench.importing import keep_to_one_session
from tests.bench.stand import limit, say, standing

ROWS = 10_000
GOES = 3
GOAL = 3.0
MOST_LOG = 10.0  # kB that the same body again may write
TABLES = "bounces_address, contacts_company, contacts_contact, contacts_contactaddress, contacts_activity"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./rebound bench bulk", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    rows = parser.parse_args(arguments).rows
    with standing(with_pages=False):
        keep_to_one_session()
        good = list(measure(rows))
    return 0 if all(good) else 1


def measure(rows: int) -> Any:
    ours, floor = [goes(rows, way) for way in (by_the_api(), by_sql)]
    for name in ("all new", "all changed"):
        yield say(f"{rows:,} contacts, {name}", min(ours[name]), min(floor[name]), GOAL, "s")
    yield say(f"{rows:,} contacts, the same body again", min(ours["again"]), min(floor["again"]), GOAL, "s")
    yield limit("log that the same body again writes", min(ours["log"]), MOST_LOG, "kB")


def goes(rows: int, way: Callable[[bytes], None]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"all new": [], "all changed": [], "again": [], "log": []}
    for _ in range(GOES):
        execute(f"TRUNCATE {TABLES} CASCADE")
        by_sql(body(rows, "Manager", at=rows))
        execute(*(f"VACUUM (ANALYZE) {table}" for table in TABLES.split(", ")))
        found["all new"].append(cpu_of(lambda: way(body(rows, "Manager"))))
        execute(*(f"VACUUM (ANALYZE) {table}" for table in TABLES.split(", ")))
        found["all changed"].append(cpu_of(lambda: way(body(rows, "Director"))))
        execute(*(f"VACUUM (ANALYZE) {table}" for table in TABLES.split(", ")))
        before = log_position()
        found["again"].append(cpu_of(lambda: way(body(rows, "Director"))))
        found["log"].append((log_position() - before) / 1000)
    return found


def body(rows: int, title: str, at: int = 0) -> bytes:
    contacts = [
        {
            "first_name": f"First{n % 900}",
            "last_name": f"Näme{n % 7919}",
            "company": f"Company {n // 20} Ltd",
            "title": title,
            "phone": f"+4930{n:08}",
            "country": "DE",
            "external_id": f"id{n}",
            "addresses": [{"email": f"p{n}@company{n // 20}.example"}],
        }
        for n in range(at, at + rows)
    ]
    return json.dumps({"contacts": contacts}, ensure_ascii=False).encode()


def log_position() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        return int(cursor.fetchone()[0])


def by_the_api() -> Callable[[bytes], None]:
    """The view itself, the rendering of its answer included: a request's way through the server is not measured."""
    from django.contrib.auth import get_user_model
    from rest_framework.test import APIRequestFactory, force_authenticate

    from contacts.api.bulk import ContactsBulkView

    user = get_user_model()._default_manager.create(email="bench@rebound.example", role="manager")
    view = ContactsBulkView.as_view(throttle_classes=[])

    def save(sent: bytes) -> None:
        request = APIRequestFactory().post("/api/v1/contacts/bulk/", sent, content_type="application/json")
        force_authenticate(request, user=user)
        answer = view(request).render()
        assert answer.status_code == 200, answer.content[:2000]
        assert json.loads(answer.content)["error"] == 0

    return save


def by_sql(sent: bytes) -> None:
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        for text in UPSERT:
            cursor.execute(text.format(rows=GIVEN), {"body": sent.decode()})


GIVEN = """
jsonb_to_recordset(%(body)s::jsonb -> 'contacts') AS r(
    first_name text, last_name text, company text, title text, phone text, country text, external_id text,
    addresses jsonb)
"""
UPSERT = (
    """
    INSERT INTO bounces_address (email, domain)
    SELECT addresses #>> '{{0,email}}', split_part(addresses #>> '{{0,email}}', '@', 2) FROM {rows}
    ON CONFLICT (email) DO NOTHING
    """,
    """
    INSERT INTO contacts_company (name, domain, country, notes)
    SELECT DISTINCT company, '', '', '' FROM {rows} ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO contacts_contact
        (first_name, last_name, title, company_id, phone, country, custom, source, external_id, document)
    SELECT r.first_name, r.last_name, r.title, k.id, r.phone, r.country, '{{}}', 'bench', r.external_id,
           lower(concat_ws(' ', r.first_name, r.last_name, r.company, r.addresses #>> '{{0,email}}'))
    FROM {rows} LEFT JOIN contacts_company k ON k.name = r.company
    ON CONFLICT (external_id) WHERE external_id IS NOT NULL DO UPDATE SET
        first_name = excluded.first_name, last_name = excluded.last_name, title = excluded.title,
        company_id = excluded.company_id, phone = excluded.phone, country = excluded.country,
        document = excluded.document, updated_at = now()
    """,
    """
    INSERT INTO contacts_contactaddress (contact_id, address_id, is_primary)
    SELECT c.id, a.id, true
    FROM {rows}
    JOIN contacts_contact c ON c.external_id = r.external_id
    JOIN bounces_address a ON a.email = r.addresses #>> '{{0,email}}'
    ON CONFLICT (contact_id, address_id) DO NOTHING
    """,
    """
    INSERT INTO contacts_activity (contact_id, kind, text, at)
    SELECT c.id, 'edited', 'Changed title.', now()
    FROM {rows} JOIN contacts_contact c ON c.external_id = r.external_id
    """,
)
