"""The floor of notifications."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = _("Notifications")

    def ready(self) -> None:
        """Have whoever must know told, in the transaction of the job's own move."""
        from jobs import queue
        from notifications import listening

        queue.listen(listening.on_job_moved)
