"""Exports: what somebody asked for, how far it is, and its file in pieces until it expires."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0010_what_a_campaign_asks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Export",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subject", models.TextField(help_text="What is exported: contacts, bounces, suppressions, cleaning.")),
                (
                    "form",
                    models.TextField(
                        choices=[("csv", "CSV"), ("xlsx", "XLSX"), ("jsonl", "JSON lines")], default="csv"
                    ),
                ),
                ("params", models.JSONField(default=dict, help_text="The words of the filter.")),
                ("columns", models.JSONField(default=list)),
                ("label", models.TextField(blank=True, default="", help_text="The filter, as people read it.")),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Being made"),
                            ("done", "Ready"),
                            ("failed", "Failed"),
                            ("expired", "Expired"),
                        ],
                        default="waiting",
                    ),
                ),
                ("total", models.PositiveBigIntegerField(default=0, help_text="Rows that there were when it began.")),
                ("done", models.PositiveBigIntegerField(default=0, help_text="Rows written so far.")),
                ("size", models.PositiveBigIntegerField(default=0, help_text="Bytes of the file so far.")),
                ("pieces", models.PositiveIntegerField(default=0, help_text="Pieces of the file so far.")),
                ("attempts", models.PositiveSmallIntegerField(default=0, editable=False)),
                ("error", models.TextField(blank=True, default="", help_text="Why it failed, for people.")),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="exports", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="ExportPiece",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField()),
                ("body", models.BinaryField()),
                (
                    "export",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="contacts.export",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="export",
            index=models.Index(fields=["by", "id"], name="export_of_user"),
        ),
        migrations.AddIndex(
            model_name="export",
            index=models.Index(
                condition=models.Q(("state__in", ["waiting", "running", "done"])), fields=["id"], name="export_to_do"
            ),
        ),
        migrations.AddConstraint(
            model_name="export",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["waiting", "running", "done", "failed", "expired"])),
                name="export_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="export",
            constraint=models.CheckConstraint(
                condition=models.Q(("form__in", ["csv", "xlsx", "jsonl"])), name="export_form_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="export",
            constraint=models.CheckConstraint(
                condition=models.Q(("subject__in", ["contacts", "bounces", "suppressions", "cleaning"])),
                name="export_subject_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="export",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "done"), _negated=True),
                    models.Q(("finished_at__isnull", False), ("expires_at__isnull", False)),
                    _connector="OR",
                ),
                name="export_done_expires",
            ),
        ),
        migrations.AddConstraint(
            model_name="exportpiece",
            constraint=models.UniqueConstraint(fields=("export", "position"), name="exportpiece_once"),
        ),
    ]
