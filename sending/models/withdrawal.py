"""Cancelled jobs whose messages are being taken back."""

from django.db import models


class Withdrawal(models.Model):
    """A job that was cancelled with messages still open, kept until none is left. ``before``: the job runs again since
    then, and what it has sent from then on stays."""

    job_id = models.BigIntegerField(primary_key=True)
    reason = models.TextField(blank=True)
    actor = models.CharField(max_length=300, blank=True)
    before = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.job_id)
