"""Who wants to be told when jobs are done (contract job_completed_notifications)."""

from typing import Self
from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gateway.caller import Caller
from jobs.models import Job


class RegistrationQuerySet(models.QuerySet["Registration"]):
    """Registrations by whose they are."""

    def visible_to(self, caller: Caller) -> Self:
        """The caller's own, or all for who may see all; those bound to a job are gone with it."""
        own = self if caller.sees_all else self.filter(client_id=caller.client_id)
        return own.filter(Q(job_id=None) | models.Exists(Job.objects.filter(pk=models.OuterRef("job_id"))))


class Registration(models.Model):
    """What a client asked for: ``end_point`` as it spelt it, ``target`` the address that is called and its health. With
    ``job_id`` it is about that job alone."""

    uuid = models.UUIDField(_("UUID"), default=uuid4, unique=True, editable=False)
    client = models.ForeignKey(
        "gateway.ApiClient", verbose_name=_("client"), on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    target = models.OneToOneField(
        "notifications.Target", verbose_name=_("target"), on_delete=models.PROTECT, related_name="registration"
    )
    job_id = models.BigIntegerField(_("job"), null=True, blank=True)
    job_uuid = models.UUIDField(null=True, blank=True)
    end_point = models.CharField(_("end point"), max_length=2000)
    format = models.CharField(_("format"), max_length=20)
    naming = models.CharField(_("naming convention"), max_length=50)
    method = models.CharField(_("method"), max_length=10)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    objects = RegistrationQuerySet.as_manager()

    class Meta:
        verbose_name = _("registration")
        verbose_name_plural = _("registrations")
        indexes = [
            models.Index(fields=["client", "created_at", "id"], name="registration_client_list"),
            models.Index(fields=["job_id"], condition=Q(job_id__isnull=False), name="registration_of_job"),
            models.Index(fields=["client"], condition=Q(job_id__isnull=True), name="registration_of_every_job"),
        ]

    def __str__(self) -> str:
        return self.end_point
