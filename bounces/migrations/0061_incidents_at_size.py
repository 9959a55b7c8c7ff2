"""Incidents at size: mails are found by who receives them, held bounces by their incident; and when it is over."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("bounces", "0060_uphold"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="attempt", name="attempt_sent"),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(fields=["provider", "sent_at"], name="attempt_receiver"),
        ),
        migrations.AddIndex(
            model_name="bounce",
            index=models.Index(
                condition=models.Q(("incident_id__isnull", False)),
                fields=["incident_id", "standing", "occurred_at"],
                name="bounce_incident",
            ),
        ),
        migrations.AddField(
            model_name="incident",
            name="look_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now,
                editable=False,
                help_text="When it is looked at again whether it is over.",
            ),
        ),
    ]
