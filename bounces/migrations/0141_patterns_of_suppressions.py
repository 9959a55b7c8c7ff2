"""`*@b.example` in a list was kept as an address, which protects nobody: its domain is suppressed too."""

from typing import Any

from django.db import migrations

SUPPRESS = """
INSERT INTO bounces_suppression
    (scope, domain, lift_reason, reason, source, note, created_by_id, expires_at, created_at)
SELECT DISTINCT ON (a.domain) 'domain', a.domain, '', s.reason, s.source, s.note, s.created_by_id, s.expires_at,
       s.created_at
FROM bounces_suppression s JOIN bounces_address a ON a.id = s.address_id
WHERE a.email LIKE '*@%' AND s.reason = 'manual' AND s.lifted_at IS NULL
ORDER BY a.domain, s.expires_at DESC NULLS FIRST, s.id
ON CONFLICT (domain, reason) WHERE lifted_at IS NULL AND scope = 'domain' DO NOTHING
"""


def suppress_domains(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(SUPPRESS, params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("bounces", "0122_current_evidence"),
    ]

    operations = [
        migrations.RunPython(suppress_domains, migrations.RunPython.noop),
    ]
