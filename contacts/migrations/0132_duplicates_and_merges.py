"""Which contacts may be the same, what people decided, and what each merge changed."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0131_ids_in_several_tools"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DuplicateKeys",
            fields=[
                (
                    "contact",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="contacts.contact",
                    ),
                ),
                ("keys", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
            ],
            options={
                "verbose_name_plural": "duplicate keys",
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fastupdate=False, fields=["keys"], name="duplicatekeys_keys"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DuplicateSearch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "compared_until",
                    models.DateTimeField(help_text="Contacts changed later are compared next. Empty: all.", null=True),
                ),
                (
                    "cursor",
                    models.BigIntegerField(default=0, help_text="The last contact of a full search that is under way."),
                ),
                (
                    "is_full",
                    models.BooleanField(default=True, help_text="Whether the search under way compares all contacts."),
                ),
                ("began_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "skipped",
                    models.JSONField(
                        default=dict, help_text="Groups too large to compare, by rule: how many, the largest."
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "duplicate searches",
                "constraints": [models.CheckConstraint(condition=models.Q(("pk", 1)), name="duplicatesearch_one_row")],
            },
        ),
        migrations.CreateModel(
            name="MergeRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.TextField()),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("running", "Merging"),
                            ("done", "Merged"),
                            ("undoing", "Undoing"),
                            ("undone", "Undone"),
                        ],
                        default="running",
                    ),
                ),
                ("last_pair_id", models.BigIntegerField(help_text="Pairs found after the preview are left out.")),
                ("total", models.PositiveIntegerField(default=0)),
                ("merged", models.PositiveIntegerField(default=0)),
                (
                    "skipped",
                    models.PositiveIntegerField(
                        default=0, help_text="Changed since the preview, or not this person's."
                    ),
                ),
                ("undone", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Merge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subject", models.TextField(choices=[("contact", "Contact"), ("company", "Company")])),
                ("kept_id", models.BigIntegerField()),
                ("other_id", models.BigIntegerField()),
                (
                    "state",
                    models.TextField(
                        choices=[("done", "Merged"), ("undone", "Undone"), ("expired", "Undo expired")], default="done"
                    ),
                ),
                ("reason", models.TextField(blank=True, default="")),
                ("at", models.DateTimeField()),
                (
                    "changes",
                    models.JSONField(
                        default=dict, editable=False, help_text="Empty once it cannot be undone any more."
                    ),
                ),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
                (
                    "stayed",
                    models.JSONField(default=list, editable=False, help_text="What the undo left with the kept one."),
                ),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "undone_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="merges",
                        to="contacts.mergerun",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="DuplicatePair",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            ("address", "Same address"),
                            ("phone", "Same phone"),
                            ("name", "Same name"),
                            ("similar", "Similar name"),
                            ("company", "Companies"),
                        ]
                    ),
                ),
                (
                    "score",
                    models.PositiveSmallIntegerField(help_text="0 to 100. Pairs below the threshold are not kept."),
                ),
                ("is_certain", models.BooleanField(default=False)),
                (
                    "reasons",
                    models.JSONField(default=list, help_text="Names of rules in contacts/duplicates/rules.toml."),
                ),
                (
                    "state",
                    models.TextField(
                        choices=[("open", "Open"), ("dismissed", "Not the same"), ("merged", "Merged")], default="open"
                    ),
                ),
                ("found_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "first_company",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="contacts.company",
                    ),
                ),
                (
                    "first_contact",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="contacts.contact",
                    ),
                ),
                (
                    "second_company",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="contacts.company"
                    ),
                ),
                (
                    "second_contact",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="contacts.contact"
                    ),
                ),
                (
                    "carried_by",
                    models.ForeignKey(
                        blank=True,
                        help_text="The merge that brought the decision.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="contacts.merge",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "open")), fields=["-score", "id"], name="duplicatepair_queue"
                    ),
                    models.Index(
                        condition=models.Q(("state", "open")),
                        fields=["kind", "is_certain", "-score", "id"],
                        name="duplicatepair_by_kind",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("first_contact", "second_contact"), name="duplicatepair_contacts_once"
                    ),
                    models.UniqueConstraint(
                        fields=("first_company", "second_company"), name="duplicatepair_companies_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("first_company__isnull", True),
                                ("first_contact__isnull", False),
                                ("first_contact__lt", models.F("second_contact")),
                                ("second_company__isnull", True),
                                ("second_contact__isnull", False),
                            ),
                            models.Q(
                                ("first_company__isnull", False),
                                ("first_company__lt", models.F("second_company")),
                                ("first_contact__isnull", True),
                                ("second_company__isnull", False),
                                ("second_contact__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="duplicatepair_of_two",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("first_company__isnull", True), ("kind", "company"), _connector="OR"),
                        name="duplicatepair_company_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["address", "phone", "name", "similar", "company"])),
                        name="duplicatepair_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["open", "dismissed", "merged"])),
                        name="duplicatepair_state_known",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="mergerun",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["running", "done", "undoing", "undone"])), name="mergerun_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="mergerun",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="mergerun_has_a_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="mergerun",
            constraint=models.UniqueConstraint(
                models.Value(1),
                condition=models.Q(("state__in", ["running", "undoing"])),
                name="mergerun_one_at_a_time",
            ),
        ),
        migrations.AddIndex(
            model_name="merge",
            index=models.Index(fields=["subject", "kept_id"], name="merge_kept"),
        ),
        migrations.AddIndex(
            model_name="merge",
            index=models.Index(fields=["subject", "other_id"], name="merge_other"),
        ),
        migrations.AddIndex(
            model_name="merge",
            index=models.Index(condition=models.Q(("state", "done")), fields=["at"], name="merge_to_expire"),
        ),
        migrations.AddConstraint(
            model_name="merge",
            constraint=models.CheckConstraint(
                condition=models.Q(("subject__in", ["contact", "company"])), name="merge_subject_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="merge",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["done", "undone", "expired"])), name="merge_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="merge",
            constraint=models.CheckConstraint(
                condition=models.Q(("kept_id", models.F("other_id")), _negated=True), name="merge_of_two"
            ),
        ),
        migrations.AddConstraint(
            model_name="merge",
            constraint=models.CheckConstraint(
                condition=models.Q(("state", "done"), ("changes", {}), _connector="OR"),
                name="merge_keeps_rows_only_while_it_can_be_undone",
            ),
        ),
    ]
