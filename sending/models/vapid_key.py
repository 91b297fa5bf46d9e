"""The keys by which push services know who pushes (RFC 8292)."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class VapidKeyQuerySet(models.QuerySet["VapidKey"]):
    """Keys by whether browsers are given them."""

    def current(self) -> Self:
        """Those that browsers subscribe with now: one of each client that has any."""
        return self.filter(retired_at=None)


class VapidKey(models.Model):
    """A key pair of a client's on the curve P-256. ``public_key`` is the point as browsers take it, in base64url;
    ``private_key`` the sealed 32 bytes. A browser that subscribed with a key can be reached with that key alone, so a
    retired one serves its subscriptions on."""

    client = models.ForeignKey(
        "gateway.ApiClient", verbose_name=_("client"), on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    public_key = models.CharField(_("public key"), max_length=87, unique=True)
    private_key = models.TextField(editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    retired_at = models.DateTimeField(_("retired at"), null=True, blank=True)

    objects = VapidKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("push key")
        verbose_name_plural = _("push keys")
        default_permissions = ("view", "add")
        constraints = [
            models.UniqueConstraint(
                fields=["client"], condition=Q(retired_at__isnull=True), name="sending_vapid_key_current_once"
            )
        ]
        indexes = [models.Index(fields=["client", "created_at"], name="vapid_key_of_client")]

    def __str__(self) -> str:
        return self.public_key
