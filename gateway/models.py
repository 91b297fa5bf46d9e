"""Who may come in: calling systems and what proves that they are who they say."""

import uuid
from datetime import datetime
from typing import Self

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gateway import client_rules


class ApiClient(models.Model):
    """An integrating system (contract hammy_common, "Who calls"). No users listed = every active user."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(
        _("name"),
        max_length=100,
        unique=True,
        validators=[client_rules.check_name],
        error_messages={"unique": _("is taken by another client")},
    )
    rights = models.JSONField(_("rights"), default=list, blank=True, validators=[client_rules.check_rights])
    users = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        verbose_name=_("users"),
        blank=True,
        related_name="api_clients",
        help_text=_("Who may call through this client; empty means every active user."),
    )
    needs_user_token = models.BooleanField(
        _("needs a user token"), default=True, help_text=_("REST calls must also carry the token of a user.")
    )
    allowed_networks = models.JSONField(
        _("allowed networks"),
        default=list,
        blank=True,
        validators=[client_rules.check_networks],
        help_text=_("Where calls may come from; empty means everywhere."),
    )
    requests_per_minute = models.PositiveIntegerField(
        _("requests per minute"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Empty means unlimited."),
    )
    max_upload_bytes = models.PositiveBigIntegerField(
        _("bytes of an upload"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("The most bytes of one multipart request; empty means as many as the site takes."),
    )
    max_schedules = models.PositiveIntegerField(
        _("schedules at a time"),
        null=True,
        blank=True,
        help_text=_("The most schedules that may wait at a time; empty means as many as the site takes."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    request_id_unique = models.BooleanField(
        _("request ids are unique"),
        default=True,
        help_text=_("A repeated requestId answers the first message; turn off for a client that reuses its ids."),
    )
    from_address = models.EmailField(_("sender address"), max_length=100, blank=True)
    from_name = models.CharField(_("sender name"), max_length=100, blank=True, validators=[client_rules.check_line])
    sender_domains = models.JSONField(
        _("sender domains"),
        default=list,
        blank=True,
        validators=[client_rules.check_domains],
        help_text=_("The only domains it may send from; empty means any."),
    )
    external_folder = models.CharField(
        _("external folder"),
        max_length=255,
        blank=True,
        validators=[client_rules.check_folder],
        help_text=_("Below the external root; it reads and archives files there alone. Empty means all of the root."),
    )
    portals = models.ManyToManyField(
        "self",
        symmetrical=False,
        verbose_name=_("portals"),
        blank=True,
        related_name="+",
        help_text=_("Clients with the right portal that may show its messages in the recipients' inboxes."),
    )
    origins = models.JSONField(
        _("origins"),
        default=list,
        blank=True,
        validators=[client_rules.check_origins],
        help_text=_("Of the pages whose browsers may subscribe to its pushes, as https://www.example.com."),
    )
    browsers_name_themselves = models.BooleanField(
        _("browsers name themselves"),
        default=True,
        help_text=_("A browser may say its alias and tags; turn off where only servers may, for browsers can lie."),
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("client")
        verbose_name_plural = _("clients")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class CredentialQuerySet(models.QuerySet["Credential"]):
    def usable(self, moment: datetime | None = None) -> Self:
        """Neither revoked nor run out."""
        moment = moment or timezone.now()
        return self.filter(revoked_at=None).filter(Q(expires_at=None) | Q(expires_at__gt=moment))


class Credential(models.Model):
    """One key or secret of a client.

    ``hash_key``: ``lookup`` is the SHA-256 of the clientHashKey in hex, which itself is kept nowhere.
    ``access``: ``lookup`` is the access id, ``secret`` its sealed secret. ``webhook``: a sealed signing secret.
    """

    HASH_KEY, ACCESS, WEBHOOK = "hash_key", "access", "webhook"

    client = models.ForeignKey(ApiClient, models.CASCADE, related_name="credentials", verbose_name=_("client"))
    kind = models.CharField(_("kind"), max_length=20)
    lookup = models.CharField(max_length=64, blank=True)
    secret = models.TextField(blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    objects = CredentialQuerySet.as_manager()

    class Meta:
        verbose_name = _("credential")
        verbose_name_plural = _("credentials")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "lookup"], condition=~Q(lookup=""), name="gateway_credential_lookup_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.client_id} {self.kind}"
