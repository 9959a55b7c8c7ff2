from django.db import migrations, models

COUNTS_AND_DAYS = (
    "hard_limit", "reply_grace_days", "soft_row_days", "soft_row_span_days", "soft_window_count", "soft_window_days",
    "risk_count", "risk_window_days", "silent_count", "silent_days",
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("bounces", "0062_asked_for_has_no_end")]

    operations = [
        migrations.AddConstraint(
            model_name="policy",
            constraint=models.CheckConstraint(
                condition=models.Q(**{f"{name}__lte": 3650 for name in COUNTS_AND_DAYS}),
                name="policy_numbers_have_an_end",
            ),
        ),
    ]
