"""The project's own application: people, roles, keys, the dashboard and the services that `up` starts."""

from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = "People and access"

    def ready(self) -> None:
        from allauth.account.signals import password_changed, password_reset
        from allauth.mfa.signals import authentication_failed

        from crm import checks  # noqa: F401  (importing registers the checks)
        from crm.signin import limits
        from crm.signin.adapter import note_second_step_failure

        authentication_failed.connect(note_second_step_failure)
        password_changed.connect(limits.unlock_second_step)
        password_reset.connect(limits.unlock_second_step)
