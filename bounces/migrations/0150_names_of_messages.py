"""Complaints know what they are counted under; names of messages and outcomes that come before their attempt are kept."""

from typing import Any

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from bounces.providers import load_providers
from bounces.values import Event

LINK = """
UPDATE bounces_complaint c SET campaign_key = t.campaign_key, sender = t.sender, provider = t.provider
FROM bounces_attempt t WHERE t.id = c.attempt_id
"""
NAME_PROVIDERS = """
UPDATE bounces_complaint c SET provider = COALESCE(known.provider, NULLIF(d.operator, ''), a.domain)
FROM bounces_address a
LEFT JOIN unnest(%s::text[], %s::text[]) AS known(domain, provider) ON known.domain = a.domain
LEFT JOIN bounces_domain d ON d.domain = a.domain
WHERE a.id = c.address_id AND c.attempt_id IS NULL
"""
# A complaint that came before its message was told of was in no campaign's and no sender's count.
COUNT = """
WITH cell AS (
    SELECT place.dimension, place.key, (c.occurred_at AT TIME ZONE 'UTC')::date AS day, count(*) AS number
    FROM bounces_complaint c CROSS JOIN LATERAL (VALUES
        ('campaign', c.campaign_key), ('sender', c.sender),
        ('sender_domain', CASE WHEN position('@' IN c.sender) > 0 THEN lower(split_part(c.sender, '@', -1)) ELSE '' END)
    ) AS place(dimension, key)
    WHERE c.standing = 'counted' AND place.key <> ''
    GROUP BY 1, 2, 3
)
INSERT INTO bounces_dailystat (dimension, key, day, complaints) SELECT dimension, key, day, number FROM cell
ON CONFLICT (dimension, key, day) DO UPDATE
SET complaints = GREATEST(bounces_dailystat.complaints, excluded.complaints)
"""


def link_complaints(apps: Any, schema_editor: Any) -> None:
    by_domain = [(domain, one.key) for one in load_providers().values() for domain in one.domains]
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(LINK)
        cursor.execute(NAME_PROVIDERS, [[domain for domain, _ in by_domain], [key for _, key in by_domain]])
        cursor.execute(COUNT)


class Migration(migrations.Migration):
    dependencies = [("bounces", "0141_patterns_of_suppressions")]

    operations = [
        migrations.CreateModel(
            name="EarlyOutcome",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.TextField(help_text="m: and a Message-ID, or p: and a provider's id.")),
                (
                    "event",
                    models.TextField(
                        choices=[(str(event), event.value.replace("_", " ").capitalize()) for event in Event]
                    ),
                ),
                ("occurred_at", models.DateTimeField()),
                ("sender", models.TextField(blank=True, default="")),
                ("campaign_key", models.TextField(blank=True, default="")),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="SameMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("message_id", models.TextField(help_text="Message-ID without angle brackets.")),
                ("provider_id", models.TextField(help_text="The sending provider's own id, or the envelope's.")),
                (
                    "is_sure",
                    models.BooleanField(
                        help_text="Told by a tool or with a token. Others are believed while the provider's id has one Message-ID."
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="complaint",
            name="campaign_key",
            field=models.TextField(blank=True, default="", help_text="The campaign it is counted under."),
        ),
        migrations.AddField(
            model_name="complaint",
            name="provider",
            field=models.TextField(blank=True, default="", help_text="Who receives there, as known when it was told."),
        ),
        migrations.AddField(
            model_name="complaint",
            name="sender",
            field=models.TextField(blank=True, default="", help_text="The sender it is counted under."),
        ),
        migrations.AddIndex(
            model_name="bounce",
            index=models.Index(
                condition=models.Q(("attempt_id__isnull", True)), fields=["address"], name="bounce_unlinked"
            ),
        ),
        migrations.AddField(
            model_name="earlyoutcome",
            name="address",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="bounces.address"
            ),
        ),
        migrations.AddField(
            model_name="samemessage",
            name="address",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="bounces.address"
            ),
        ),
        migrations.AddIndex(
            model_name="earlyoutcome",
            index=models.Index(fields=["recorded_at"], name="earlyoutcome_recorded"),
        ),
        migrations.AddConstraint(
            model_name="earlyoutcome",
            constraint=models.CheckConstraint(
                condition=models.Q(event__in=[str(event) for event in Event]), name="earlyoutcome_event_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="samemessage",
            constraint=models.UniqueConstraint(
                fields=("address", "message_id", "provider_id"), name="samemessage_once"
            ),
        ),
        migrations.RunPython(link_complaints, migrations.RunPython.noop),
    ]
