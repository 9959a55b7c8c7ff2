"""Room on the pages for updates, and a history that nobody rewrites."""

from django.db import migrations

APPEND_ONLY = """
CREATE FUNCTION bounces_refuse_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history of statuses is append-only' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER statuschange_append_only BEFORE UPDATE ON bounces_statuschange
    FOR EACH ROW EXECUTE FUNCTION bounces_refuse_rewrite();
"""
APPEND_ONLY_BACK = """
DROP TRIGGER statuschange_append_only ON bounces_statuschange;
DROP FUNCTION bounces_refuse_rewrite();
"""
# Updates of dates stay on their page (HOT): a table of small, often updated rows keeps room for them.
FILLFACTOR = """
ALTER TABLE bounces_address SET (fillfactor = 85);
ALTER TABLE bounces_attempt SET (fillfactor = 90);
ALTER TABLE bounces_dailystat SET (fillfactor = 70);
ALTER TABLE bounces_lease SET (fillfactor = 50);
"""
FILLFACTOR_BACK = """
ALTER TABLE bounces_address RESET (fillfactor);
ALTER TABLE bounces_attempt RESET (fillfactor);
ALTER TABLE bounces_dailystat RESET (fillfactor);
ALTER TABLE bounces_lease RESET (fillfactor);
"""


class Migration(migrations.Migration):
    dependencies = [("bounces", "0001_addresses_facts_and_inbox")]

    operations = [
        migrations.RunSQL(APPEND_ONLY, APPEND_ONLY_BACK),
        migrations.RunSQL(FILLFACTOR, FILLFACTOR_BACK),
    ]
