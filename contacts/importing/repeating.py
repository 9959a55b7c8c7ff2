"""Rows of one file about the same contact. In: the stage, and which rows repeat an earlier one. Out: the first row with
what the others add.

A blank cell says nothing. A repeat that adds something is merged into the first row; one that says something else is a
conflict, and adds nothing. Lists (tags, further addresses) and notes are united.
Stage: file -> rows -> stage -> judged -> applied.
"""

from __future__ import annotations

SCALARS = (
    "email", "first_name", "last_name", "title", "company", "owner_id", "phone", "country", "source", "external_id",
)  # fmt: skip
LISTS = ("others", "tags")


def _agree(column: str) -> str:
    return f"(s.{column} IS NULL OR e.{column} IS NULL OR lower(s.{column}::text) = lower(e.{column}::text))"


# Whether row `s` contradicts nothing that row `e` says.
AGREES = (
    "("
    + " AND ".join(_agree(column) for column in SCALARS)
    + " AND (s.custom IS NULL OR e.custom IS NULL OR s.custom || e.custom = e.custom || s.custom))"
)
_FIRSTS = ", ".join(
    f"(array_agg(s.{column} ORDER BY s.number) FILTER (WHERE s.{column} IS NOT NULL))[1] AS {column}"
    for column in (*SCALARS, "opt_out", "opt_out_at")
)
_UNITED = ", ".join(
    f"(SELECT array_agg(DISTINCT one) FROM unnest(array_agg(array_to_string(s.{column}, E'\\n'))) AS joined(list) "  # noqa: S608 -- a column
    f"CROSS JOIN unnest(string_to_array(joined.list, E'\\n')) AS parted(one)) AS {column}"
    for column in LISTS
)
_TAKEN = ", ".join(f"{column} = coalesce(e.{column}, g.{column})" for column in (*SCALARS, "opt_out", "opt_out_at"))
NONE = "'{{}}'"  # an empty list or object, in a text that is formatted
_WITH = ", ".join(
    f"{column} = CASE WHEN g.{column} IS NULL THEN e.{column} "  # noqa: S608 -- a column
    f"ELSE (SELECT e.{column} || coalesce(array_agg(x), {NONE}) "
    f"FROM unnest(g.{column}) AS more(x) WHERE x <> ALL (coalesce(e.{column}, {NONE})) "
    "AND x IS DISTINCT FROM e.email) END"
    for column in LISTS
)
# Into the first row of each, before rows are compared. May run twice.
FOLD = f"""
WITH added AS (
    SELECT r.first, {_FIRSTS}, {_UNITED},
           (SELECT jsonb_object_agg(said.key, said.value)
            FROM jsonb_array_elements(jsonb_agg(coalesce(s.custom, {NONE}))) AS each(one)
            CROSS JOIN jsonb_each(one) AS said) AS custom,
           string_agg(DISTINCT s.note, E'\\n') AS note
    FROM {{repeated}} r
    JOIN {{stage}} s ON s.number = r.number
    JOIN {{stage}} e ON e.number = r.first
    WHERE {AGREES}
    GROUP BY r.first
)
UPDATE {{stage}} e SET {_TAKEN}, {_WITH},
    custom = CASE WHEN g.custom IS NULL THEN e.custom ELSE g.custom || coalesce(e.custom, {NONE}) END,
    note = CASE WHEN g.note IS NULL OR strpos(coalesce(e.note, ''), g.note) > 0 THEN e.note
                ELSE concat_ws(E'\\n', e.note, g.note) END
FROM added g
WHERE e.number = g.first
"""  # noqa: S608 -- names of columns
