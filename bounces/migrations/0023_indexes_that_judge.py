"""The evaluation reads two indexes alone; a run's rows are written and told their outcome cheaply."""

import django.db.models.deletion
from django.db import migrations, models

import bounces.values

# A row of a run is written once and told its outcome once: with room for that on its page, no index learns of it.
# The evaluation reads indexes without their rows only where vacuum has been since the rows came: hence sooner than usual.
# Each run may move every address; Dirty is a queue, small whatever has passed through it.
STORAGE = """
ALTER TABLE bounces_cleaningrow SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1);
ALTER TABLE bounces_bounce SET (autovacuum_vacuum_insert_scale_factor = 0.05);
ALTER TABLE bounces_address SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE bounces_dirty SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
"""
STORAGE_BACK = """
ALTER TABLE bounces_cleaningrow RESET (fillfactor, autovacuum_vacuum_scale_factor);
ALTER TABLE bounces_bounce RESET (autovacuum_vacuum_insert_scale_factor);
ALTER TABLE bounces_address RESET (autovacuum_vacuum_scale_factor);
ALTER TABLE bounces_dirty RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("bounces", "0021_silent_addresses_and_forgotten_what_ifs"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="bounce", name="bounce_hard"),
        migrations.AddIndex(
            model_name="bounce",
            index=models.Index(
                condition=models.Q(
                    ("fault", bounces.values.Fault["RECIPIENT"]),
                    ("kind", bounces.values.Kind["HARD"]),
                    ("standing", bounces.values.Standing["COUNTED"]),
                    models.Q(("smtp_code__isnull", True), ("smtp_code__gte", 500), _connector="OR"),
                    models.Q(("enhanced_code__startswith", "4."), _negated=True),
                ),
                fields=["address", "occurred_at"],
                name="bounce_hard",
            ),
        ),
        migrations.AddIndex(
            model_name="bounce",
            index=models.Index(
                condition=models.Q(
                    (
                        "fault__in",
                        [
                            bounces.values.Fault["RECIPIENT"],
                            bounces.values.Fault["UNKNOWN"],
                            bounces.values.Fault["INFRASTRUCTURE"],
                        ],
                    ),
                    ("standing", bounces.values.Standing["COUNTED"]),
                    models.Q(
                        ("kind", bounces.values.Kind["SOFT"]),
                        models.Q(
                            ("kind", bounces.values.Kind["HARD"]),
                            models.Q(
                                models.Q(("fault", bounces.values.Fault["RECIPIENT"]), _negated=True),
                                ("smtp_code__lt", 500),
                                ("enhanced_code__startswith", "4."),
                                _connector="OR",
                            ),
                        ),
                        _connector="OR",
                    ),
                ),
                fields=["address", "occurred_at"],
                include=["fault", "reason"],
                name="bounce_soft",
            ),
        ),
        migrations.RemoveIndex(model_name="cleaningrow", name="cleaningrow_pending"),
        migrations.AlterField(
            model_name="cleaningrow",
            name="address",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="bounces.address",
            ),
        ),
        migrations.AlterField(
            model_name="cleaningrow",
            name="run",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="rows",
                to="bounces.cleaningrun",
            ),
        ),
        migrations.AlterField(
            model_name="cleaningrun",
            name="cursor",
            field=models.BigIntegerField(default=0, editable=False, help_text="The last address of its present stage."),
        ),
        migrations.RunSQL(STORAGE, STORAGE_BACK),
    ]
