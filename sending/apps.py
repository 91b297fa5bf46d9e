"""The sending floor."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SendingConfig(AppConfig):
    name = "sending"
    verbose_name = _("Letters")

    def ready(self) -> None:
        """Have jobs that are cancelled take their messages along."""
        from jobs import queue
        from sending import withdrawing

        queue.listen(withdrawing.on_job_moved)
