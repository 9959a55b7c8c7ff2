"""What waits for the worker of bulk work wakes the scheduler."""

from django.db import migrations


def statements(table: str, events: str, lease: str = "") -> tuple[str, str]:
    """`lease`: its holder looks for new rows by itself, so they notify nobody meanwhile."""
    argument = f"'{lease}'" if lease else ""
    make = f"CREATE TRIGGER wake AFTER {events} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION bounces_wake({argument})"
    return make, f"DROP TRIGGER wake ON {table}"


class Migration(migrations.Migration):
    dependencies = [("contacts", "0121_turns_of_imports"), ("bounces", "0151_wake_the_scheduler")]

    operations = [
        migrations.RunSQL(*statements("contacts_importrun", "INSERT OR UPDATE OF state")),
        migrations.RunSQL(*statements("contacts_export", "INSERT OR UPDATE OF state")),
        migrations.RunSQL(*statements("contacts_sourcecount", "INSERT OR UPDATE OF asked_at")),
    ]
