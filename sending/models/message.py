"""One letter to one recipient by one channel, and the facts of its life."""

from datetime import datetime
from typing import Self
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gateway.caller import Caller
from gateway.models import ApiClient
from sending import stopping
from sending.channels import channels
from sending.channels.portal import PortalChannel
from sending.models.withdrawal import Withdrawal
from sending.states import CLOSED, DUE, Status

_CLOSED = sorted(CLOSED)
_DUE = sorted(DUE)
# SQLite takes the index of what is due only when it reads these very values, and reads no parameters: without them
# each claim looked at every message there is.
_DUE_LITERALLY = [RawSQL(f"'{status}'", ()) for status in _DUE]  # noqa: S611 (ours, not somebody's)
# What an inbox holds, for the same reason.
_IN_INBOX = {"channel": PortalChannel.name, "status": Status.SENT}
_IN_INBOX_LITERALLY = {name: RawSQL(f"'{value}'", ()) for name, value in _IN_INBOX.items()}  # noqa: S611
# In which a claim is taken, worked off and, when its worker died, recovered.
WORK_ORDER = ("due_at", "id")


class MessageQuerySet(models.QuerySet["Message"]):
    """Messages by who may see them and where they stand."""

    def visible_to(self, caller: Caller) -> Self:
        """The caller's own, or all for who may see all."""
        return self if caller.sees_all else self.filter(client_id=caller.client_id)

    def shown_by(self, caller: Caller) -> Self:
        """What a portal's client may show: its own letters, those of clients that named it, or all for who may see
        all."""
        if caller.sees_all:
            return self
        named = ApiClient.portals.through.objects.filter(to_apiclient_id=caller.client_id)
        return self.filter(
            models.Q(client_id=caller.client_id) | models.Q(client_id__in=named.values("from_apiclient_id"))
        )

    def in_inboxes(self) -> Self:
        """What is in an inbox of ours, expired or not."""
        return self.filter(**_IN_INBOX_LITERALLY)

    def due(self, channel: str, now: datetime) -> Self:
        """What a worker may take now, the longest due first."""
        unexpired = models.Q(expires_at=None) | models.Q(expires_at__gt=now)
        return self.not_stopped().waiting().filter(unexpired, channel=channel, due_at__lte=now).order_by(*WORK_ORDER)

    def not_stopped(self) -> Self:
        """All but those of parts that somebody has stopped (sending.stopping), and of jobs that were cancelled."""
        taken_back = Withdrawal.objects.filter(job_id=models.OuterRef("job_id"))
        taken_back = taken_back.filter(models.Q(before=None) | models.Q(before__gte=models.OuterRef("created_at")))
        found = self.filter(models.Q(job_id=None) | ~models.Exists(taken_back))
        for parts in stopping.stopped_parts():
            found = found.filter(models.Q(campaign_part_id=None) | ~models.Q(campaign_part_id__in=parts))
        return found

    def waiting(self) -> Self:
        """What goes out, or is tried again, once it is due."""
        return self.filter(status__in=_DUE_LITERALLY)

    def claimed(self) -> Self:
        """What some dispatcher holds."""
        return self.filter(status=Status.SENDING)

    def not_to_be_listed(self) -> Self:
        """All but letters in a print run whose manifest is still to be written, from what they say."""
        return self.filter(models.Q(print_item=None) | models.Q(print_item__batch__handed_over_at__isnull=False))

    def uncertain(self) -> Self:
        """What may or may not have gone out."""
        return self.filter(status=Status.UNCERTAIN)


