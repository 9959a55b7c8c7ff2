"""A verdict for each staged row. In: a run's stage. Out: a table of verdicts, before anything is written.

One SQL text serves the preview of the whole file and each batch that is applied, which is judged again under lock.
A row is about the contact with its external id, else about the one with its primary address (DESIGN §5), else about the
one that has its address as a further one. Several matches are a conflict, reported and not guessed. External ids are
those of the run's tool (`contacts/external_ids.py`). A row that an earlier one of the file is about too repeats it, or
contradicts it. Stage: file -> rows -> stage -> judged -> applied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model

from bounces.refusals import is_at_suppressed_domain, is_refused
from contacts.external_ids import tool_of_export
from contacts.importing.comparing import CHANGED, KNOWN_ID
from contacts.importing.options import Options, read_options
from contacts.importing.repeating import AGREES, FOLD
from contacts.importing.staging import erased_of, found_of, judged_of, stage_of
from contacts.models import ImportRun


@dataclass(frozen=True, slots=True)
class Judge:
    """By whom and how a run judges. `owner_only`: whose contacts may be changed, besides those that nobody owns;
    None: everybody's. `tool`: whose external ids the file has; empty: those of no named one."""

    run: ImportRun
    options: Options
    owner_only: int | None
    tool: str

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "update": self.options.update,
            "owner_only": self.owner_only,
            "tool": self.tool,
            "at": self.run.applied_at,
            "default_email": next((header for header, word in self.run.mapping.items() if word == "email"), ""),
            "default_id": next((header for header, word in self.run.mapping.items() if word == "external_id"), ""),
        }


NOBODY = 0  # a user that nobody is: contacts that somebody owns are then all somebody else's


def judge_of(run: ImportRun) -> Judge:
    options = read_options(run.options)
    owner_only = rules_for(run.started_by, change_others=options.change_others)
    return Judge(run, options, owner_only, tool_of_export(run.headers, run.mapping))


def rules_for(by: Any, *, change_others: bool) -> int | None:
    """Whose contacts may be changed: `Judge.owner_only`."""
    if change_others and (by is None or by.has_perm("contacts.change_everyones_contact")):
        return None
    return by.pk if by is not None else NOBODY


def judge_whole(judge: Judge, cursor: Any) -> None:
    """Makes the run's table of verdicts. Rows that change nothing have none."""
    found, judged = found_of(judge.run), judged_of(judge.run)
    cursor.execute(f"DROP TABLE IF EXISTS {found}, {judged}")
    stage = stage_of(judge.run)
    _judge(judge, cursor, stage, f"UNLOGGED TABLE {found}", f"UNLOGGED TABLE {judged}", fold=True)
    cursor.execute(f"CREATE INDEX {judged}_number ON {judged} (number)")
    cursor.execute(f"ANALYZE {judged}")


def judge_rows(judge: Judge, cursor: Any, rows: str) -> None:
    """The same for some rows of the stage, a table of that form; into `import_judged`, gone with the transaction."""
    cursor.execute("DROP TABLE IF EXISTS import_found, import_judged")
    _judge(judge, cursor, rows, "TEMP TABLE import_found ON COMMIT DROP", "TEMP TABLE import_judged ON COMMIT DROP")
    cursor.execute("ANALYZE import_judged")


def _judge(judge: Judge, cursor: Any, stage: str, to_find: str, to_judge: str, *, fold: bool = False) -> None:
    """First which contact and address each row without a problem is about; then what it would do to it.

    `fold`: rows that repeat an earlier one add to it what it does not say.
    """
    found = to_find.split()[2]
    cursor.execute(f"CREATE {to_find} AS {_find(judge, stage)}", judge.parameters)
    cursor.execute(f"ANALYZE {found}")
    cursor.execute("DROP TABLE IF EXISTS import_repeated")
    cursor.execute(f"CREATE TEMP TABLE import_repeated ON COMMIT DROP AS {REPEATED.format(found=found)}")
    cursor.execute("ANALYZE import_repeated")
    if fold:
        cursor.execute(FOLD.format(stage=stage, repeated="import_repeated"))
    cursor.execute(f"CREATE {to_judge} AS {_compare(stage, found, AGREES)}", judge.parameters)


def _find(judge: Judge, stage: str) -> str:
    return FIND.format(stage=stage, by_id=BY_NAMED_ID if judge.tool else BY_ID, counts=COUNTS_AS_REACHED)


def _compare(stage: str, found: str, equal: str) -> str:
    users = get_user_model()._meta.db_table
    parts = {"changed": CHANGED, "equal": equal, "whose": WHOSE, "known_id": KNOWN_ID}
    return COMPARE.format(stage=stage, found=found, users=users, **parts)


