"""Long provider ids lose the source that told them: a tool and its provider's webhook mean the same message by one."""

from __future__ import annotations

from django.db import migrations

FORWARD = """
UPDATE bounces_attempt SET provider_id = substring(provider_id FROM '^[^:]+:[^:]+:(.*)$')
WHERE provider_id ~ '^[a-z_]+:[^:]+:(?!event:).{16}'
"""


class Migration(migrations.Migration):
    dependencies = [("bounces", "0061_incidents_at_size")]

    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
