"""The sending floor."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SendingConfig(AppConfig):
    name = "sending"
    verbose_name = _("Letters")

    def ready(self) -> None:
        """Have jobs wait for their messages and tell which did not go out, those that are cancelled take theirs along,
        and a person's archived documents forgotten with him."""
        from jobs import awaited, queue, undone
        from sending import archiving, erasing, running_as_job, withdrawing
        from sending import undone as not_sent

        awaited.register(running_as_job.Messages())
        queue.listen(withdrawing.on_job_moved)
        undone.register(not_sent.messages)
        erasing.register("archived documents", archiving.erase)
