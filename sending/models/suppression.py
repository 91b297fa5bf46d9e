"""Addresses that no letter goes to any more."""

from hashlib import sha256
from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sending.addresses import wire_form


def digest_of_address(address: str) -> str:
    """By which an address is known, in whatever case it is written; it is known still when the address itself is
    erased. SHA-256 in hex."""
    return sha256(wire_form(address).lower().encode()).hexdigest()


class SuppressionQuerySet(models.QuerySet["Suppression"]):
    """Suppressions by whether they hold."""

    def standing(self) -> Self:
        """Those whose time is not over."""
        return self.filter(models.Q(expires_at=None) | models.Q(expires_at__gt=timezone.now()))


class Suppression(models.Model):
    """One address that one client, or with none named no client, writes to any more. ``address`` is empty once its
    owner's data were erased."""

    client = models.ForeignKey(
        "gateway.ApiClient", verbose_name=_("client"), on_delete=models.CASCADE, null=True, blank=True, db_index=False,
        related_name="+",
    )  # fmt: skip
    digest = models.CharField(max_length=64, editable=False)
    address = models.CharField(_("address"), max_length=254, blank=True)
    reason = models.TextField(_("reason"))
    source_message_id = models.BigIntegerField(_("message"), null=True, blank=True)
    created_at = models.DateTimeField(_("since"), default=timezone.now)
    expires_at = models.DateTimeField(_("until"), null=True, blank=True)
    created_by = models.CharField(_("by"), max_length=300, blank=True)

    objects = SuppressionQuerySet.as_manager()

    class Meta:
        verbose_name = _("suppressed address")
        verbose_name_plural = _("suppressed addresses")
        default_permissions = ("view", "add", "delete")
        constraints = [
            # Also the index by which letters are looked up.
            models.UniqueConstraint(fields=["digest", "client"], name="sending_suppression_once_for_a_client"),
            models.UniqueConstraint(
                fields=["digest"], condition=models.Q(client__isnull=True), name="sending_suppression_once_for_all"
            ),
        ]
        indexes = [
            models.Index(
                fields=["expires_at"], condition=models.Q(expires_at__isnull=False), name="suppression_expiring"
            )
        ]

    def __str__(self) -> str:
        # Kept in the audit trail, where no address belongs.
        return f"{self.pk}"
