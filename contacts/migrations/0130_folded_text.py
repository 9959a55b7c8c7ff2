"""`contacts_folded(text)`: the text by which words are compared, without accents and case."""

from django.contrib.postgres.operations import UnaccentExtension
from django.db import migrations

# In a body of this form names are resolved now: no later `search_path`, of a restore either, changes what it does.
# The dictionary's function is only STABLE, as a dictionary can be altered; Rebound alters none.
# ASCII letters first, by themselves: a Turkish database would make "ı" of "I". Greek has two forms of a small sigma.
WIDE = """
CREATE FUNCTION contacts_folded_wide(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN
    replace(lower(lower(
        {schema}.unaccent({dictionary}::regdictionary,
                          CASE WHEN $1 IS NFKC NORMALIZED THEN $1 ELSE normalize($1, NFKC) END)
        COLLATE "C") COLLATE "default"), 'ς', 'σ')
"""
# Most text is ASCII: for it this costs as much as `lower`, a twentieth of the other. PostgreSQL inlines this one.
FOLDED = """
CREATE FUNCTION contacts_folded(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    CASE WHEN octet_length($1) = length($1) THEN lower($1 COLLATE "C") ELSE contacts_folded_wide($1) END
"""
BACK = "DROP FUNCTION contacts_folded(text); DROP FUNCTION contacts_folded_wide(text)"


def make_functions(apps, schema_editor):
    """The extension may lie in a schema of its own, where an admin of the database made it beforehand."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
            " WHERE e.extname = 'unaccent'"
        )
        schema = schema_editor.quote_name(cursor.fetchone()[0])
        dictionary = schema_editor.quote_value(f"{schema}.unaccent")
        cursor.execute(WIDE.format(schema=schema, dictionary=dictionary))
        cursor.execute(FOLDED)


def drop_functions(apps, schema_editor):
    schema_editor.execute(BACK)


class Migration(migrations.Migration):
    dependencies = [("contacts", "0125_details_of_packs_by_row")]

    operations = [
        UnaccentExtension(),
        migrations.RunPython(make_functions, drop_functions),
    ]
