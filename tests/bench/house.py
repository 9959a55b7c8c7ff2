"""The people around the benchmarks' addresses: a CRM of the same size, for the pages.

In: how many contacts; a database that is fresh. Out: beside the addresses, bounces and attempts of `population.py`:
contacts with companies, tags, owners, campaigns, segments, tasks and a timeline; statuses with their history and a
cleaning run; suppressions, questions, guards, an incident, an import, the inbox and the daily counts. As there, all of
it follows from the rows' numbers.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from tests.bench import population
from tests.bench.population import thrown

TEAMS, SALES, CAMPAIGNS, TAGS = 4, 16, 201, 60
COMPANIES_SHARE, TASKS_SHARE, ITEMS_SHARE = 20, 10, 2  # contacts for each of them
BOSS = "boss@bench.example"
TABLES = (
    "contacts_company", "contacts_tag", "contacts_contact", "contacts_contactaddress", "contacts_contact_tags",
    "contacts_campaign", "contacts_campaignmember", "contacts_task", "contacts_activity", "bounces_statuschange",
    "bounces_cleaningrow", "bounces_evidence", "bounces_inbounditem", "bounces_unproved",
)  # fmt: skip
WITHOUT_AN_ID = ("contacts_importrow",)

FIRST = "Ada Ben Clara David Élise Finn Grete Hugo Ines Jan Karl Lena Mia Noah Olga Paul Rosa Sven Tom Uwe Vera Zoë"
LAST = "Berg Stein Mann Hof Bach Feld Wald Brück Kamp Thal Müller Fischer Weber Novák Garcia Silva Rossi Moreau Smith"
TITLES = "CEO,CTO,Buyer,Head of Sales,Accountant,Engineer,Office Manager,Marketing Lead,Founder,Assistant"
COUNTRIES = ["DE", "DE", "DE", "DE", "AT", "CH", "FR", "FR", "GB", "GB", "US", "US", "US", "ES", "IT", "NL", "PL", "SE"]


def picked(words: list[str], number: str, salt: int) -> str:
    """One of the words, by a column's number."""
    listed = ", ".join(f"'{word}'" for word in words)
    return f"(ARRAY[{listed}])[1 + {thrown(number, salt)} % {len(words)}]"


