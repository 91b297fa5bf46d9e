"""Where deliveries go, and how it fares there."""

from datetime import datetime
from typing import Self
from uuid import uuid4

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.expressions import RawSQL
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gateway.models import ApiClient
from notifications.models.delivery import Delivery
from notifications.states import Health, TargetKind

# From target to target along the index delivery_due: of one with a hundred thousand deliveries one row is read.
_WITH_PENDING = """
WITH RECURSIVE waiting (target_id) AS (
    SELECT min(target_id) FROM notifications_delivery WHERE status = 'PENDING'
    UNION ALL
    SELECT (
        SELECT min(delivery.target_id) FROM notifications_delivery AS delivery
        WHERE delivery.status = 'PENDING' AND delivery.target_id > waiting.target_id
    ) FROM waiting WHERE waiting.target_id IS NOT NULL
)
SELECT target_id FROM waiting WHERE target_id IS NOT NULL
"""


class TargetQuerySet(models.QuerySet["Target"]):
    """Targets by how they stand."""

    def open(self) -> Self:
        """Those that deliveries go to."""
        return self.filter(paused_at=None, disabled_at=None)

    def with_pending(self) -> Self:
        """Those with deliveries still to be brought, now or later."""
        return self.filter(id__in=RawSQL(_WITH_PENDING, ()))  # noqa: S611 (ours, not somebody's)

    def waiting(self, now: datetime) -> Self:
        """Those where something is due."""
        due = Delivery.objects.due(now).filter(target=OuterRef("pk"))
        return self.with_pending().filter(Exists(due))

    def callable(self, now: datetime) -> Self:
        """Those that may be called now; what is for a client that is not active waits until it is."""
        deaf = ApiClient.objects.filter(pk=OuterRef("client"), is_active=False)
        return self.open().filter(~Exists(deaf), Q(held_until=None) | Q(held_until__lte=now))

    def free(self, now: datetime) -> Self:
        """Those that a courier may take up now."""
        return self.callable(now).filter(Q(claim=None) | Q(lease_until__lte=now))

    def faring(self, health: Health) -> Self:
        """Those of that health."""
        match health:
            case Health.DISABLED:
                return self.filter(disabled_at__isnull=False)
            case Health.PAUSED:
                return self.filter(disabled_at=None, paused_at__isnull=False)
            case Health.FAILING:
                return self.open().filter(failures__gt=0)
            case Health.WORKING:
                return self.open().filter(failures=0)


class Target(models.Model):
    """One address of a registration, or one place that callbacks lead to; told one after the other what it is to know,
    by whoever holds its ``claim``. After a failure nothing goes there before ``held_until``.

    ``failures`` counts those since the last success. ``client`` None is the house itself.
    """

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=20)
    client = models.ForeignKey(
        "gateway.ApiClient", verbose_name=_("client"), on_delete=models.PROTECT, null=True, blank=True,
        db_index=False, related_name="+",
    )  # fmt: skip
    address = models.CharField(_("address"), max_length=2000)
    failures = models.PositiveIntegerField(_("failures since the last success"), default=0)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True)
    last_at = models.DateTimeField(_("last call"), null=True, blank=True)
    last_success_at = models.DateTimeField(_("last success"), null=True, blank=True)
    last_status = models.PositiveIntegerField(_("last answer"), null=True, blank=True)
    last_failure = models.TextField(_("last failure"), blank=True)
    held_until = models.DateTimeField(_("held until"), null=True, blank=True)
    paused_at = models.DateTimeField(_("paused at"), null=True, blank=True)
    paused_by = models.CharField(_("paused by"), max_length=300, blank=True)
    disabled_at = models.DateTimeField(_("disabled at"), null=True, blank=True)
    disabled_for = models.TextField(_("disabled because"), blank=True)
    claim = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    objects = TargetQuerySet.as_manager()

    class Meta:
        verbose_name = _("target")
        verbose_name_plural = _("targets")
        permissions = [("operate_target", _("Can pause and enable targets, and deliver again"))]
        constraints = [
            models.UniqueConstraint(
                fields=["client", "address"],
                condition=Q(kind=TargetKind.CALLBACK, client__isnull=False),
                name="notifications_target_one_per_place",
            ),
            models.UniqueConstraint(
                fields=["address"],
                condition=Q(kind=TargetKind.CALLBACK, client__isnull=True),
                name="notifications_target_one_of_house",
            ),
            models.CheckConstraint(
                condition=Q(claim__isnull=True, lease_until__isnull=True)
                | Q(claim__isnull=False, lease_until__isnull=False),
                name="notifications_target_lease_with_claim",
            ),
            models.CheckConstraint(
                condition=Q(failures=0, failing_since__isnull=True) | Q(failures__gt=0, failing_since__isnull=False),
                name="notifications_target_since_when_failing",
            ),
        ]
        indexes = [models.Index(fields=["client", "-id"], name="target_client_list")]

    def __str__(self) -> str:
        return self.address

    @property
    def health(self) -> Health:
        """How it fares now."""
        if self.disabled_at is not None:
            return Health.DISABLED
        if self.paused_at is not None:
            return Health.PAUSED
        return Health.FAILING if self.failures else Health.WORKING

    def next_call(self, next_due: datetime | None) -> datetime | None:
        """When it is called next, given when the first of what waits for it is due; None when nothing goes there."""
        if next_due is None or self.health in (Health.DISABLED, Health.PAUSED):
            return None
        return max(next_due, self.held_until) if self.held_until else next_due
