"""Emails and webhook deliveries that are due wake the scheduler."""

from django.db import migrations


def statements(table: str, events: str, lease: str = "") -> tuple[str, str]:
    """`lease`: its holder looks for new rows by itself, so they notify nobody meanwhile."""
    argument = f"'{lease}'" if lease else ""
    make = f"CREATE TRIGGER wake AFTER {events} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION bounces_wake({argument})"
    return make, f"DROP TRIGGER wake ON {table}"


class Migration(migrations.Migration):
    dependencies = [("crm", "0005_cache_and_one_sign_in_address"), ("bounces", "0151_wake_the_scheduler")]

    operations = [
        migrations.RunSQL(*statements("crm_webhookdelivery", "INSERT OR UPDATE OF state")),
        migrations.RunSQL(*statements("crm_outgoingemail", "INSERT OR UPDATE OF state")),
    ]
