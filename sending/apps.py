"""The sending floor."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SendingConfig(AppConfig):
    name = "sending"
    verbose_name = _("Letters")

    def ready(self) -> None:
        """Have jobs wait for their messages, those that are cancelled take theirs along, and a person's archived
        documents forgotten with him."""
        from jobs import awaited, queue
        from sending import archiving, erasing, running_as_job, withdrawing

        awaited.register(running_as_job.Messages())
        queue.listen(withdrawing.on_job_moved)
        erasing.register("archived documents", archiving.erase)
