"""What came back and what it means."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class BouncesConfig(AppConfig):
    name = "bounces"
    verbose_name = "Bounces"

    def ready(self) -> None:
        from bounces.first_rows import make_first_rows

        post_migrate.connect(make_first_rows, sender=self)
