"""The search for duplicates and the page of its queue, with contacts of whom one in twenty was entered twice.

In: how many contacts. Out: how long the search of all takes, one after 1,000 changes, and each page of the queue. The
names follow from hashes of the rows' numbers: 30 first names by 4,860 last names, 15 contacts a company.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from typing import Any

from tests.bench.stand import limit, standing

GOAL = 150.0
ROUNDS = 30
CHANGED = 1_000
STEM = (
    "(ARRAY['Bar','Cal','Dor','Fen','Gar','Hol','Kin','Lam','Mor','Nor','Pel','Quin','Ros','Sav','Tol','Var',"
    "'Wil','Zan'])"
)
END = "(ARRAY['berg','mann','son','ski','ova','etti','ard','ton','ley','worth','feld','bach','dorf','quist','escu'])"
FIRST = (
    "(ARRAY['Robert','William','Margaret','Alexander','Joseph','Thomas','Michael','Susanne','Barbara','Heinrich','Jorge',"
    "'Ingrid','Tomasz','Yusuf','Dmitri','Priya','Arjun','Haruto','Fatima','Omar','Amara','Kwame','Rebecca','Jennifer',"
    "'Deborah','Timothy','Gregory','Lawrence','Anthony','Nicholas'])"
)
COMPANIES = """
INSERT INTO contacts_company (name, domain, country, notes) SELECT 'Works ' || n, '', '', ''
  FROM generate_series(1, greatest(20, {rows} / 15)) AS n
"""
# The last twentieth is the first one entered again, with another address.
CONTACTS = f"""
INSERT INTO contacts_contact
       (first_name, last_name, title, company_id, phone, country, custom, source, created_at, updated_at)
SELECT {FIRST}[1 + h1 % 30], {STEM}[1 + h2 % 18] || {STEM}[1 + h3 % 18] || {END}[1 + h4 % 15], '',
       (SELECT min(id) FROM contacts_company) + h5 % greatest(20, {{rows}} / 15),
       CASE WHEN who % 3 = 0 THEN '+49 30 ' || (5000000 + n) ELSE '' END, '', '{{{{}}}}', '', now(), now()
  FROM (SELECT n, who, abs(hashint8(who)) AS h1, abs(hashint8(who + 1000003)) AS h2, abs(hashint8(who + 2000003)) AS h3,
               abs(hashint8(who + 3000017)) AS h4, abs(hashint8(who + 4000037)) AS h5
          FROM (SELECT n, CASE WHEN n > {{rows}} * 0.95 THEN n - ({{rows}} * 0.95)::bigint ELSE n END AS who
                  FROM generate_series(1, {{rows}}::bigint) AS n) AS numbered) AS hashed
 ORDER BY n
"""
ADDRESSES = """
INSERT INTO bounces_address (email, domain)
SELECT 'p' || id || '@' || domain, domain FROM (
    SELECT id, CASE WHEN id % 4 = 0 THEN 'gmail.com' ELSE 'works' || company_id || '.example' END AS domain
      FROM contacts_contact) AS reached
"""
REACHED = """
INSERT INTO contacts_contactaddress (contact_id, address_id, is_primary)
SELECT substr(split_part(email, '@', 1), 2)::bigint, id, true FROM bounces_address
"""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./rebound bench duplicates")
    parser.add_argument("--rows", type=int, default=10_000, help="contacts")
    parser.add_argument("--no-search", action="store_true", help="put the pairs in directly: pages alone are measured")
    given = parser.parse_args(arguments)
    with standing():
        load(given.rows)
        if given.no_search:
            put_pairs(given.rows)
        else:
            measure_search(given.rows)
        results = measure_pages()
    return 0 if all(results) else 1


def load(rows: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        # As a superuser: the foreign keys are right by construction, and nothing is announced or looked for here.
        cursor.execute("SET session_replication_role = replica")
        for text in (COMPANIES, CONTACTS, ADDRESSES, REACHED):
            cursor.execute(text.format(rows=rows))
        cursor.execute("SET session_replication_role = DEFAULT")
        for table in ("contacts_company", "contacts_contact", "bounces_address", "contacts_contactaddress"):
            cursor.execute(f"VACUUM (ANALYZE) {table}")


def put_pairs(rows: int) -> None:
    """As the search leaves them: whoever was entered twice, every tenth certain."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(PAIRS, {"apart": int(rows * 0.95)})


PAIRS = """
INSERT INTO contacts_duplicatepair
       (first_contact_id, second_contact_id, kind, score, is_certain, reasons, state, found_at)
SELECT one.id, two.id, CASE two.id %% 4 WHEN 0 THEN 'phone' WHEN 1 THEN 'similar' WHEN 2 THEN 'address' ELSE 'name' END,
       CASE WHEN two.id %% 10 = 0 THEN 100 ELSE 60 + two.id %% 40 END, two.id %% 10 = 0, '["same_name"]', 'open', now()
  FROM contacts_contact AS one JOIN contacts_contact AS two ON two.id = one.id + %(apart)s
"""


def measure_search(rows: int) -> None:
    from django.utils import timezone

    from contacts.duplicates import finding
    from contacts.models import Contact, DuplicateSearch

    start = time.perf_counter()
    told = finding.search(timezone.now)
    taken = time.perf_counter() - start
    say(f"search of all: {taken:.1f} s, {rows / taken:,.0f} contacts a second. {told}")
    DuplicateSearch.objects.update(compared_until=timezone.now())
    ids = list(Contact.objects.order_by("pk").values_list("pk", flat=True)[:CHANGED])
    Contact.objects.filter(pk__in=ids).update(updated_at=timezone.now(), title="CTO")
    start = time.perf_counter()
    told = finding.search(timezone.now)
    say(f"search after {CHANGED:,} changes: {time.perf_counter() - start:.1f} s. {told}")


def measure_pages() -> list[bool]:
    from django.contrib.auth import get_user_model
    from django.db import connection
    from django.test import Client

    from contacts.models import DuplicatePair

    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) contacts_duplicatepair")
        cursor.execute("VACUUM (ANALYZE) contacts_duplicatekeys")
    client = Client(HTTP_HOST="localhost")
    boss = get_user_model().objects.create(email="bench@rebound.example", role="admin")
    client.force_login(boss, "allauth.account.auth_backends.AuthenticationBackend")
    pair = DuplicatePair.objects.filter(state="open", first_contact__isnull=False).earliest("pk")
    following = re.search(r"\?after=[^\"&]+", client.get("/duplicates/").content.decode())
    pages = {
        "queue": "/duplicates/",
        "queue, second page": f"/duplicates/{following[0] if following else ''}",
        "queue, certain ones": "/duplicates/?tab=certain",
        "queue, same phone": "/duplicates/?tab=phone",
        "queue, companies (none)": "/duplicates/?tab=company",
        "a pair": pair.get_absolute_url(),
        "preview of all certain ones": "/duplicates/certain/",
        "a contact with a hint": f"/contacts/{pair.first_contact_id}/",
    }
    return [measure_page(client, name, url) for name, url in pages.items()]


def measure_page(client: Any, name: str, url: str) -> bool:
    taken = []
    for _ in range(ROUNDS + 3):
        start = time.perf_counter()
        response = client.get(url)
        taken.append((time.perf_counter() - start) * 1000)
        if response.status_code != 200:
            raise SystemExit(f"{url} answered {response.status_code}.")
    warm = taken[3:]
    p95 = statistics.quantiles(warm, n=20)[-1]
    return limit(f"{name} (p95 {p95:.0f} ms), median", statistics.median(warm), GOAL, "ms")


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201
