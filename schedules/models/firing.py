"""One of a schedule's times, and what was made of it."""

import json
from functools import cached_property
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from schedules.models.schedule import Schedule
from schedules.states import Decision

BY_HAND = "by hand"


class Firing(models.Model):
    """A slot (``yyyy-mm-dd hh:mm:ss``, local) decided about once, however many looked. On everybody's own clock a slot
    comes in waves, one for each moment, to the ``zones`` in which it is that time then; None = to all.

    A FIRED one is a job, which keeps to what was to be done at that moment, whatever is edited later. ``made`` is the
    id of what came of it: a message's, a job's, or a push's.
    """

    schedule = models.ForeignKey(
        Schedule, verbose_name=_("schedule"), on_delete=models.CASCADE, db_index=False, related_name="firings"
    )
    slot = models.CharField(_("time"), max_length=19)
    # Of one slot each wave once: its moment, or "" where there is but one.
    wave = models.CharField(max_length=25, blank=True)
    due_at = models.DateTimeField(_("due at"))
    decision = models.CharField(_("decision"), max_length=20, default=Decision.FIRED)
    reason = models.TextField(_("reason"), blank=True)
    zones = models.JSONField(_("zones"), null=True, blank=True)
    push = models.TextField(blank=True, editable=False)
    # A number like a message's, so that purged jobs need not look here.
    job_id = models.BigIntegerField(_("job"), null=True, blank=True)
    made = models.CharField(_("made"), max_length=40, blank=True)
    actor = models.CharField(_("by"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("decided at"), default=timezone.now)

    class Meta:
        verbose_name = _("firing")
        verbose_name_plural = _("firings")
        constraints = [
            models.UniqueConstraint(fields=["schedule", "slot", "wave"], name="schedules_firing_slot_once"),
            models.CheckConstraint(
                condition=Q(decision=Decision.FIRED, job_id__isnull=False)
                | (~Q(decision=Decision.FIRED) & Q(job_id__isnull=True)),
                name="schedules_firing_job_when_fired",
            ),
        ]
        indexes = [
            models.Index(fields=["job_id"], condition=Q(job_id__isnull=False), name="firing_of_schedule_job"),
            models.Index(fields=["due_at"], name="firing_times"),
        ]

    def __str__(self) -> str:
        return f"{self.slot} {self.decision}"

    @property
    def is_by_hand(self) -> bool:
        """Whether somebody fired it beside the schedule's times."""
        return self.wave == BY_HAND

    @cached_property
    def order(self) -> dict[str, Any]:
        """What was to be done, as JSON."""
        data: dict[str, Any] = json.loads(self.push)
        return data
