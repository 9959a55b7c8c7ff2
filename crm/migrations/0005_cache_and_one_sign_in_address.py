"""The shared cache's table, and one sign-in address an account: that of the user's own row.

allauth keeps addresses beside it, which signed people in and let them reset a password long after an admin had
changed the address. Nothing writes them any more.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0004_emails_as_rows"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [
        migrations.RunSQL(
            """
            CREATE TABLE crm_cache (
                key text PRIMARY KEY,
                value jsonb NOT NULL,
                expires_at timestamptz NOT NULL
            );
            CREATE INDEX crm_cache_expiry ON crm_cache (expires_at);
            """,
            "DROP TABLE crm_cache",
        ),
        migrations.RunSQL("DELETE FROM account_emailaddress", migrations.RunSQL.noop),
    ]
