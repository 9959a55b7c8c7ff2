"""Values of many contacts -> tables. In: Staged rows by number, who saves them, and when. Out: an Outcome each.

Each row is judged first without a lock. What changes nothing ends there: no row of it is locked or written. Of the
others, addresses that nobody had are made: whoever makes the same person at this moment waits for that. All other rows
are locked and judged again. Then all are written, in sets.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from bounces.addresses import MAKE_ADDRESSES, link_orphaned_suppressions
from bounces.conflicts import retried
from bounces.statements import columns, run
from contacts.access import User, contacts_for
from contacts.fields import LABELS
from contacts.importing.applying import MAKE_COMPANIES, MAKE_TAGS
from contacts.importing.judging import Judge, rules_for, verdicts_sql
from contacts.importing.options import Options
from contacts.importing.rest import WRITE
from contacts.importing.staging import COLUMNS
from contacts.importing.writing import STAGED, write_contacts
from contacts.models import ImportRun
from contacts.people import NEEDED
from contacts.upserting.reading import Staged

MOST = 10_000
UNSEEN = "A contact that you cannot see has this external id or address. Ask a manager."
SEPARATOR = "\x1f"  # no text that is kept holds it
TYPES: dict[str, str] = {column.split()[0]: column.split()[1] for column in COLUMNS.split(",")}
WRITES = ("new", "update")
SAID = [name for name in TYPES if name != "number"]
# A row that repeats an earlier one must say the same: it is judged by itself, and adds nothing to the other.
SAME = f"({', '.join(f's.{name}' for name in SAID)}) IS NOT DISTINCT FROM ({', '.join(f'e.{name}' for name in SAID)})"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row. `result`: created, updated, unchanged, conflict or error; `errors` by field."""

    result: str
    contact_id: int | None = None
    errors: Mapping[str, Sequence[str]] | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """`contact_id`: whom the row is about, where that is somebody; `first`: the row that it repeats."""

    contact_id: int | None
    verdict: str
    changed: list[str]
    problem: list[str] | None
    first: int | None


@retried
def save_contacts(
    rows: Mapping[int, Staged], *, by: User, now: datetime, source: str, tool: str = ""
) -> dict[int, Outcome]:
    """Updates the contact that each row is about, else creates one. May run twice: the second changes nothing."""
    judge = _judge_for(by, now, source, tool)
    with transaction.atomic():
        judged = _judge(judge, rows)
        _refuse_the_nameless(judged, rows)
        if any(one.verdict in WRITES for one in judged.values()):
            judged |= _held(judge, {number: rows[number] for number in _of(judged, WRITES)}, judged)
            _refuse_the_nameless(judged, rows)
            judged |= _write(judge, rows, judged)
    return _outcomes(judged, by)


def _judge_for(by: User, now: datetime, source: str, tool: str) -> Judge:
    """As an import that overwrites, and changes what its user may change."""
    run_of_nothing = ImportRun(
        mapping={"addresses": "email", "external_id": "external_id"}, applied_at=now, started_by=by
    )
    return Judge(run_of_nothing, Options(source=source), rules_for(by, change_others=True), tool)


def _of(judged: Mapping[int, Judged], verdicts: Iterable[str]) -> list[int]:
    wanted = set(verdicts)
    return [number for number, one in judged.items() if one.verdict in wanted]


# --- judging --------------------------------------------------------------------------------------


def _judge(judge: Judge, rows: Mapping[int, Staged]) -> dict[int, Judged]:
    found = run(verdicts_sql(judge, _stage_sql(), SAME), {**judge.parameters, **_stage(rows)})
    return {
        number: Judged(contact_id, verdict or "unchanged", changed or [], problem, first)
        for number, contact_id, verdict, changed, problem, first in found
    }


def _stage(rows: Mapping[int, Staged]) -> dict[str, list[Any]]:
    """The rows as columns: lists as one text."""
    values = []
    for number, staged in rows.items():
        flat = {**staged, "number": number}
        for name in ("others", "tags"):
            flat[name] = SEPARATOR.join(flat[name]) if flat.get(name) else None
        values.append([flat.get(name) for name in TYPES])
    return {f"s_{name}": column for name, column in columns(values, list(TYPES)).items()}


def _stage_sql() -> str:
    plain = {"text[]": "text", "jsonb": "text"}
    arrays = ", ".join(f"%(s_{name})b::{plain.get(kind, kind)}[]" for name, kind in TYPES.items())
    read: dict[str, Callable[[str], str]] = {
        "text[]": lambda name: f"string_to_array({name}, E'\\x1f')",
        "jsonb": lambda name: f"{name}::jsonb",
    }
    listed = ", ".join(f"{read.get(kind, str)(name)} AS {name}" for name, kind in TYPES.items())
    return f"SELECT {listed} FROM unnest({arrays}) AS given({', '.join(TYPES)})"  # noqa: S608 -- names of ours


def _refuse_the_nameless(judged: dict[int, Judged], rows: Mapping[int, Staged]) -> None:
    """A new contact needs a name or an address, as through every other door."""
    for number in _of(judged, ["new"]):
        staged = rows[number]
        if not (staged.get("email") or staged.get("first_name") or staged.get("last_name")):
            judged[number] = Judged(None, "invalid", [], ["", "", NEEDED], None)


# --- writing --------------------------------------------------------------------------------------


