"""The search for duplicates is scheduled, and says how far it is; merge runs wake the scheduler."""

from django.db import migrations, models


def schedule(apps, schema_editor):
    apps.get_model("bounces", "Schedule").objects.get_or_create(
        name="Find duplicates", defaults={"task": "find_duplicates", "cron": "17 * * * *"}
    )


def unschedule(apps, schema_editor):
    apps.get_model("bounces", "Schedule").objects.filter(name="Find duplicates", task="find_duplicates").delete()


class Migration(migrations.Migration):
    dependencies = [("contacts", "0134_opt_outs_of_imports"), ("bounces", "0163_suppressed_for_bounces_elsewhere")]

    operations = [
        migrations.AddField(
            model_name="duplicatesearch",
            name="stage",
            field=models.TextField(
                choices=[("idle", "Not under way"), ("keys", "Reading contacts"), ("pairs", "Comparing contacts")],
                default="idle",
                help_text="Of a search of all contacts.",
            ),
        ),
        migrations.AddConstraint(
            model_name="duplicatesearch",
            constraint=models.CheckConstraint(
                condition=models.Q(("stage__in", ["idle", "keys", "pairs"])), name="duplicatesearch_stage_known"
            ),
        ),
        migrations.RunSQL(
            "CREATE TRIGGER wake AFTER INSERT OR UPDATE ON contacts_mergerun"
            " FOR EACH STATEMENT EXECUTE FUNCTION bounces_wake()",
            "DROP TRIGGER wake ON contacts_mergerun",
        ),
        migrations.RunPython(schedule, unschedule),
    ]
