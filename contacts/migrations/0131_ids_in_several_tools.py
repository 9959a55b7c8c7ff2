"""Ids of contacts in tools that have a name.

The ids that recognised exports brought so far are known under the tool's name, too, so that its next file finds the
same people. They stay `Contact.external_id` as well: other tools may go by that.
"""

import django.db.models.deletion
from django.db import migrations, models

COPY = """
INSERT INTO contacts_contactexternalid (contact_id, tool, external_id)
SELECT c.id, %(tool)s, c.external_id
FROM contacts_importrow w JOIN contacts_contact c ON c.id = w.contact_id
WHERE w.run_id = %(run)s AND c.external_id IS NOT NULL
  AND (w.verdict = 'new' OR w.verdict = 'update' AND w.changes ? 'external_id')
ON CONFLICT DO NOTHING
"""


def name_the_tools(apps, schema_editor):
    from contacts.external_ids import tool_of_export

    runs = apps.get_model("contacts", "ImportRun").objects.order_by("pk")
    with schema_editor.connection.cursor() as cursor:
        for pk, headers, mapping in runs.values_list("pk", "headers", "mapping"):
            if tool := tool_of_export(headers or [], mapping or {}):
                cursor.execute(COPY, {"run": pk, "tool": tool})


class Migration(migrations.Migration):
    dependencies = [("contacts", "0130_folded_text")]

    operations = [
        migrations.CreateModel(
            name="ContactExternalId",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tool", models.TextField(help_text="A plain name: hubspot, salesforce.")),
                ("external_id", models.TextField()),
                (
                    "contact",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="external_ids",
                        to="contacts.contact",
                    ),
                ),
            ],
            options={
                "verbose_name": "external id",
                "ordering": ["tool", "external_id"],
                "constraints": [
                    models.UniqueConstraint(fields=("tool", "external_id"), name="contactexternalid_unique"),
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("external_id", ""), _negated=True), ("tool__regex", "^[^\\s:]+$")),
                        name="contactexternalid_given",
                    ),
                ],
            },
        ),
        migrations.RunPython(name_the_tools, migrations.RunPython.noop),
    ]
