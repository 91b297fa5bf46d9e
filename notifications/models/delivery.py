"""One event on its way to one target, and each try to bring it there."""

from collections.abc import Collection
from datetime import datetime
from typing import Self
from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications.signing import message_id_of
from notifications.states import CLOSED, Status

# SQLite takes a partial index only where it reads the index's own condition, and it reads no parameters.
_PENDING_LITERALLY = RawSQL(f"'{Status.PENDING}'", ())  # noqa: S611 (ours, not somebody's)

_DELIVERED_LITERALLY = RawSQL(f"'{Status.DELIVERED}'", ())  # noqa: S611 (ours)


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Deliveries by where they stand."""

    def pending(self) -> Self:
        """Those still to be brought."""
        return self.filter(status=_PENDING_LITERALLY)

    def standing(self, statuses: Collection[str]) -> Self:
        """Those of these statuses."""
        found = self.filter(status__in=statuses)
        return found if Status.DELIVERED in statuses else found.exclude(status=_DELIVERED_LITERALLY)

    def due(self, now: datetime) -> Self:
        """Those to be brought now, where their target can be called."""
        return self.pending().filter(due_at__lte=now)


class Delivery(models.Model):
    """``uuid`` makes the webhook-id, the same at each try. ``failures`` are those of the present round: a replay by
    hand begins a new one. ``format``, ``naming`` and ``method`` are how the receiver wants to be told."""

    uuid = models.UUIDField(_("UUID"), default=uuid4, unique=True, editable=False)
    event = models.ForeignKey(
        "notifications.Event", models.CASCADE, verbose_name=_("event"), related_name="deliveries", db_constraint=False
    )
    target = models.ForeignKey(
        "notifications.Target", models.CASCADE, verbose_name=_("target"), related_name="deliveries",
        db_index=False, db_constraint=False,
    )  # fmt: skip
    payload = models.CharField(_("payload"), max_length=30)
    url = models.CharField(_("address"), max_length=2000)
    format = models.CharField(_("format"), max_length=20)
    naming = models.CharField(_("naming convention"), max_length=50, blank=True)
    method = models.CharField(_("method"), max_length=10)
    status = models.CharField(_("status"), max_length=20, default=Status.PENDING)
    reason = models.TextField(_("reason"), blank=True)
    failures = models.PositiveIntegerField(default=0)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    # Somebody asked for the next try.
    is_by_hand = models.BooleanField(default=False)
    due_at = models.DateTimeField(_("next try"), default=timezone.now)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=sorted(CLOSED), closed_at__isnull=False)
                | Q(status=Status.PENDING, closed_at__isnull=True),
                name="notifications_delivery_closed_at_when_closed",
            )
        ]
        indexes = [
            models.Index(fields=["target", "due_at", "id"], condition=Q(status=Status.PENDING), name="delivery_due"),
            models.Index(fields=["due_at"], condition=Q(status=Status.PENDING), name="delivery_wake"),
            models.Index(fields=["target", "-id"], name="delivery_target_list"),
            models.Index(fields=["status", "-id"], condition=~Q(status=Status.DELIVERED), name="delivery_undelivered"),
        ]

    def __str__(self) -> str:
        return self.message_id

    @property
    def message_id(self) -> str:
        """The webhook-id."""
        return message_id_of(self.uuid)


def next_due(target: str) -> models.Subquery:
    """When the first of what waits for a target is due, to annotate with; ``target`` is the column of its id."""
    waiting = Delivery.objects.pending().filter(target=models.OuterRef(target)).order_by("due_at", "id")
    return models.Subquery(waiting.values("due_at")[:1])


class Attempt(models.Model):
    """One call: ``status`` of the answer, or ``failure`` when there was none; ``answer`` is its beginning as text.
    ``next_at`` is when it is tried again."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="tries", db_index=False, db_constraint=False)
    number = models.PositiveIntegerField(_("number"))
    is_by_hand = models.BooleanField(_("by hand"), default=False)
    began_at = models.DateTimeField(_("time"))
    seconds = models.FloatField(_("seconds"))
    status = models.PositiveIntegerField(_("answer"), null=True)
    failure = models.TextField(_("failure"), blank=True)
    answer = models.TextField(_("beginning of the answer"), blank=True)
    next_at = models.DateTimeField(_("next try"), null=True)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ["id"]
        indexes = [models.Index(fields=["delivery", "id"], name="attempt_of_delivery")]

    def __str__(self) -> str:
        return f"{self.number}: {self.status or self.failure}"
