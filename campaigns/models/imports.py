"""What an import could not take, and the files it keeps."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class InvalidLine(models.Model):
    """A record of an import's file that is no recipient: the line it begins at, and why."""

    job_id = models.BigIntegerField(_("job"))
    line = models.PositiveBigIntegerField(_("line"))
    reason = models.TextField(_("reason"))
    fields = models.JSONField(_("fields"), default=list)

    class Meta:
        verbose_name = _("invalid line")
        verbose_name_plural = _("invalid lines")
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["job_id", "line"], name="campaigns_invalid_line_once")]

    def __str__(self) -> str:
        return f"{self.job_id} {self.line}"


class ImportFile(models.Model):
    """A file that was kept below the external root, at ``place`` there, with its SHA-256: of a job's, or of none that
    was begun yet."""

    place = models.TextField()
    digest = models.CharField(max_length=64)
    job_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.pk}"
