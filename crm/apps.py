"""The project's own application: people, roles, keys, the dashboard and the services that `up` starts."""

from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = "People and access"

    def ready(self) -> None:
        from crm import checks  # noqa: F401  (importing registers the checks)
