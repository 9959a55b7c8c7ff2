"""A row that waits for a worker wakes the scheduler when it is committed."""

from django.db import migrations

FUNCTION = """
CREATE FUNCTION bounces_wake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_NARGS = 0 OR NOT EXISTS (
        SELECT FROM bounces_lease WHERE name = TG_ARGV[0] AND expires_at > clock_timestamp()
    ) THEN
        PERFORM pg_notify('rebound_work', '');
    END IF;
    RETURN NULL;
END $$
"""


def statements(table: str, events: str, lease: str = "") -> tuple[str, str]:
    """`lease`: its holder looks for new rows by itself, so they notify nobody meanwhile."""
    argument = f"'{lease}'" if lease else ""
    make = f"CREATE TRIGGER wake AFTER {events} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION bounces_wake({argument})"
    return make, f"DROP TRIGGER wake ON {table}"


class Migration(migrations.Migration):
    dependencies = [("bounces", "0150_names_of_messages")]

    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION bounces_wake()"),
        migrations.RunSQL(*statements("bounces_inbounditem", "INSERT OR UPDATE OF state", "flow")),
        migrations.RunSQL(*statements("bounces_dirty", "INSERT", "flow")),
        migrations.RunSQL(*statements("bounces_outbox", "INSERT", "flow")),
        migrations.RunSQL(*statements("bounces_incident", "UPDATE OF state", "flow")),
        migrations.RunSQL(*statements("bounces_cleaningrun", "INSERT OR UPDATE OF state")),
        migrations.RunSQL(*statements("bounces_repair", "INSERT OR UPDATE OF state")),
    ]
