"""Suppressions may come from another tool's list of bounces: a reason of their own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bounces", "0162_rules_of_words_together")]

    operations = [
        migrations.RemoveConstraint("suppression", "suppression_reason_known"),
        migrations.AlterField(
            "suppression",
            "reason",
            models.TextField(
                choices=[
                    ("complaint", "Complaint"),
                    ("unsubscribe", "Unsubscribed"),
                    ("bounce", "Bounced in another tool"),
                    ("manual", "Set by hand"),
                    ("cleaning", "Set by cleaning"),
                ]
            ),
        ),
        migrations.AddConstraint(
            "suppression",
            models.CheckConstraint(
                condition=models.Q(("reason__in", ["complaint", "unsubscribe", "bounce", "manual", "cleaning"])),
                name="suppression_reason_known",
            ),
        ),
    ]
