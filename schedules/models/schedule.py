"""What is to be done at which times (contract schedules_v4, "Schedule")."""

import json
from datetime import datetime
from typing import Any, Self
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gateway.caller import Caller
from schedules.states import Status, Zoning
from schedules.timing import Plan, Times, times_of


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    """Schedules by who may see them and where they stand."""

    def visible_to(self, caller: Caller) -> Self:
        """A client's own, also where it may see all of other things; all of them for the house. What is deleted exists
        for nobody but the console."""
        is_house = caller.client_id is None and caller.sees_all
        own = self if is_house else self.filter(client_id=caller.client_id)
        return own.filter(deleted_at=None)

    def valid(self) -> Self:
        """Those with a time to come, enabled or not."""
        return self.filter(due_at__isnull=False)

    def standing(self, status: Status) -> Self:
        """Those of a status."""
        match status:
            case Status.ACTIVE:
                return self.filter(due_at__isnull=False, is_enabled=True)
            case Status.PAUSED:
                return self.filter(due_at__isnull=False, is_enabled=False)
            case Status.ENDED:
                return self.filter(ended_at__isnull=False, deleted_at=None)
            case Status.DELETED:
                return self.filter(deleted_at__isnull=False)

    def due(self, now: datetime) -> Self:
        """Those whose time has come, the longest due first."""
        return self.filter(due_at__lte=now).order_by("due_at", "id")


class Schedule(models.Model):
    """``trigger`` and ``push`` are JSON texts as the client wrote them, its members in its order; ``times`` is what the
    first means. ``due_at`` is the next of the moments, None once there is none; slots that had passed at
    ``planned_at`` were never meant."""

    uuid = models.UUIDField(_("UUID"), default=uuid4, unique=True, editable=False)
    client = models.ForeignKey(
        "gateway.ApiClient", verbose_name=_("client"), on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    name = models.CharField(_("name"), max_length=255)
    is_enabled = models.BooleanField(_("enabled"), default=True)
    trigger = models.TextField(_("times as written"))
    times = models.JSONField(_("times"))
    # On whose clock the client asked for, and on whose it is: a letter and a trigger know but the site's.
    asked_zoning = models.CharField(max_length=10, default=Zoning.SITE, editable=False)
    zoning = models.CharField(_("whose clock"), max_length=10, default=Zoning.SITE)
    is_repeated = models.BooleanField(_("again and again"), default=False, editable=False)
    push = models.TextField(_("what is done"))
    # The member of ``push`` that names its kind (schedules.orders), known before it is read.
    kind = models.CharField(_("kind"), max_length=20, editable=False)
    # Characters of ``push``, known before it is read.
    size = models.PositiveIntegerField(editable=False)
    due_at = models.DateTimeField(_("due at"), null=True, blank=True)
    # The local time that it is due for then, on the site's clock; "" on everybody's own.
    slot = models.CharField(max_length=19, blank=True, editable=False)
    planned_at = models.DateTimeField(default=timezone.now, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    deleted_at = models.DateTimeField(_("deleted at"), null=True, blank=True)

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        permissions = [("operate_schedule", _("Can pause, enable, fire and delete schedules"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(due_at__isnull=True, ended_at__isnull=False)
                | Q(due_at__isnull=False, ended_at__isnull=True),
                name="schedules_schedule_due_at_until_ended",
            ),
            models.CheckConstraint(
                condition=Q(deleted_at__isnull=True) | Q(ended_at__isnull=False),
                name="schedules_schedule_ended_when_deleted",
            ),
            models.CheckConstraint(condition=Q(zoning__in=list(Zoning)), name="schedules_schedule_zoning_known"),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(due_at__isnull=False), name="schedule_due"),
            models.Index(
                fields=["client", "created_at", "id"], condition=Q(due_at__isnull=False), name="schedule_valid_list"
            ),
            models.Index(
                fields=["due_at", "id"],
                condition=Q(due_at__isnull=False, is_repeated=True),
                name="schedule_repeated_due",
            ),
            models.Index(fields=["-created_at", "-id"], name="schedule_list"),
            models.Index(fields=["client", "-created_at", "-id"], name="schedule_client_list"),
            models.Index(fields=["kind", "-created_at", "-id"], name="schedule_kind_list"),
            models.Index(
                fields=["-created_at", "-id"],
                condition=Q(due_at__isnull=False, is_enabled=False),
                name="schedule_paused_list",
            ),
            models.Index(
                fields=["-created_at", "-id"], condition=Q(deleted_at__isnull=False), name="schedule_deleted_list"
            ),
            models.Index(fields=["name"], opclasses=["varchar_pattern_ops"], name="schedule_name"),
            models.Index(fields=["ended_at"], condition=Q(ended_at__isnull=False), name="schedule_retention"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def status(self) -> Status:
        if self.deleted_at is not None:
            return Status.DELETED
        if self.ended_at is not None:
            return Status.ENDED
        return Status.ACTIVE if self.is_enabled else Status.PAUSED

    @property
    def when(self) -> Times:
        """Its times, as local ones."""
        return times_of(self.times)

    @property
    def plan(self) -> Plan:
        """Its times as moments."""
        return Plan(times=self.when, zoning=Zoning(self.zoning), site=site_zone(), since=self.planned_at)

    @property
    def order(self) -> dict[str, Any]:
        """What is done at its times, as JSON."""
        data: dict[str, Any] = json.loads(self.push)
        return data


def site_zone() -> ZoneInfo:
    """The zone of the site's clock."""
    return ZoneInfo(settings.TIME_ZONE)
