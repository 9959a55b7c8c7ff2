"""Lists that providers export are a form of their own, and say what their rows are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("bounces", "0061_run_goes_on_as"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="inbounditem",
            name="inbound_form_known",
        ),
        migrations.RemoveConstraint(
            model_name="unproved",
            name="unproved_event_known",
        ),
        migrations.AddField(
            model_name="inbounditem",
            name="tells",
            field=models.TextField(blank=True, db_default="", default="", help_text="Of a list: what its rows are."),
        ),
        migrations.AlterField(
            model_name="eventkey",
            name="event",
            field=models.TextField(
                choices=[
                    ("sent", "Sent"),
                    ("opened", "Opened"),
                    ("clicked", "Clicked"),
                    ("replied", "Replied"),
                    ("bounced", "Bounced"),
                    ("deferred", "Deferred"),
                    ("delivered", "Delivered"),
                    ("complained", "Complained"),
                    ("unsubscribed", "Unsubscribed"),
                    ("auto_replied", "Auto replied"),
                    ("suppressed", "Suppressed"),
                ]
            ),
        ),
        migrations.AlterField(
            model_name="inbounditem",
            name="form",
            field=models.TextField(
                choices=[
                    ("mail", "Mail"),
                    ("event", "Event"),
                    ("mbox", "Mailbox file"),
                    ("zip", "Zip archive"),
                    ("events", "Events of a provider"),
                    ("list", "List of a provider"),
                    ("unknown", "Unknown"),
                ],
                default="mail",
            ),
        ),
        migrations.AlterField(
            model_name="unproved",
            name="event",
            field=models.TextField(
                choices=[
                    ("sent", "Sent"),
                    ("opened", "Opened"),
                    ("clicked", "Clicked"),
                    ("replied", "Replied"),
                    ("bounced", "Bounced"),
                    ("deferred", "Deferred"),
                    ("delivered", "Delivered"),
                    ("complained", "Complained"),
                    ("unsubscribed", "Unsubscribed"),
                    ("auto_replied", "Auto replied"),
                    ("suppressed", "Suppressed"),
                ]
            ),
        ),
        migrations.AddConstraint(
            model_name="inbounditem",
            constraint=models.CheckConstraint(
                condition=models.Q(("form__in", ["mail", "event", "mbox", "zip", "events", "list", "unknown"])),
                name="inbound_form_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="unproved",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "event__in",
                        [
                            "sent",
                            "opened",
                            "clicked",
                            "replied",
                            "bounced",
                            "deferred",
                            "delivered",
                            "complained",
                            "unsubscribed",
                            "auto_replied",
                            "suppressed",
                        ],
                    )
                ),
                name="unproved_event_known",
            ),
        ),
    ]
