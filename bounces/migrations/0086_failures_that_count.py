"""Attempts whose failure is held or discarded no longer count as bounced; held ones are counted apart."""

from typing import Any

from django.db import migrations, models

import bounces.values
from bounces.providers import load_providers

# What an incident holds, or people discarded, was counted as bounced until now.
MOVE = """
WITH excused AS (
    SELECT attempt_id, CASE WHEN bool_or(standing = 'held') THEN 'held' ELSE 'discarded' END AS standing
    FROM bounces_bounce WHERE attempt_id IS NOT NULL AND kind <> 'deferred' AND standing <> 'unverified'
    GROUP BY attempt_id HAVING NOT bool_or(standing = 'counted')
), moved AS (
    UPDATE bounces_attempt t SET bounce_standing = e.standing
    FROM excused e, bounces_address a
    WHERE t.id = e.attempt_id AND t.bounced_at IS NOT NULL AND a.id = t.address_id
    RETURNING (t.sent_at AT TIME ZONE 'UTC')::date AS day, t.campaign_key, t.sender, t.provider, a.domain, e.standing
), cell AS (
    SELECT place.dimension, place.key, place.day, count(*) AS failed, count(*) FILTER (WHERE standing = 'held') AS held
    FROM moved CROSS JOIN LATERAL (VALUES
        ('all', '', day), ('campaign', campaign_key, day), ('sender', sender, day),
        ('sender_domain', CASE WHEN position('@' IN sender) > 0 THEN lower(split_part(sender, '@', -1)) ELSE '' END, day),
        ('provider', CASE WHEN provider = '' OR provider = ANY(%s) THEN provider ELSE 'other' END, day),
        ('recipient_domain', domain, date_trunc('month', day)::date)
    ) AS place(dimension, key, day)
    GROUP BY 1, 2, 3
)
UPDATE bounces_dailystat s SET bounced = GREATEST(s.bounced - cell.failed, 0), held = s.held + cell.held
FROM cell WHERE s.dimension = cell.dimension AND s.key = cell.key AND s.day = cell.day
"""


def leave_out_what_does_not_count(apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(MOVE, [list(load_providers())])


class Migration(migrations.Migration):
    dependencies = [
        ("bounces", "0085_hard_bounces_of_a_provider"),
    ]

    operations = [
        migrations.AddField(
            model_name="attempt",
            name="bounce_standing",
            field=models.TextField(
                choices=[
                    ("counted", "Counted"),
                    ("unverified", "Unverified"),
                    ("held", "Held"),
                    ("discarded", "Discarded"),
                ],
                db_default="counted",
                default=bounces.values.Standing["COUNTED"],
                help_text="Whether its failure counts: the standing of its bounce.",
            ),
        ),
        migrations.AddField(
            model_name="dailystat",
            name="held",
            field=models.BigIntegerField(
                db_default=0, default=0, help_text="Attempts whose failure an incident holds."
            ),
        ),
        migrations.AlterField(
            model_name="dailystat",
            name="bounced",
            field=models.BigIntegerField(
                db_default=0, default=0, help_text="Attempts that failed for good, and count."
            ),
        ),
        migrations.AddConstraint(
            model_name="attempt",
            constraint=models.CheckConstraint(
                condition=models.Q(("bounce_standing__in", ["counted", "unverified", "held", "discarded"])),
                name="attempt_bounce_standing_known",
            ),
        ),
        migrations.RunPython(leave_out_what_does_not_count, migrations.RunPython.noop),
    ]
