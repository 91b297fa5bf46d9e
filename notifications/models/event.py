"""What happened to a job, for those who must know."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Event(models.Model):
    """A fact, told to many. It holds all that is told, for its job may be forgotten meanwhile; ``undone`` is what the
    job had not carried out then ([uuid, name, bytes] each). ``job_name`` is the jobIdFs, "" when nobody is told it.
    """

    kind = models.CharField(_("event"), max_length=20)
    job_id = models.BigIntegerField(_("job"), null=True)
    job_uuid = models.UUIDField(null=True)
    job_name = models.CharField(max_length=18, blank=True)
    status = models.CharField(_("status"), max_length=20, blank=True)
    failure = models.CharField(_("kind of failure"), max_length=30, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    undone = models.JSONField(default=list)
    client = models.ForeignKey(
        "gateway.ApiClient", models.PROTECT, null=True, db_index=False, db_constraint=False, related_name="+"
    )
    created_at = models.DateTimeField(_("time"), default=timezone.now)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes = [
            models.Index(fields=["job_id", "id"], name="event_of_told_job"),
            models.Index(fields=["created_at"], name="event_retention"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.job_id or ''}".strip()


class JobName(models.Model):
    """The jobIdFs of a job (contract dpf_url_callback): given once, never to another."""

    job_id = models.BigIntegerField(unique=True)
    name = models.CharField(max_length=18, unique=True)

    def __str__(self) -> str:
        return self.name
