"""Who is dispatching, and how the ways out fare."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Dispatcher(models.Model):
    """One worker process that claims messages. It lives while its lock is held and its lease runs."""

    host = models.CharField(_("host"), max_length=255)
    pid = models.PositiveIntegerField(_("process"))
    created_at = models.DateTimeField(_("since"), default=timezone.now)
    lease_until = models.DateTimeField(_("lease until"))
    # Of the server it registered with (PostgreSQL): another one may have lost outcomes this dispatcher wrote.
    database_started_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("dispatcher")
        verbose_name_plural = _("dispatchers")

    def __str__(self) -> str:
        return f"{self.host}:{self.pid} #{self.pk}"


class Lane(models.Model):
    """A channel's state: after throttling or an outage it rests until ``paused_until``."""

    channel = models.CharField(_("channel"), max_length=20, primary_key=True)
    paused_until = models.DateTimeField(_("paused until"), null=True, blank=True)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    reason = models.TextField(_("reason"), blank=True)

    class Meta:
        verbose_name = _("lane")
        verbose_name_plural = _("lanes")

    def __str__(self) -> str:
        return self.channel