FREQUENT_TAG = f"(1 + floor(power({thrown('who.id', 41)} / 1000.0, 2) * {TAGS // 2})::int)"
RARE_TAG = f"({TAGS // 2 + 1} + {thrown('who.id', 42)} % {TAGS // 2})"
MAIL = (
    "CREATE TEMP TABLE bench_mail AS SELECT id, 'p' || id || '@' || domain AS email FROM bench_who; ANALYZE bench_mail"
)
COMPANIES = f"""
INSERT INTO contacts_company (id, name, domain, country, owner_id, notes, created_at)
SELECT n, {picked(LAST.split(), "n", 31)} || ' ' || {picked(["Works", "Labs", "Trade", "Foods", "Media"], "n", 32)}
       || ' ' || n, 'd' || n || '.example', {picked(COUNTRIES, "n", 33)},
       CASE WHEN n % 3 > 0 THEN %(first_sales)s + n % {SALES} END, '', %(starts_at)s
FROM generate_series(1, GREATEST(%(addresses)s::bigint / {COMPANIES_SHARE}, 1)) n
"""
TAG_ROWS = f"INSERT INTO contacts_tag (id, name) SELECT n, 'Tag ' || n FROM generate_series(1, {TAGS}) n"
CONTACTS = f"""
INSERT INTO contacts_contact (id, first_name, last_name, title, company_id, owner_id, phone, country, custom, source,
                              external_id, document, created_at, updated_at, deleted_at)
SELECT c.id, c.first_name, c.last_name, c.title, company.id, c.owner_id, c.phone, c.country, '{{}}', c.source,
       CASE WHEN c.id % 2 = 0 THEN 'X-' || c.id END,
       contacts_document(c.first_name, c.last_name, c.title, company.name, c.emails, c.phone, c.tags), c.at,
       c.at + (%(now)s - c.at) * (hashint8(c.id) & 1023) / 1024.0, CASE WHEN c.id % 101 = 0 THEN %(now)s END
FROM (
    SELECT who.id, {picked(FIRST.split(), "who.id", 21)} AS first_name,
           {picked(LAST.split(), "who.id", 22)} || CASE WHEN who.id % 2 = 0 THEN '' ELSE
           lower({picked(LAST.split(), "who.id", 23)}) END AS last_name,
           {picked(TITLES.split(","), "who.id", 24)} AS title,
           CASE WHEN who.id % 10 > 0 THEN 1 + (hashint8(who.id + 25) & 2147483647)
               % GREATEST(%(addresses)s / {COMPANIES_SHARE}, 1) END AS company_id,
           CASE WHEN who.id % 10 > 2 THEN %(first_sales)s + {thrown("who.id", 26)} % {SALES} END AS owner_id,
           CASE WHEN who.id % 5 > 1 THEN '+4930' || lpad(who.id::text, 7, '0') ELSE '' END AS phone,
           {picked(COUNTRIES, "who.id", 27)} AS country, 'List ' || {thrown("who.id", 28)} % 40 || '.csv' AS source,
           concat_ws(' ', CASE WHEN who.id % 200 <> 7 THEN who.email END,
                          CASE WHEN who.id % 20 = 0 THEN further.email END) AS emails,
           CASE WHEN who.id % 4 > 0 THEN ARRAY['Tag ' || {FREQUENT_TAG}, 'Tag ' || {RARE_TAG}] ELSE '{{}}' END AS tags,
           %(starts_at)s::timestamptz + make_interval(days => {thrown("who.id", 29)} * {population.DAYS} / 1000,
                                                      secs => who.id % 86400) AS at
    FROM bench_mail who LEFT JOIN bench_mail further ON further.id = who.id + 1
) c LEFT JOIN contacts_company company ON company.id = c.company_id
ORDER BY c.id
"""
REACHED = """
INSERT INTO contacts_contactaddress (contact_id, address_id, is_primary, created_at)
SELECT id, id, true, %(starts_at)s::timestamptz FROM bench_who WHERE id % 200 <> 7
UNION ALL
SELECT id, id + 1, false, %(starts_at)s::timestamptz FROM bench_who WHERE id % 20 = 0 AND id < %(addresses)s
"""
TAGGED = f"""
INSERT INTO contacts_contact_tags (contact_id, tag_id)
SELECT id, tag FROM bench_who who CROSS JOIN unnest(ARRAY[{FREQUENT_TAG}, {RARE_TAG}]) AS held(tag) WHERE id % 4 > 0
"""
CAMPAIGN_ROWS = f"""
INSERT INTO contacts_campaign (id, name, key, owner_id, state, description, writes_to, quiet_days, created_at)
SELECT n, 'Campaign ' || n, 'c' || n - 1, %(first_sales)s + n % {SALES},
       CASE WHEN n > {CAMPAIGNS - 12} THEN 'running' WHEN n % 9 = 0 THEN 'draft' ELSE 'finished' END, '',
       CASE WHEN n % 3 = 0 THEN 'any' ELSE 'sure' END, CASE WHEN n % 7 = 0 THEN 90 END, %(starts_at)s
FROM generate_series(1, {CAMPAIGNS}) n
"""
# A third of the campaigns each time, so that nobody is in one twice. The last one has every fifth contact.
MEMBERS = f"""
INSERT INTO contacts_campaignmember (campaign_id, contact_id, added_at)
SELECT 1 + {thrown("id", 51)} % 67, id, %(starts_at)s::timestamptz FROM bench_who
UNION ALL
SELECT 68 + {thrown("id", 52)} % 67, id, %(starts_at)s::timestamptz FROM bench_who
UNION ALL
SELECT {CAMPAIGNS}, id, %(starts_at)s::timestamptz FROM bench_who WHERE id % 5 = 0
"""
TASKS = f"""
INSERT INTO contacts_task (contact_id, owner_id, text, due_on, done_at, done_by_id, created_at)
SELECT id, %(first_sales)s + {thrown("id", 61)} % {SALES}, 'Call about offer ' || id,
       %(now)s::date + {thrown("id", 62)}::int % 120 - 60,
       CASE WHEN {thrown("id", 63)} < 700 THEN %(now)s::timestamptz END,
       CASE WHEN {thrown("id", 63)} < 700 THEN %(first_sales)s END, %(starts_at)s::timestamptz
FROM bench_who WHERE id % {TASKS_SHARE} = 1
"""
# A third of a thousand bounces are understood by no rule, in some twenty wordings.
UNKNOWN = f"""
UPDATE bounces_bounce SET rule = 'default', reason = 'undetermined', fault = 'unknown',
       diagnostic = '554 Some server of ' || provider || ' says number ' || {thrown("id", 64)} % 20 || ' and no more'
WHERE id % 331 = 0 AND kind = 'soft'
"""
STATUSES = """
UPDATE bounces_address a SET
    status = CASE WHEN what.is_bad THEN CASE WHEN what.fate = 'dead' THEN 'invalid' ELSE 'at_risk' END ELSE 'valid' END,
    status_rule = CASE WHEN what.is_bad THEN CASE WHEN what.fate = 'dead' THEN 'hard_bounce' ELSE 'soft_recent' END
        ELSE 'alive' END,
    status_changed_at = CASE WHEN what.is_bad THEN a.last_bounce_at ELSE a.last_delivered_at END,
    evidence = CASE WHEN what.is_bad AND what.fate = 'dead' THEN jsonb_build_object('bounces', 2, 'first_at',
            a.last_bounce_at, 'last_at', a.last_bounce_at, 'reason', 'userunknown', 'smtp_code', 550)
        WHEN what.is_bad THEN jsonb_build_object('days', 2, 'first_on', a.last_bounce_at::date, 'last_on',
            a.last_bounce_at::date, 'ends_at', a.last_bounce_at + interval '30 days', 'reason', 'mailboxfull') END
FROM (SELECT who.id, fate, fate <> 'alive' AND b.last_bounce_at > ends_at AS is_bad
      FROM bench_who who JOIN bounces_address b ON b.id = who.id) what
WHERE what.id = a.id AND (what.is_bad OR a.last_delivered_at IS NOT NULL)
"""
HISTORY = """
INSERT INTO bounces_statuschange (id, address_id, from_status, to_status, rule, evidence, policy_id, run_id, at)
SELECT a.id, a.id, 'unverified', a.status, a.status_rule, COALESCE(a.evidence, '{}'), %(policy)s,
       CASE WHEN a.status <> 'valid' THEN %(run)s END, a.status_changed_at
FROM bounces_address a WHERE a.status <> 'unverified' ORDER BY a.status_changed_at
"""
CLEANED = """
INSERT INTO bounces_cleaningrow (run_id, address_id, from_status, to_status, rule, evidence, outcome)
SELECT %(run)s, address_id, from_status, to_status, rule, evidence, 'applied'
FROM bounces_statuschange WHERE run_id IS NOT NULL ORDER BY address_id
"""
TIMELINE = """
INSERT INTO contacts_activity (contact_id, kind, text, by_id, at, status_change_id)
SELECT id, 'imported', source, %(first_sales)s, created_at, NULL::bigint FROM contacts_contact
UNION ALL
SELECT id, 'note', 'Spoke about the offer, calls back.', owner_id, updated_at, NULL FROM contacts_contact
WHERE id % 5 = 0
UNION ALL
SELECT address_id, 'status_changed', 'Unverified to ' || to_status, NULL, at, id FROM bounces_statuschange
"""
EVIDENCE = """
INSERT INTO bounces_evidence (bounce_id, inbound_item_id, source, trust, kind, fault, reason, smtp_code, enhanced_code,
    diagnostic, command, remote_mta, reporting_mta, provider, reader, rule, rank, occurred_at)
SELECT id, CASE WHEN id % 10 = 0 THEN id / 10 END, 'bench:1', 'trusted', kind, fault, reason, smtp_code, enhanced_code,
       diagnostic, '', remote_mta, '', provider, 'event', rule, '11111-', occurred_at
FROM bounces_bounce WHERE occurred_at > %(now)s::timestamptz - interval '90 days'
"""
INBOX = f"""
INSERT INTO bounces_inbounditem (id, source, digest, form, trust, name, size, state, why, facts, tries, received_at)
SELECT n, (ARRAY['bench:1', 'smtp', 'imap:1', 'api:1'])[1 + n % 4], int8send(n), 'mail', 'unproved', 'mail ' || n, 900,
       CASE WHEN n % 500 = 0 THEN 'unverified' WHEN n % 1000 = 1 THEN 'quarantined' WHEN n % 20 = 3 THEN 'ignored'
           ELSE 'done' END,
       CASE WHEN n % 1000 = 1 OR n % 20 = 3 THEN 'It is no bounce.' ELSE '' END, 1, 1,
       %(starts_at)s::timestamptz + make_interval(days => {population.DAYS}) * (n * {ITEMS_SHARE}.0 / %(addresses)s)
FROM generate_series(1, %(addresses)s::bigint / {ITEMS_SHARE}) n
"""
UNPROVED = """
INSERT INTO bounces_unproved (item_id, event_key, event, address_id, shortcoming, occurred_at)
SELECT id, '', 'bounced', 1 + id % %(addresses)s, CASE WHEN id % 1000 = 0 THEN 'no_token' ELSE 'no_attempt' END,
       received_at FROM bounces_inbounditem WHERE state = 'unverified'
"""
# Counted once by all that is counted apart; a receiver's domain by months.
COUNTED = """
CREATE TEMP TABLE bench_counted AS
SELECT day, campaign_key, sender, CASE WHEN provider IN ('google', 'microsoft', 'yahoo') THEN provider ELSE 'other' END
       AS provider, sum(attempted) AS attempted, sum(bounced) AS bounced, sum(delivered) AS delivered,
       sum(deferred) AS deferred, sum(hard) AS hard, sum(soft) AS soft, sum(blocked) AS blocked
FROM (
    SELECT sent_at::date AS day, campaign_key, sender, provider, 1 AS attempted,
           (bounced_at IS NOT NULL)::int AS bounced, (delivered_at IS NOT NULL)::int AS delivered,
           0 AS deferred, 0 AS hard, 0 AS soft, 0 AS blocked
    FROM bounces_attempt
    UNION ALL
    SELECT occurred_at::date, campaign_key, sender, provider, 0, 0, 0, (kind = 'deferred')::int, (kind = 'hard')::int,
           (kind = 'soft')::int, (kind <> 'deferred' AND fault = 'sender')::int FROM bounces_bounce
) facts GROUP BY 1, 2, 3, 4
"""
DAILY = """
DELETE FROM bounces_dailystat;
INSERT INTO bounces_dailystat (day, dimension, key, attempted, bounced, delivered, deferred, hard, soft, blocked)
SELECT c.day, d.dimension, d.key, sum(attempted), sum(bounced), sum(delivered), sum(deferred), sum(hard), sum(soft),
       sum(blocked)
FROM bench_counted c CROSS JOIN LATERAL (VALUES ('all', ''), ('campaign', campaign_key), ('sender', sender),
    ('sender_domain', split_part(sender, '@', 2)), ('provider', provider)) d(dimension, key)
GROUP BY 1, 2, 3;
INSERT INTO bounces_dailystat (day, dimension, key, attempted, bounced, delivered)
SELECT date_trunc('month', t.sent_at)::date, 'recipient_domain', who.domain, count(*), count(t.bounced_at),
       count(t.delivered_at)
FROM bounces_attempt t JOIN bench_who who ON who.id = t.address_id GROUP BY 1, 3;
DROP TABLE bench_counted, bench_mail;
"""
HELD = """
UPDATE bounces_bounce SET incident_id = %(incident)s, standing = 'held'
WHERE kind = 'hard' AND provider = 'yahoo' AND occurred_at > %(now)s::timestamptz - interval '3 days'
"""
IMPORTED = """
INSERT INTO contacts_importrow (run_id, number, verdict, email, contact_id)
SELECT %(import_run)s, id + 1, 'new', 'p' || id || '@' || domain, id FROM bench_who WHERE id <= %(addresses)s / 5
"""
TEXTS = (
    MAIL, COMPANIES, TAG_ROWS, CONTACTS, REACHED, TAGGED, CAMPAIGN_ROWS, MEMBERS, TASKS, UNKNOWN, STATUSES, HISTORY,
    CLEANED, TIMELINE, EVIDENCE, INBOX, UNPROVED, COUNTED, DAILY, HELD, IMPORTED,
)  # fmt: skip


