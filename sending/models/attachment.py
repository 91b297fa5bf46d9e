"""What travels with a message: rows here, bytes in Django's storage under the name of their digest."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Blob(models.Model):
    """Bytes kept once however many attachments carry them. ``digest`` is SHA-256 in hex, ``size`` in bytes."""

    digest = models.CharField(max_length=64, primary_key=True)
    size = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.digest

    @staticmethod
    def path(digest: str) -> str:
        """Where the storage keeps them."""
        return f"blobs/{digest[:2]}/{digest[2:4]}/{digest}"


class Attachment(models.Model):
    """One attachment of one message, in the order given. ``blob`` is what was handed to us, ``signed_blob`` the same
    with our signature, once it was made."""

    message = models.ForeignKey("sending.Message", on_delete=models.CASCADE, related_name="attachments")
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="attachments")
    signed_blob = models.ForeignKey(
        Blob, on_delete=models.PROTECT, null=True, editable=False, db_index=False, related_name="signed_attachments"
    )
    position = models.PositiveIntegerField()
    file_name = models.CharField(_("file"), max_length=255)
    internal_file_name = models.CharField(_("internal file name"), max_length=255, blank=True)
    media_type = models.CharField(_("media type"), max_length=150)
    document_type = models.CharField(_("document type"), max_length=100, blank=True)
    object_type = models.CharField(_("object type"), max_length=100, blank=True)
    object_ref = models.CharField(_("object"), max_length=100, blank=True)
    properties = models.JSONField(_("properties"), default=list)

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ["message", "position"]
        indexes = [
            models.Index(
                fields=["signed_blob"],
                name="sending_attachment_sweep",
                condition=models.Q(signed_blob__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def outgoing_blob_id(self) -> str:
        """What goes out: signed, if it is."""
        return self.signed_blob_id or self.blob_id


class ArchivedPart(models.Model):
    """What of a message is archived, with the very bytes: written before its store gets them, so that a worker that
    died over it left them to the next. ``part`` is the position of an attachment, or "text" or "html"; ``ref`` is where
    it lies, "" until it does."""

    message = models.ForeignKey("sending.Message", on_delete=models.CASCADE, related_name="archived_parts")
    part = models.CharField(max_length=10)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="archived_parts", null=True)
    digest = models.CharField(max_length=64)
    store = models.CharField(max_length=20)
    ref = models.TextField(blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["message", "part"], name="sending_archivedpart_once"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} {self.part}"


class SourceDeletion(models.Model):
    """A source to be deleted once its message went out (deleteSourceExpected), gone from here when that is settled.
    ``due_at`` is when to look next."""

    message = models.ForeignKey("sending.Message", on_delete=models.CASCADE, related_name="source_deletions")
    position = models.PositiveIntegerField()
    store = models.CharField(max_length=20)
    ref = models.TextField()
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["due_at"], name="sourcedeletion_due")]

    def __str__(self) -> str:
        return f"{self.message_id} {self.store} {self.ref}"