def verdicts_sql(judge: Judge, rows: str, equal: str) -> str:
    """The same for rows that stand in no table, in one statement: of each row its number, whom it is about, the verdict
    (NULL where it changes nothing), the words that change, the problem, and the row that it repeats.

    `equal`: when a row `s` says the same as the row `e` that it repeats."""
    compared = _compare("stage", "found", equal)
    return f"""
        WITH stage AS MATERIALIZED ({rows}), found AS MATERIALIZED ({_find(judge, "stage")}),
        import_repeated AS MATERIALIZED ({REPEATED.format(found="found")}), judged AS ({compared})
        SELECT f.number, f.contact_id, j.verdict, j.changed, j.problem, r.first
        FROM found f
        LEFT JOIN judged j ON j.number = f.number
        LEFT JOIN import_repeated r ON r.number = f.number
    """  # noqa: S608 -- texts of ours


BY_ID = "contacts_contact x ON x.external_id = s.external_id AND x.deleted_at IS NULL"
BY_NAMED_ID = """(
        contacts_contactexternalid i JOIN contacts_contact x ON x.id = i.contact_id AND x.deleted_at IS NULL
    ) ON i.tool = %(tool)s AND i.external_id = s.external_id"""
# A further address that the run itself gave to somebody finds nobody: where its batches begin and end decides nothing.
COUNTS_AS_REACHED = "(r.is_primary OR r.created_at IS DISTINCT FROM %(at)s)"
# `hash` stands for the address, `id_hash` for the external id: groups of numbers are a fifth of the memory.
FIND = """
WITH located AS MATERIALIZED (
    SELECT s.number, a.id AS address_id, x.id AS contact_id,
           hashtextextended(s.email, 0) AS hash, hashtextextended(s.external_id, 0) AS id_hash
    FROM {stage} s
    LEFT JOIN bounces_address a ON a.email = s.email
    LEFT JOIN {by_id}
    WHERE s.problems IS NULL
), reached AS (
    SELECT r.address_id, min(c.id) AS contact_id, count(*) AS matches,
           min(c.id) FILTER (WHERE r.is_primary) AS primary_of, count(*) FILTER (WHERE r.is_primary) AS primaries
    FROM contacts_contactaddress r
    JOIN contacts_contact c ON c.id = r.contact_id AND c.deleted_at IS NULL
    WHERE r.address_id IN (SELECT address_id FROM located WHERE contact_id IS NULL) AND {counts}
    GROUP BY r.address_id
), matched AS (
    SELECT address_id, coalesce(primary_of, contact_id) AS contact_id,
           CASE WHEN primaries > 0 THEN primaries ELSE matches END AS matches
    FROM reached
)
SELECT l.number, l.address_id, coalesce(l.contact_id, m.contact_id) AS contact_id,
       coalesce(m.matches > 1, false) AS is_ambiguous, l.contact_id IS NOT NULL AS by_id, l.hash, l.id_hash
FROM located l LEFT JOIN matched m ON m.address_id = l.address_id AND l.contact_id IS NULL
"""

REPEATED = """
WITH by_id AS (
    SELECT id_hash, min(number) AS first FROM {found} WHERE id_hash IS NOT NULL GROUP BY id_hash HAVING count(*) > 1
), by_contact AS (
    SELECT contact_id, min(number) AS first FROM {found}
    WHERE contact_id IS NOT NULL AND NOT is_ambiguous GROUP BY contact_id HAVING count(*) > 1
), by_address AS (
    SELECT hash, min(number) AS first FROM {found}
    WHERE hash IS NOT NULL AND EXISTS (SELECT FROM {found} WHERE contact_id IS NULL)
    GROUP BY hash HAVING count(*) > 1
), earlier AS (
    SELECT f.number, least(i.first, c.first, a.first) AS first
    FROM {found} f
    LEFT JOIN by_id i ON i.id_hash = f.id_hash
    LEFT JOIN by_contact c ON c.contact_id = f.contact_id
    LEFT JOIN by_address a ON a.hash = f.hash AND f.contact_id IS NULL
    WHERE i.first IS NOT NULL OR c.first IS NOT NULL OR a.first IS NOT NULL
)
SELECT number, first FROM earlier WHERE first < number
"""

WHOSE = """CASE WHEN EXISTS (
                     SELECT FROM contacts_contactaddress r
                     WHERE r.contact_id = f.contact_id AND r.address_id = f.address_id AND r.is_primary
                 ) THEN ' is the primary address of ' ELSE ' is a further address of ' END"""