def load(contacts: int, now: datetime) -> None:
    """Fills a fresh database; `now` is when its last facts happened."""
    given = a_house(contacts, now)
    population.load(contacts, now, TEXTS, TABLES, **given)
    with connection.cursor() as cursor:
        for table in WITHOUT_AN_ID:
            cursor.execute(f"VACUUM (ANALYZE) {table}")
    what_people_decided(contacts, now)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def a_house(contacts: int, now: datetime) -> dict[str, Any]:
    """Its users, and the runs and the incident that the rows name. Their ids."""
    from bounces.models import CleaningRun, Incident, Policy
    from contacts.models import ImportRun
    from crm.models import Team, User

    boss = User.objects.create(email=BOSS, name="Boss", role="admin")
    teams = [Team.objects.create(name=f"Team {number}") for number in range(TEAMS)]
    sales = [
        User.objects.create(email=f"s{n}@bench.example", name=f"Seller {n}", team=teams[n % TEAMS])
        for n in range(SALES)
    ]
    policy = Policy.active()
    at = {"created_at": now, "started_at": now, "finished_at": now}
    run = CleaningRun.objects.create(state="done", policy=policy, total=contacts, evaluated=contacts,
                                     changes=contacts // 10, applied=contacts // 10, as_of=now, **at)  # fmt: skip
    incident = Incident.objects.create(
        provider="yahoo", began_at=now - timedelta(days=3), opened_at=now, last_bounce_at=now, window_hours=6,
        window_ends_at=now, good_attempted=500, good_bounced=90, usual_share=0.01, chance=0.0,
    )  # fmt: skip
    brought = ImportRun.objects.create(
        name="people.csv", digest=b"0", state="done", headers=["email"], mapping={"email": "email"},
        total=contacts // 5, done=contacts // 5, counts={"new": contacts // 5}, written={"new": contacts // 5},
        started_by=boss, created_at=now, applied_at=now, finished_at=now,
    )  # fmt: skip
    return {
        "first_sales": sales[0].pk, "policy": policy.pk, "run": run.pk, "incident": incident.pk,
        "import_run": brought.pk,
    }  # fmt: skip


def what_people_decided(contacts: int, now: datetime) -> None:
    """Suppressions, guards, questions and segments: by the models, since there are few."""
    from bounces.addresses import suppression_key
    from bounces.models import Address, Guard, ReviewItem, Suppression
    from contacts.models import Segment
    from crm.models import User

    boss = User.objects.get(email=BOSS)
    chosen = Address.objects.filter(pk__in=range(50, contacts, 100))
    Suppression.objects.bulk_create(
        [
            Suppression(address_id=pk, address_key=suppression_key(email), reason="unsubscribe", source="bench")
            for pk, email in chosen.values_list("pk", "email").iterator()
        ],
        batch_size=5000,
    )
    Suppression.objects.bulk_create(
        Suppression(scope="domain", domain=f"d{n}.example", reason="manual", source="bench") for n in range(40, 90)
    )
    for number in range(5):
        Guard.objects.create(dimension="sender", key=f"s{number}@mail{number % 4}.example", state="paused",
                             rule="lately", bounced=90, attempted=1000, paused_at=now)  # fmt: skip
    bad = Address.objects.filter(status="invalid").order_by("pk")[:100]
    ReviewItem.objects.bulk_create(
        ReviewItem(cause="asked", address=each, note="They called.", asked_by=boss, asked_at=now) for each in bad
    )
    for name, words in SEGMENTS.items():
        Segment.objects.create(name=name, owner=boss, filter=words)


# As `contacts/stored_filters.py` keeps them: rows by their ids.
SEGMENTS: dict[str, dict[str, list[Any]]] = {
    "Everybody in Germany": {"country": ["DE"]},
    "Invalid ones": {"status": ["invalid"]},
    "At risk or invalid": {"status": ["at_risk", "invalid"]},
    "May be emailed": {"verdict": ["yes"]},
    "Nobody’s": {"owner": ["none"]},
    "Tag 1": {"tag": [1]},
    "Tags 1 and 31": {"tag": [1, 31]},
    "One list": {"source": ["List 7.csv"]},
    "The newest campaign": {"campaign": [CAMPAIGNS]},
    "Swiss, may be emailed": {"country": ["CH"], "verdict": ["yes"]},
    "Without a company": {"company": ["none"]},
    "Named Müller": {"q": ["müller"]},
    "No address": {"status": ["none"]},
}
