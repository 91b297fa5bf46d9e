"""What became of each message that an operation in bulk came to."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class BulkResult(models.Model):
    """One message of one job (sending.in_bulk): ``outcome`` says whether it was done, ``reason`` why not;
    ``new_message_id`` is what a resend made of it. It names both by number, and lives as long as the job."""

    job_id = models.BigIntegerField(_("job"))
    message_id = models.BigIntegerField(_("message"))
    outcome = models.CharField(_("outcome"), max_length=20)
    reason = models.TextField(_("reason"), blank=True)
    new_message_id = models.BigIntegerField(_("new message"), null=True, blank=True)

    class Meta:
        verbose_name = _("result")
        verbose_name_plural = _("results")
        # Who may see messages sees what became of them.
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["job_id", "message_id"], name="sending_bulk_result_once_for_a_message")
        ]

    def __str__(self) -> str:
        return f"{self.job_id} {self.message_id} {self.outcome}"
