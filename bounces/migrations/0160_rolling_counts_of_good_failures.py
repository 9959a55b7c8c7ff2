"""What incidents are noticed by is kept as it comes: failures of good addresses, and the mails beside them."""

from django.db import migrations, models

# Those of the last days, as `bounces/noticing.py` keeps them from now on.
FILL = """
INSERT INTO bounces_goodfailure (bounce_id, address_id, provider, hour)
SELECT b.id, b.address_id, b.provider, date_trunc('hour', t.sent_at)
FROM bounces_bounce b
JOIN bounces_attempt t ON t.id = b.attempt_id AND t.provider = b.provider
JOIN bounces_address a ON a.id = b.address_id
WHERE b.occurred_at > now() - interval '9 days' AND b.standing = 'counted' AND b.kind = 'hard' AND b.fault = 'recipient'
  AND (b.smtp_code IS NULL OR b.smtp_code >= 500) AND b.enhanced_code NOT LIKE '4.%' AND b.incident_id IS NULL
  AND (a.last_reply_at >= t.sent_at - interval '90 days' OR a.last_click_at >= t.sent_at - interval '90 days'
       OR (a.last_delivered_at >= t.sent_at - interval '90 days' AND EXISTS (
           SELECT FROM bounces_attempt e WHERE e.address_id = t.address_id AND e.bounced_at IS NULL
           AND e.sent_at >= t.sent_at - interval '120 days' AND e.sent_at < t.sent_at
           AND e.delivered_at >= t.sent_at - interval '90 days' AND e.delivered_at <= t.sent_at)))
"""


class Migration(migrations.Migration):
    dependencies = [
        ("bounces", "0151_wake_the_scheduler"),
    ]

    operations = [
        migrations.CreateModel(
            name="GoodFailure",
            fields=[
                ("bounce_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("address_id", models.BigIntegerField()),
                ("provider", models.TextField()),
                ("hour", models.DateTimeField(help_text="In which the mail was sent.")),
            ],
            options={
                "indexes": [
                    models.Index(fields=["provider", "hour"], name="goodfailure_hour"),
                    models.Index(fields=["address_id"], name="goodfailure_address"),
                ],
            },
        ),
        migrations.CreateModel(
            name="GoodMail",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("provider", models.TextField()),
                ("hours", models.PositiveSmallIntegerField(help_text="The window's length.")),
                ("ends_at", models.DateTimeField()),
                ("addresses", models.PositiveIntegerField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("provider", "hours", "ends_at"), name="goodmail_once")],
            },
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
