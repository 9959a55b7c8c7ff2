from django.db import migrations, models

SCHEDULES = (
    ("Read the mailboxes", "read_mailboxes", "* * * * *"),
    ("Prune the inbox", "prune_inbox", "20 4 * * *"),
)


def schedule(apps, schema_editor):
    for name, task, cron in SCHEDULES:
        apps.get_model("bounces", "Schedule").objects.get_or_create(name=name, defaults={"task": task, "cron": cron})


class Migration(migrations.Migration):
    dependencies = [("bounces", "0030_review_queue")]

    operations = [
        migrations.CreateModel(
            name="PrunedCount",
            fields=[
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("pending", "Waiting"),
                            ("done", "Recorded"),
                            ("ignored", "Ignored"),
                            ("unverified", "Unverified"),
                            ("quarantined", "Quarantined"),
                        ],
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("items", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["done", "ignored"])), name="prunedcount_state_known"
                    )
                ],
            },
        ),
        migrations.RunPython(schedule, migrations.RunPython.noop),
    ]
