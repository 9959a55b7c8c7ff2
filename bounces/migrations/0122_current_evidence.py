from django.db import migrations, models

# What history last said, and a judgement that brings it up to date: of those that bounces or an undo decided.
COPY = """
UPDATE bounces_address a SET evidence = change.evidence
FROM bounces_address named
CROSS JOIN LATERAL (
    SELECT c.evidence FROM bounces_statuschange c WHERE c.address_id = named.id ORDER BY c.at DESC, c.id DESC LIMIT 1
) change
WHERE a.id = named.id AND named.status IN ('invalid', 'at_risk')
  AND (named.status_rule <> 'undeliverable' OR jsonb_exists(change.evidence, 'upheld_at'))
"""
NOTE_NEWS = """
INSERT INTO bounces_dirty (address_id) SELECT id FROM bounces_address WHERE status IN ('invalid', 'at_risk') ORDER BY id
"""


class Migration(migrations.Migration):
    dependencies = [("bounces", "0121_schedule_runs")]

    operations = [
        migrations.AddField(
            model_name="address",
            name="evidence",
            field=models.JSONField(
                blank=True,
                editable=False,
                help_text="The counts and dates of the bounces that decide. Empty: the address's own dates say all.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="address",
            name="reevaluate_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When the clock alone changes the status, or the days that it goes by.",
                null=True,
            ),
        ),
        migrations.RunSQL([COPY, NOTE_NEWS], migrations.RunSQL.noop),
    ]
