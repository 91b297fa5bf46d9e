"""Campaigns: letters of one occasion to groups of recipients, and the runs that send them."""

from typing import Self
from uuid import uuid4

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from campaigns.models.recipient import RecipientGroup
from campaigns.states import CampaignStatus
from gateway.caller import Caller
from gateway.client_rules import check_line


class CampaignQuerySet(models.QuerySet["Campaign"]):
    """Campaigns by who may see them."""

    def visible_to(self, caller: Caller) -> Self:
        """The caller's own, or all for who may see all."""
        return self if caller.sees_all else self.filter(client_id=caller.client_id)


class Campaign(models.Model):
    """Its letters are sent in the name of its client, or of the house."""

    uuid = models.UUIDField(_("UUID"), default=uuid4, unique=True, editable=False)
    client = models.ForeignKey(
        "gateway.ApiClient", verbose_name=_("client"), on_delete=models.PROTECT, null=True, blank=True,
        db_index=False, related_name="+",
    )  # fmt: skip
    title = models.CharField(_("title"), max_length=200, validators=[check_line])
    status = models.CharField(_("status"), max_length=20, default=CampaignStatus.DRAFT, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now, editable=False)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True, editable=False)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        permissions = [("operate_campaign", _("Can start, pause, resume and cancel campaigns"))]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=list(CampaignStatus)), name="campaigns_campaign_status_known")
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="campaign_list"),
            models.Index(fields=["client", "-created_at", "-id"], name="campaign_client_list"),
            models.Index(
                fields=["id"],
                condition=Q(status__in=[CampaignStatus.PAUSED, CampaignStatus.RUNNING]),
                name="campaign_open",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class CampaignPart(models.Model):
    """A leg: one template to one group by one channel. Its number is its leg id."""

    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), on_delete=models.CASCADE, related_name="parts", db_index=True
    )
    title = models.CharField(_("title"), max_length=200, blank=True, validators=[check_line])
    group = models.ForeignKey(
        RecipientGroup, verbose_name=_("group"), on_delete=models.PROTECT, related_name="parts", db_index=True
    )
    message_type = models.CharField(_("template"), max_length=100)
    message_type_version = models.PositiveIntegerField(
        _("version"), null=True, blank=True, help_text=_("Empty means the newest enabled one.")
    )
    channel = models.CharField(_("channel"), max_length=20, default="EMAIL")
    from_address = models.EmailField(_("sender address"), max_length=100, blank=True)
    from_name = models.CharField(_("sender name"), max_length=100, blank=True, validators=[check_line])
    send_at = models.DateTimeField(
        _("sent at"), null=True, blank=True, help_text=_("Its letters wait until then; empty means at once.")
    )
    messages_per_minute = models.PositiveIntegerField(
        _("messages a minute"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Empty means as fast as can be."),
    )

    # While it stands, its letters are made and wait.
    paused_at = models.DateTimeField(_("paused at"), null=True, blank=True, editable=False)
    # How long the present run stood still; a throttled leg's letters have their turns so much later.
    paused_seconds = models.FloatField(default=0.0, editable=False)

    class Meta:
        verbose_name = _("leg")
        verbose_name_plural = _("legs")
        ordering = ["id"]
        indexes = [models.Index(fields=["id"], condition=Q(paused_at__isnull=False), name="leg_paused")]

    def __str__(self) -> str:
        return self.title or f"{self.pk}"


class LegRun(models.Model):
    """A leg sent once to whom its group held at the start: those up to ``last_recipient_id``. ``job_id`` is the job
    that makes its messages, ``run_job_id`` the campaign's job above it."""

    part = models.ForeignKey(CampaignPart, on_delete=models.CASCADE, related_name="runs", db_index=False)
    job_id = models.BigIntegerField(_("job"), unique=True)
    run_job_id = models.BigIntegerField(_("campaign's job"))
    # The one that all its letters are made of.
    message_type_version = models.PositiveIntegerField(_("version"))
    recipients = models.PositiveIntegerField(_("recipients"))
    last_recipient_id = models.BigIntegerField()
    created_at = models.DateTimeField(_("started at"), default=timezone.now)

    class Meta:
        verbose_name = _("run of a leg")
        verbose_name_plural = _("runs of legs")
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["part", "-id"], name="run_of_leg"),
            models.Index(fields=["run_job_id"], name="leg_run_of_job"),
        ]

    def __str__(self) -> str:
        return f"{self.part_id} {self.job_id}"


class SkippedRecipient(models.Model):
    """One of a run's recipients for whom there is no letter, and why."""

    run = models.ForeignKey(LegRun, on_delete=models.CASCADE, related_name="skipped_recipients", db_index=False)
    recipient_id = models.BigIntegerField(_("recipient"))
    reason = models.TextField(_("reason"))

    class Meta:
        verbose_name = _("recipient left out")
        verbose_name_plural = _("recipients left out")
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["run", "recipient_id"], name="campaigns_skipped_recipient_once")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.recipient_id}"
