"""The floor of schedules."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SchedulesConfig(AppConfig):
    name = "schedules"
    verbose_name = _("Schedules")

    def ready(self) -> None:
        """Have schedules that write to a person forgotten with him."""
        from schedules import forgetting as scheduled
        from sending import forgetting

        forgetting.register("schedules", scheduled.forget)