COMPARE = """
SELECT f.number, NULL::bigint AS contact_id, f.address_id, 'new' AS verdict, NULL::text[] AS changed,
       NULL::jsonb AS problem
FROM {found} f
WHERE f.contact_id IS NULL AND NOT EXISTS (SELECT FROM import_repeated r WHERE r.number = f.number)

UNION ALL
SELECT number, contact_id, address_id,
       CASE WHEN problem IS NOT NULL THEN 'conflict'
            WHEN %(update)s = 'skip' THEN 'skipped'
            WHEN is_others THEN 'not_yours' ELSE 'update' END,
       changed,
       CASE WHEN problem IS NOT NULL THEN problem
            WHEN is_others AND %(update)s <> 'skip' THEN jsonb_build_array('', '', name || ' belongs to ' || owner
                || '. Let the import change contacts of others, or leave the row to them.') END
FROM (
    SELECT f.number, f.contact_id, f.address_id, {changed} AS changed,
        CASE WHEN f.is_ambiguous THEN jsonb_build_array(%(default_email)s::text, s.email,
                 s.email || {whose} || 'several contacts. Give an external id.')
             WHEN NOT f.by_id AND s.external_id <> {known_id}
             THEN jsonb_build_array(%(default_id)s::text, s.external_id,
                 s.email || {whose} || coalesce(nullif(trim(c.first_name || ' ' || c.last_name),
                 ''), 'contact ' || c.id) || ', whose external id is ' || {known_id} || '. Correct one of the two.')
        END AS problem,
        %(owner_only)s::bigint IS NOT NULL AND c.owner_id IS NOT NULL
            AND c.owner_id <> %(owner_only)s::bigint AS is_others,
        coalesce(nullif(trim(c.first_name || ' ' || c.last_name), ''), 'contact ' || c.id) AS name,
        coalesce(nullif(u.name, ''), u.email, 'somebody else') AS owner
    FROM {found} f
    JOIN {stage} s ON s.number = f.number
    JOIN contacts_contact c ON c.id = f.contact_id
    LEFT JOIN {users} u ON u.id = c.owner_id AND c.owner_id <> %(owner_only)s::bigint
    LEFT JOIN contacts_company k ON k.id = c.company_id
    LEFT JOIN contacts_contactaddress p ON p.contact_id = c.id AND p.is_primary AND f.by_id
    WHERE NOT EXISTS (SELECT FROM import_repeated r WHERE r.number = f.number)
) AS met
WHERE problem IS NOT NULL OR cardinality(changed) > 0

UNION ALL
SELECT r.number, f.contact_id, f.address_id,
       CASE WHEN {equal} THEN 'duplicate' ELSE 'conflict' END, NULL,
       CASE WHEN {equal} THEN NULL ELSE jsonb_build_array(%(default_email)s::text, coalesce(s.email, ''),
           'Row ' || r.first || ' is about the same contact and says something else.') END
FROM import_repeated r
JOIN {found} f ON f.number = r.number
JOIN {stage} s ON s.number = r.number
JOIN {stage} e ON e.number = r.first

UNION ALL
SELECT s.number, NULL, NULL, 'invalid', NULL, NULL FROM {stage} s
WHERE s.problems IS NOT NULL
"""


def known_of(run: ImportRun) -> str:
    """The same of a whole run's preview, those that were erased among them."""
    erased = f"SELECT number FROM {erased_of(run)}" if run.known.get("erased") else NO_ROW  # noqa: S608 -- a number
    return KNOWN.format(judged=judged_of(run), stage=stage_of(run), erased=erased)


def known_sql(judged: str, stage: str) -> str:
    """Rows whose address must not be written to: dead, suppressed or held."""
    return KNOWN.format(judged=judged, stage=stage, erased=NO_ROW)


NO_ROW = "SELECT NULL::int WHERE false"


# The second part is about addresses that nobody has yet: their domain may be suppressed, or they were erased.
KNOWN = f"""
SELECT j.number, CASE WHEN a.status = 'invalid' THEN 'dead' ELSE 'suppressed' END AS known
FROM {{judged}} j
JOIN bounces_address a ON a.id = j.address_id
WHERE j.verdict IN ('new', 'update') AND {is_refused("a")}
UNION ALL
SELECT j.number, 'suppressed'
FROM {{judged}} j JOIN {{stage}} s ON s.number = j.number
WHERE j.address_id IS NULL AND j.verdict IN ('new', 'update')
  AND (j.number IN ({{erased}})
       OR (EXISTS (SELECT FROM bounces_suppression WHERE scope = 'domain' AND lifted_at IS NULL)
           AND {is_at_suppressed_domain("split_part(s.email, '@', -1)")}))
"""  # noqa: S608 -- conditions of ours
