from django.db import migrations


def schedule(apps, schema_editor):
    apps.get_model("bounces", "Schedule").objects.get_or_create(
        name="Read the mailboxes", defaults={"task": "read_mailboxes", "cron": "* * * * *"}
    )


class Migration(migrations.Migration):
    dependencies = [("bounces", "0023_indexes_that_judge")]

    operations = [migrations.RunPython(schedule, migrations.RunPython.noop)]