class Message(models.Model):
    """``content`` is the letter as accepted (sending.letter.Letter.content); the columns beside it are what is
    searched, ordered and counted by. ``idempotency_key`` is the request id where the client's ids are unique. With
    ``erased_at`` what it said is gone, by retention or on request, and it can never go out again.

    The database does not check the client, the template's version, the dispatcher and an event's message: rows of the
    first three are never deleted while named (PROTECT), events are written in their message's own statement, and the
    check, which locks the one row of a busy client or template, took a quarter of the database's time for a letter.
    """

    uuid = models.UUIDField(_("UUID"), default=uuid4, unique=True, editable=False)
    client = models.ForeignKey(
        "gateway.ApiClient",
        verbose_name=_("client"),
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        db_constraint=False,
        related_name="+",
    )
    user_name = models.CharField(_("user"), max_length=150, blank=True)
    request_id = models.CharField(_("request id"), max_length=150, blank=True)
    idempotency_key = models.CharField(max_length=150, null=True, editable=False)
    digest = models.BinaryField(max_length=32, editable=False)
    batch_id = models.CharField(_("batch"), max_length=100, blank=True)
    partner_ref = models.CharField(_("partner"), max_length=100, blank=True)
    channel = models.CharField(_("channel"), max_length=20)
    status = models.CharField(_("status"), max_length=20, default=Status.ACCEPTED)
    held_for = models.CharField(_("held for"), max_length=20, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    recipient_name = models.CharField(_("recipient"), max_length=100)
    recipient_email_address = models.CharField(_("e-mail"), max_length=100, blank=True)
    subject = models.CharField(_("subject"), max_length=600, blank=True)
    template_version = models.ForeignKey(
        "sending.TemplateVersion", verbose_name=_("template"), on_delete=models.PROTECT, null=True, blank=True,
        db_index=False, db_constraint=False, related_name="+",
    )  # fmt: skip
    related_message_id = models.BigIntegerField(_("related message"), null=True, blank=True)
    campaign_part_id = models.BigIntegerField(_("campaign part"), null=True, blank=True)
    # Which job sent it; a number like the two above, so that a letter without one costs nothing more.
    job_id = models.BigIntegerField(_("job"), null=True, blank=True)
    content = models.JSONField(_("content"))
    attachment_count = models.PositiveIntegerField(_("attachments"), default=0)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    dispatcher = models.ForeignKey(
        "sending.Dispatcher", verbose_name=_("dispatcher"), on_delete=models.PROTECT, null=True, blank=True,
        db_index=False, db_constraint=False, related_name="messages",
    )  # fmt: skip
    created_at = models.DateTimeField(_("accepted at"), default=timezone.now)
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now)
    due_at = models.DateTimeField(_("due at"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    # When somebody first looked at it in a portal.
    opened_at = models.DateTimeField(_("opened at"), null=True, blank=True)
    erased_at = models.DateTimeField(_("erased at"), null=True, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        permissions = [
            ("read_content", _("Can read what messages say")),
            ("operate_message", _("Can cancel, release, requeue and settle messages")),
            ("erase_person", _("Can have a person's data erased")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["client", "idempotency_key"],
                condition=models.Q(client__isnull=False, idempotency_key__isnull=False),
                name="sending_message_of_client_once",
            ),
            # The house has no client, and no client is like no other.
            models.UniqueConstraint(
                fields=["idempotency_key"],
                condition=models.Q(client__isnull=True, idempotency_key__isnull=False),
                name="sending_message_of_house_once",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=_CLOSED, closed_at__isnull=False)
                | (~models.Q(status__in=_CLOSED) & models.Q(closed_at__isnull=True)),
                name="sending_message_closed_at_when_closed",
            ),
            models.CheckConstraint(
                condition=models.Q(status=Status.SENDING, dispatcher__isnull=False)
                | (~models.Q(status=Status.SENDING) & models.Q(dispatcher__isnull=True)),
                name="sending_message_dispatcher_when_sending",
            ),
            models.CheckConstraint(
                condition=~models.Q(status__in=_DUE) | models.Q(due_at__isnull=False),
                name="sending_message_due_at_when_waiting",
            ),
        ]
        indexes = [
            models.Index(fields=["channel", "due_at", "id"], condition=models.Q(status__in=_DUE), name="message_due"),
            models.Index(
                fields=["dispatcher", "id"], condition=models.Q(status=Status.SENDING), name="message_claimed"
            ),
            models.Index(
                fields=["held_for", "due_at"], condition=models.Q(status=Status.HELD), name="message_held"
            ),
            models.Index(
                fields=["closed_at"], condition=models.Q(status=Status.UNCERTAIN), name="message_uncertain"
            ),
            models.Index(
                fields=["expires_at"],
                condition=models.Q(expires_at__isnull=False, closed_at__isnull=True),
                name="message_expiring",
            ),
            models.Index(
                fields=["status", "id"],
                condition=models.Q(status__in=[Status.BOUNCED, Status.CANCELLED, Status.FAILED]),
                name="message_not_sent",
            ),
            models.Index(
                fields=["template_version", "id"],
                condition=models.Q(template_version__isnull=False),
                name="message_template",
            ),
            models.Index(
                fields=["job_id", "id"],
                condition=models.Q(job_id__isnull=False, closed_at__isnull=True),
                name="message_open_of_job",
            ),
            # With the status, so that what became of a job's messages is counted in the index alone.
            models.Index(fields=["job_id", "status"], condition=models.Q(job_id__isnull=False), name="message_of_job"),
            models.Index(
                fields=["closed_at", "id"],
                condition=models.Q(closed_at__isnull=False, erased_at__isnull=True),
                name="message_to_erase",
            ),
            models.Index(fields=["client", "-created_at", "-id"], name="message_client_list"),
            models.Index(fields=["batch_id", "id"], condition=~models.Q(batch_id=""), name="message_batch"),
            models.Index(fields=["partner_ref", "id"], condition=~models.Q(partner_ref=""), name="message_partner"),
            models.Index(fields=["request_id"], condition=~models.Q(request_id=""), name="message_request"),
            models.Index(
                fields=["recipient_email_address"], opclasses=["varchar_pattern_ops"], name="message_recipient"
            ),
            models.Index(
                "partner_ref", models.F("closed_at").desc(), models.F("id").desc(),
                condition=models.Q(**_IN_INBOX), name="message_inbox_partner",
            ),
            models.Index(
                Lower("recipient_email_address"), models.F("closed_at").desc(), models.F("id").desc(),
                condition=models.Q(**_IN_INBOX), name="message_inbox_address",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.pk} · {self.addressee or self.subject}" if self.addressee or self.subject else self.name_in_trail

    @property
    def name_in_trail(self) -> str:
        """What it is called where its recipient's data must not stay (gateway.console.audit)."""
        return f"{self.pk}"

    @property
    def addressee(self) -> str:
        """To whom it goes, by that at which it reaches them: an e-mail address, or by post the name."""
        name, address = self.recipient_name, self.recipient_email_address
        kind = channels().get(self.channel)
        return name or address if kind is not None and kind.goes_by_post else address or name

    @property
    def message_id_header(self) -> str:
        """The RFC 5322 Message-ID: the same at each try, so that receivers can fold what came twice."""
        return f"<{self.uuid}@{settings.HAMMY_MESSAGE_ID_DOMAIN}>"

    @property
    def is_push(self) -> bool:
        """Whether it tells a browser what a push says (sending.models.push), and is no letter."""
        return "push_id" in self.content


class MessageEvent(models.Model):
    """A fact in the life of a message: which status it reached, when, why and by whom."""

    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="events", db_index=False, db_constraint=False
    )
    created_at = models.DateTimeField(_("time"), default=timezone.now)
    name = models.CharField(_("event"), max_length=20)
    reason = models.TextField(_("reason"), blank=True)
    actor = models.CharField(_("by"), max_length=300, blank=True)
    recipients = models.JSONField(_("recipients"), null=True, blank=True)
    # What is worth keeping of a hand-over: pages, a file's name, a digest.
    facts = models.JSONField(_("facts"), null=True, blank=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["id"]
        indexes = [models.Index(fields=["message", "id"], name="event_of_message")]

    def __str__(self) -> str:
        return f"{self.message_id} {self.name}"
