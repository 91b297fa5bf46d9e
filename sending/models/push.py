"""Browsers that may be reached, and pushes to many of them at once (contract schedules_v4, ``push``)."""

from typing import Self
from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


def new_registration_id() -> str:
    """An id that nobody guesses."""
    return uuid4().hex


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    """Subscriptions by whether they can be reached."""

    def standing(self) -> Self:
        """Those that were not removed."""
        return self.filter(removed_at=None)


class Subscription(models.Model):
    """A browser of somebody's who agreed to be sent a client's pushes: where its push service takes them
    (``endpoint``, RFC 8030), the keys they are encrypted with (RFC 8291), and the key of the client's that it trusts
    (RFC 8292), without which the others are worth nothing. ``time_zone`` is a name of the tz database, or empty for the
    site's own; ``language`` a BCP 47 tag."""

    client = models.ForeignKey(
        "gateway.ApiClient", verbose_name=_("client"), on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    registration_id = models.CharField(_("registration id"), max_length=64, default=new_registration_id, unique=True)
    endpoint = models.TextField(_("endpoint"), blank=True)
    # By which a browser is known again: an endpoint may be too long for an index.
    endpoint_digest = models.CharField(max_length=64, blank=True, editable=False)
    p256dh = models.CharField(max_length=87, blank=True, editable=False)
    auth = models.CharField(max_length=22, blank=True, editable=False)
    vapid_key = models.ForeignKey(
        "sending.VapidKey", verbose_name=_("key"), on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    alias = models.CharField(_("alias"), max_length=255, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    language = models.CharField(_("language"), max_length=35, blank=True)
    created_at = models.DateTimeField(_("since"), default=timezone.now)
    last_seen_at = models.DateTimeField(_("last seen"), default=timezone.now)
    # When its push service will forget it, where that said so.
    expires_at = models.DateTimeField(_("until"), null=True, blank=True)
    removed_at = models.DateTimeField(_("removed at"), null=True, blank=True)
    removed_for = models.CharField(_("removed for"), max_length=200, blank=True)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        default_permissions = ("view", "delete")
        constraints = [
            models.UniqueConstraint(
                fields=["client", "endpoint_digest"],
                condition=Q(removed_at__isnull=True) & ~Q(endpoint_digest=""),
                name="sending_subscription_endpoint_once",
            )
        ]
        indexes = [
            models.Index(fields=["removed_at"], condition=Q(removed_at__isnull=False), name="subscription_retention"),
            models.Index(
                fields=["expires_at"],
                condition=Q(removed_at__isnull=True, expires_at__isnull=False),
                name="subscription_expiring",
            ),
            models.Index(fields=["client", "id"], condition=Q(removed_at__isnull=True), name="subscription_audience"),
            models.Index(
                fields=["client", "time_zone", "id"],
                condition=Q(removed_at__isnull=True),
                name="subscription_zone",
            ),
            # Removed ones too: whose a browser was is asked when somebody is to be forgotten.
            models.Index(fields=["alias", "client"], condition=~Q(alias=""), name="subscription_person"),
            models.Index(
                fields=["client", "alias", "id"],
                condition=Q(removed_at__isnull=True) & ~Q(alias=""),
                name="subscription_alias",
            ),
        ]

    def __str__(self) -> str:
        return self.registration_id


class SubscriptionTag(models.Model):
    """A word by which a client addresses some of its subscriptions."""

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, db_index=False, related_name="tags")
    tag = models.CharField(_("tag"), max_length=255)

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        constraints = [models.UniqueConstraint(fields=["subscription", "tag"], name="sending_subscription_tag_once")]
        indexes = [models.Index(fields=["tag", "subscription"], name="subscription_tagged")]

    def __str__(self) -> str:
        return self.tag


class Push(models.Model):
    """One thing said to many: a message for each subscription that it reaches is made by its job. ``content`` is what
    browsers are told, ``audience`` and ``zones`` to whom (sending.audiences)."""

    client = models.ForeignKey(
        "gateway.ApiClient", verbose_name=_("client"), on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    request_id = models.CharField(_("request id"), max_length=255, blank=True)
    # What a client says once under a request id, by its digest; None where nothing tells it from others.
    idempotency_key = models.CharField(max_length=300, null=True, editable=False)
    digest = models.CharField(max_length=64, blank=True, editable=False)
    content = models.JSONField(_("content"))
    audience = models.JSONField(_("audience"))
    zones = models.JSONField(_("zones"), null=True, blank=True)
    # Of pushes with the same occasion a subscription gets one.
    occasion = models.CharField(max_length=100, editable=False)
    time_to_live = models.PositiveIntegerField(_("time to live, seconds"))
    job_id = models.BigIntegerField(_("job"))
    created_at = models.DateTimeField(_("accepted at"), default=timezone.now)

    class Meta:
        verbose_name = _("push")
        verbose_name_plural = _("pushes")
        default_permissions = ("view", "add")
        constraints = [
            models.UniqueConstraint(
                fields=["client", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="sending_push_request_once",
            )
        ]
        indexes = [
            models.Index(fields=["job_id"], name="push_of_job"),
            models.Index(fields=["created_at"], name="push_retention"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"

    def key_for(self, subscription_id: int) -> str:
        """The idempotency key of the message that tells this to a browser, the same for all of one occasion."""
        # No request id begins with a control character.
        return f"\x1f{self.occasion} {subscription_id}"
