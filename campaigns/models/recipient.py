"""Who letters go to, in groups."""

from typing import Self
from uuid import uuid4

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gateway.caller import Caller
from gateway.client_rules import check_line


class RecipientGroupQuerySet(models.QuerySet["RecipientGroup"]):
    """Groups by who may see them."""

    def visible_to(self, caller: Caller) -> Self:
        """The caller's own, or all for who may see all; the house's own have no client."""
        return self if caller.sees_all else self.filter(client_id=caller.client_id)


class RecipientGroup(models.Model):
    """Recipients under one name."""

    uuid = models.UUIDField(_("UUID"), default=uuid4, unique=True, editable=False)
    client = models.ForeignKey(
        "gateway.ApiClient", verbose_name=_("client"), on_delete=models.PROTECT, null=True, blank=True,
        db_index=False, related_name="+",
    )  # fmt: skip
    name = models.CharField(_("name"), max_length=100, validators=[check_line])
    description = models.TextField(_("description"), blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now, editable=False)

    objects = RecipientGroupQuerySet.as_manager()

    class Meta:
        verbose_name = _("recipient group")
        verbose_name_plural = _("recipient groups")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["client", "name"], name="campaigns_group_name_once_for_a_client"),
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(client__isnull=True), name="campaigns_group_name_once_for_house"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Recipient(models.Model):
    """One of a group. ``identity`` is equal for who counts as the same (campaigns.recipient_rules)."""

    group = models.ForeignKey(
        RecipientGroup, verbose_name=_("group"), on_delete=models.CASCADE, db_index=False, related_name="recipients"
    )
    name = models.CharField(_("name"), max_length=100)
    email_address = models.CharField(_("e-mail"), max_length=100, blank=True)
    postal_address = models.TextField(_("postal address"), blank=True)
    partner_ref = models.CharField(_("partner"), max_length=100, blank=True)
    language = models.CharField(_("language"), max_length=35, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    properties = models.JSONField(_("properties"), default=dict, blank=True)
    identity = models.UUIDField(editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("recipient")
        verbose_name_plural = _("recipients")
        indexes = [
            models.Index(fields=["group", "id"], name="recipient_of_group"),
            models.Index(fields=["group", "identity"], name="recipient_identity"),
            models.Index(
                fields=["email_address"], opclasses=["varchar_pattern_ops"], name="recipient_address"
            ),
            models.Index(fields=["partner_ref"], condition=~models.Q(partner_ref=""), name="recipient_partner"),
        ]  # fmt: skip

    def __str__(self) -> str:
        # Kept in the audit trail, where no name belongs.
        return f"{self.pk}"