def _held(judge: Judge, rows: Mapping[int, Staged], judged: Mapping[int, Judged]) -> dict[int, Judged]:
    """What the rows are, once nobody can change that. A row whose address is made here is new: it is left out."""
    emails = _emails(rows.values())
    fresh = _make_addresses(emails)
    run(HOLD_ADDRESSES, {"emails": sorted(emails - fresh)})
    _make_addresses(emails - fresh)  # once more: an erasure that was waited for took some away
    doubtful = {number: each for number, each in rows.items() if not _is_fresh(judged[number], each, fresh)}
    if not doubtful:
        return {}
    run(HOLD_CONTACTS, {"ids": sorted({one.contact_id for n in doubtful if (one := judged[n]).contact_id})})
    return _judge(judge, doubtful)


def _emails(rows: Iterable[Staged]) -> set[str]:
    return {email for each in rows for email in (each.get("email"), *(each.get("others") or ())) if email}


def _make_addresses(emails: set[str]) -> set[str]:
    """Those that are missing. Erased ones get back their suppressions."""
    made = run(MAKE_ADDRESSES, {"emails": sorted(emails)}) if emails else []
    link_orphaned_suppressions(made)
    return {email for _, email in made}


def _is_fresh(judged: Judged, staged: Staged, made: set[str]) -> bool:
    return judged.verdict == "new" and staged.get("email") in made


def _write(judge: Judge, rows: Mapping[int, Staged], judged: Mapping[int, Judged]) -> dict[int, Judged]:
    """Returns what was made, with its id."""
    numbers = _of(judged, WRITES)
    if not numbers:
        return {}
    values = _values(judge)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS import_rest, import_judged, import_write")
        run(
            f"CREATE TEMP TABLE import_rest ON COMMIT DROP AS {_stage_sql()}",
            _stage({number: rows[number] for number in numbers}),
        )
        cursor.execute("ANALYZE import_rest (number, email, external_id)")
        given = [(n, judged[n].contact_id, judged[n].verdict, ",".join(judged[n].changed)) for n in numbers]
        run(VERDICTS, columns(given, ("numbers", "contacts", "verdicts", "changed")))
        cursor.execute("ANALYZE import_judged")
        cursor.execute(MAKE_COMPANIES.format(batch="SELECT * FROM import_rest"), values)
        cursor.execute(MAKE_TAGS.format(batch="SELECT * FROM import_rest"), values)
        cursor.execute(TO_WRITE.format(write=WRITE.format(changes="NULL::jsonb", staged=STAGED)), values)
        write_contacts(cursor, values, has_tags=True)
        cursor.execute(INSERT_ACTIVITIES, values)
        cursor.execute("SELECT number, contact_id, verdict FROM import_write")
        return {
            number: Judged(contact_id, verdict, judged[number].changed, None, None)
            for number, contact_id, verdict in cursor.fetchall()
        }


def _values(judge: Judge) -> dict[str, Any]:
    return {
        **judge.parameters,
        "source": judge.options.source,
        "owner": None,
        "by": judge.run.started_by_id,
        "labels": json.dumps(LABELS),
    }


# --- answering ------------------------------------------------------------------------------------

RESULTS = {"new": "created", "update": "updated", "unchanged": "unchanged", "conflict": "conflict"}


def _outcomes(judged: Mapping[int, Judged], by: User) -> dict[int, Outcome]:
    """A repetition is what its first row is. Contacts that the user does not see have no id, and no name."""
    named = {one.contact_id for one in judged.values() if one.problem and one.contact_id}
    seen = set(contacts_for(by).filter(pk__in=named).values_list("pk", flat=True)) if named else set()
    return {number: _outcome(one, judged, seen) for number, one in judged.items()}


def _outcome(one: Judged, judged: Mapping[int, Judged], seen: set[int]) -> Outcome:
    if one.verdict == "duplicate" and one.first is not None:
        first = judged[one.first]
        if first.problem:
            return _outcome(first, judged, seen)
        return Outcome("unchanged", first.contact_id)
    if not one.problem:
        return Outcome(RESULTS[one.verdict], one.contact_id)
    is_seen = one.contact_id is None or one.contact_id in seen
    field, _, sentence = one.problem
    errors = {field: [sentence]} if is_seen else {"": [UNSEEN]}
    return Outcome(RESULTS.get(one.verdict, "error"), one.contact_id if is_seen else None, errors)


HOLD_ADDRESSES = """
SELECT id FROM bounces_address WHERE email = ANY(%(emails)b::text[]) ORDER BY id FOR NO KEY UPDATE
"""
HOLD_CONTACTS = """
SELECT id FROM contacts_contact WHERE id = ANY(%(ids)b::bigint[]) ORDER BY id FOR NO KEY UPDATE
"""
VERDICTS = """
CREATE TEMP TABLE import_judged ON COMMIT DROP AS
SELECT v.number, v.contact_id, a.id AS address_id, v.verdict,
       coalesce(string_to_array(nullif(v.changed, ''), ','), '{}') AS changed
FROM unnest(%(numbers)b::int[], %(contacts)b::bigint[], %(verdicts)b::text[], %(changed)b::text[])
    AS v(number, contact_id, verdict, changed)
JOIN import_rest s ON s.number = v.number
LEFT JOIN bounces_address a ON a.email = s.email
"""
TO_WRITE = """
CREATE TEMP TABLE import_write (
    verdict, changed, address_id, company_id, company_name, contact_id, changes, was_updated_at
) ON COMMIT DROP AS {write}
"""
INSERT_ACTIVITIES = """
INSERT INTO contacts_activity (contact_id, kind, text, by_id, at)
SELECT contact_id, CASE WHEN verdict = 'new' THEN 'created' ELSE 'edited' END,
       CASE WHEN verdict = 'new' THEN '' ELSE 'Changed ' || (
           SELECT string_agg(%(labels)s::jsonb ->> word, ', ') FROM unnest(changed) AS said(word)) || '.' END,
       %(by)s::bigint, %(at)s
FROM import_write
"""
