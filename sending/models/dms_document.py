"""The built-in DMS: what was archived, with versions and metadata; bytes as everywhere under their digest."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Self
from uuid import UUID, uuid4

from django.db import connection, models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gateway.caller import Caller
from sending.models.attachment import Blob

# Sorts after every character a name may hold.
_LAST = "\U0010ffff"


def term_of(value: str, key: str = "") -> str:
    """Under which a metadata value is found, with its key or by itself: values of any length make an index of one
    width."""
    return sha256(f"{key}\0{value}".encode()).hexdigest()[:32]


class DmsDocumentQuerySet(models.QuerySet["DmsDocument"]):
    """Documents by who may see them and what is known of them."""

    def visible_to(self, caller: Caller) -> Self:
        """The caller's own, or all for who may see all."""
        return self if caller.sees_all else self.filter(client_id=caller.client_id)

    def of_message(self, message_id: int) -> Self:
        """What a message archived, or would have had it not been there already."""
        return self.filter(pk__in=DmsFiling.objects.filter(message_id=message_id).values("document_id"))

    def named_from(self, beginning: str) -> Self:
        """Those whose file's name begins so, as each database can use its index for it."""
        if connection.vendor == "postgresql":
            return self.filter(file_name__startswith=beginning)
        return self.filter(file_name__gte=beginning, file_name__lt=beginning + _LAST)

    def with_term(self, value: str, key: str = "") -> Self:
        """Those of this metadata value, under ``key`` or under any."""
        return self.filter(terms__term=term_of(value, key))


class DmsDocument(models.Model):
    """One version of a document. ``uuid`` is its public id. ``series`` is what its versions share: client, object, type
    and name where an object is named, else nothing but itself. ``message_id`` is the message that brought it, a plain
    number since documents stay when messages are forgotten."""

    uuid = models.UUIDField(_("document id"), default=uuid4, unique=True, editable=False)
    client = models.ForeignKey(
        "gateway.ApiClient", verbose_name=_("client"), on_delete=models.PROTECT, null=True, related_name="+",
        db_index=False,
    )  # fmt: skip
    series = models.CharField(max_length=32, editable=False)
    version = models.PositiveIntegerField(_("version"), default=1)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="documents")
    message_id = models.BigIntegerField(_("message"))
    user_name = models.CharField(_("user"), max_length=150, blank=True)
    file_name = models.CharField(_("file"), max_length=255)
    media_type = models.CharField(_("media type"), max_length=150)
    document_type = models.CharField(_("document type"), max_length=100, blank=True)
    object_type = models.CharField(_("object type"), max_length=100, blank=True)
    object_ref = models.CharField(_("object"), max_length=100, blank=True)
    metadata = models.JSONField(_("metadata"), default=dict)
    created_at = models.DateTimeField(_("archived at"), default=timezone.now)

    objects = DmsDocumentQuerySet.as_manager()

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        constraints = [
            models.UniqueConstraint(fields=["series", "version"], name="sending_dmsdocument_version_once"),
        ]
        # Written once and never changed: the console only shows them.
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["client", "-created_at", "-id"], name="dmsdocument_client_list"),
            models.Index(
                fields=["object_ref", "object_type"], condition=~models.Q(object_ref=""), name="dmsdocument_object"
            ),
            models.Index(fields=["file_name"], opclasses=["varchar_pattern_ops"], name="dmsdocument_file_name"),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} v{self.version}"


class DmsFiling(models.Model):
    """Which part of which message a document was archived for: each is filed once, and the same content as the newest
    version is filed there."""

    message_id = models.BigIntegerField()
    part = models.CharField(max_length=10)
    document = models.ForeignKey(DmsDocument, on_delete=models.CASCADE, related_name="filings")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["message_id", "part"], name="sending_dmsfiling_once"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} {self.part}"


class DmsTerm(models.Model):
    """What a document's metadata are found by."""

    document = models.ForeignKey(DmsDocument, on_delete=models.CASCADE, related_name="terms")
    term = models.CharField(max_length=32)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["term", "document"], name="dmsterm_documents")]

    def __str__(self) -> str:
        return self.term

    @classmethod
    def of(cls, document: DmsDocument, metadata: Mapping[str, str]) -> Iterable[Self]:
        """The terms of these metadata, each once."""
        terms = {term_of(value, name) for key, value in metadata.items() for name in ("", key)}
        return (cls(document=document, term=term) for term in sorted(terms))


def series_of(client_id: int | None, *names: str) -> str:
    """What all versions of a document share; ``names`` are its object's type and reference, its type and its file's
    name."""
    return sha256("\0".join((str(client_id), *names)).encode()).hexdigest()[:32]


def series_of_itself(uuid: UUID) -> str:
    """The series of a document that has no other versions."""
    return uuid.hex
