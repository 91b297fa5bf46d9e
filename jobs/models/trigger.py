"""Triggers: jobs that are ready to be started by name, and when they start by themselves."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gateway.caller import Caller
from gateway.client_rules import check_line
from jobs.states import Decision, Missed, Overlap


class TriggerQuerySet(models.QuerySet["Trigger"]):
    """Triggers by who may use them."""

    def visible_to(self, caller: Caller) -> Self:
        """Those for everybody and those for this client; what others may use alone does not exist for it."""
        if caller.sees_all:
            return self
        allowed = Trigger.clients.through.objects.filter(trigger=models.OuterRef("pk"))
        return self.filter(~models.Exists(allowed) | models.Exists(allowed.filter(apiclient=caller.client_id)))


class Trigger(models.Model):
    """A named job with its parameters ([key, value] pairs). ``legs`` are the ids of its parts, run all or some."""

    name = models.CharField(_("name"), max_length=100, unique=True, validators=[check_line])
    description = models.TextField(_("description"), blank=True)
    job_class = models.CharField(_("job class"), max_length=255)
    params = models.JSONField(_("parameters"), default=list, blank=True)
    legs = models.JSONField(_("legs"), default=list, blank=True)
    is_enabled = models.BooleanField(_("enabled"), default=True)
    clients = models.ManyToManyField(
        "gateway.ApiClient",
        verbose_name=_("clients"),
        blank=True,
        related_name="+",
        help_text=_("Which clients may start it; empty means every client with the right to run jobs."),
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    objects = TriggerQuerySet.as_manager()

    class Meta:
        verbose_name = _("trigger")
        verbose_name_plural = _("triggers")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Recurrence(models.Model):
    """When a trigger starts by itself: Beat's own row says at which times, this one what is made of them.

    ``times`` is what Beat's row said when ``next_slot_at`` was worked out: where it says something else now, it is
    worked out anew."""

    trigger = models.OneToOneField(
        Trigger, verbose_name=_("trigger"), on_delete=models.CASCADE, related_name="recurrence"
    )
    periodic_task = models.OneToOneField(
        "django_celery_beat.PeriodicTask", verbose_name=_("times"), on_delete=models.CASCADE, related_name="+"
    )
    overlap = models.CharField(_("while one is open"), max_length=20, default=Overlap.SKIP)
    missed = models.CharField(_("missed times"), max_length=20, default=Missed.ONCE)
    next_slot_at = models.DateTimeField(_("next time"), null=True, blank=True)
    times = models.TextField(editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("recurrence")
        verbose_name_plural = _("recurrences")
        constraints = [
            models.CheckConstraint(condition=Q(overlap__in=list(Overlap)), name="jobs_recurrence_overlap_known"),
            models.CheckConstraint(condition=Q(missed__in=list(Missed)), name="jobs_recurrence_missed_known"),
        ]

    def __str__(self) -> str:
        return str(self.trigger)


class TriggerFiring(models.Model):
    """One of a trigger's times and what was made of it, once, however many looked."""

    trigger = models.ForeignKey(Trigger, on_delete=models.CASCADE, related_name="firings", db_index=False)
    slot = models.DateTimeField(_("time"))
    decision = models.CharField(_("decision"), max_length=20, default=Decision.STARTED)
    reason = models.TextField(_("reason"), blank=True)
    job = models.ForeignKey(
        "jobs.Job", verbose_name=_("job"), on_delete=models.SET_NULL, null=True, blank=True,
        db_index=False, related_name="+",
    )  # fmt: skip
    created_at = models.DateTimeField(_("decided at"), default=timezone.now)

    class Meta:
        verbose_name = _("firing")
        verbose_name_plural = _("firings")
        constraints = [models.UniqueConstraint(fields=["trigger", "slot"], name="jobs_firing_slot_once")]
        # For purged jobs: each would look through all firings.
        indexes = [models.Index(fields=["job"], condition=Q(job__isnull=False), name="firing_of_job")]

    def __str__(self) -> str:
        return f"{self.trigger_id} {self.slot:%Y-%m-%d %H:%M:%S} {self.decision}"
