"""A population of contacts for the benchmarks: people with companies, addresses, phone numbers, titles and tags.

In: how many contacts. Out: the tables, filled before their indexes are built. No chance is thrown, as in
`population.py`: the same number gives the same rows. Names are as people's are: a few that many have, and many that few
have; one in ten has an accent, one in fifty is written in other letters than Latin ones. One company a dozen contacts,
one in two hundred with an international domain; a third of the addresses are at a free provider.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from django.db import connection

from tests.bench.population import NOW, bound, thrown, without_indexes

TABLES = (
    "contacts_activity", "contacts_contact_tags", "contacts_contactaddress", "contacts_contact", "contacts_company",
    "contacts_tag", "bounces_address",
)  # fmt: skip
WORDS = tomllib.loads(Path(__file__).with_name("people.toml").read_text())
TAGS = ["Newsletter", "Customer", *(f"Fair {year}" for year in range(2001, 2027)), "VIP", "Präsenz"]
SURNAMES = [
    *WORDS["last_names"],
    *(f"{one}{two}{end}".capitalize() for one in WORDS["parts"] for two in WORDS["parts"] for end in WORDS["ends"]),
]


def skewed(salt: int, power: float) -> str:
    """From 0 to 1, the more often the smaller."""
    return f"power({thrown('id', salt)} / 1000.0 + {thrown('id', salt + 50)} / 1000000.0, {power})"


WHO = f"""
CREATE TEMP TABLE bench_people AS
SELECT id, first, last, title, phone, company_id, company, external_id, tags,
       CASE WHEN at_free THEN slug || id || '@' || (ARRAY['gmail.com', 'outlook.com', 'yahoo.com'])[1 + id % 3]
            ELSE slug || '.' || id || '@' || domain END AS email
FROM (
    SELECT x.id, x.first, x.last, %(titles)s::text[] AS titles, k.name AS company, x.company_id, k.domain,
           (%(titles)s::text[])[1 + floor({len(WORDS["titles"])} * power({thrown("x.id", 3)} / 1000.0, 2))] AS title,
           CASE WHEN {thrown("x.id", 4)} < 700 THEN
               (ARRAY['+49', '+1', '+44', '+33'])[1 + x.id % 4] || 100000000::bigint + (hashint8(x.id) & 2147483647)
           ELSE '' END AS phone,
           CASE WHEN x.id % 2 = 0 THEN 'crm-' || x.id END AS external_id,
           ARRAY[CASE WHEN {thrown("x.id", 5)} < 200 THEN 1 END, CASE WHEN {thrown("x.id", 6)} < 80 THEN 2 END,
                 CASE WHEN {thrown("x.id", 7)} < 150 THEN 3 + x.id % 26 END,
                 CASE WHEN {thrown("x.id", 8)} < 2 THEN 29 + x.id % 2 END] AS tags,
           {thrown("x.id", 9)} < 330 AS at_free,
           regexp_replace(contacts_folded(x.first || '.' || x.last), '[^a-z.]', 'x', 'g') AS slug
    FROM (
        SELECT id, 1 + floor(%(companies)s * {skewed(10, 1.5)})::bigint AS company_id,
               (%(firsts)s::text[])[1 + floor({len(WORDS["first_names"])} * {skewed(1, 1.5)})] AS first,
               (%(lasts)s::text[])[1 + floor({len(SURNAMES)} * {skewed(2, 3)})] AS last
        FROM generate_series(1, %(rows)s::bigint) id
    ) x JOIN contacts_company k ON k.id = x.company_id
) y
"""
COMPANIES = f"""
INSERT INTO contacts_company (id, name, domain, country, notes)
SELECT id, one || ' ' || (%(kinds)s::text[])[1 + {thrown("id", 22)} % {len(WORDS["kinds_of_company"])}] || ' ' || id,
       CASE WHEN id % 200 = 7 THEN 'xn--bcher' || id || '-kva.example'
            ELSE regexp_replace(contacts_folded(one), '[^a-z]', 'x', 'g') || id || '.example' END, '', ''
FROM (SELECT id, (%(lasts)s::text[])[1 + ({thrown("id", 20)} * 1000 + {thrown("id", 21)}) % {len(SURNAMES)}] AS one
      FROM generate_series(1, %(companies)s::bigint + 1) id) x
"""
ROWS = """
INSERT INTO contacts_tag (id, name)
SELECT place, name FROM unnest(%(tags)s::text[]) WITH ORDINALITY AS said(name, place);
INSERT INTO bounces_address (id, email, domain)
SELECT id, email, split_part(email, '@', -1) FROM bench_people ORDER BY id;
INSERT INTO contacts_contact (id, first_name, last_name, title, company_id, phone, country, custom, source, external_id,
                              document, created_at, updated_at)
SELECT id, first, last, title, company_id, phone, '', '{}', 'bench', external_id,
       contacts_document(first, last, title, company, email, phone,
                         ARRAY(SELECT name FROM contacts_tag WHERE id = ANY(p.tags))),
       %(starts_at)s::timestamptz + id * interval '1 second',
       %(starts_at)s::timestamptz + (hashint8(id) & 2147483647) % 20000000 * interval '1 second'
FROM bench_people p ORDER BY id;
INSERT INTO contacts_contactaddress (contact_id, address_id, is_primary)
SELECT id, id, true FROM bench_people ORDER BY id;
INSERT INTO contacts_contact_tags (contact_id, tag_id)
SELECT id, tag FROM bench_people CROSS JOIN unnest(tags) AS held(tag) WHERE tag IS NOT NULL ORDER BY id;
DROP TABLE bench_people
"""


def load(rows: int) -> None:
    """Empties the tables and fills them. As a superuser: the foreign keys are right by construction."""
    given = {
        "rows": rows, "companies": max(rows // 12, 10), "firsts": WORDS["first_names"], "lasts": SURNAMES,
        "titles": WORDS["titles"], "kinds": WORDS["kinds_of_company"], "tags": TAGS,
        "starts_at": NOW.replace(year=NOW.year - 2),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY CASCADE")
        with without_indexes(cursor, TABLES):
            for text in (COMPANIES, WHO, *ROWS.split(";\n")):
                cursor.execute(bound(cursor, text, given))
        for table in TABLES:
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), greatest(max(id), 1)) FROM {table}")
            cursor.execute(f"VACUUM (ANALYZE) {table}")
        cursor.execute("CHECKPOINT")
