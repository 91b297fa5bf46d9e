"""Print runs: which letters go to the print house together."""

from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sending.states import BatchStatus


class PrintBatchQuerySet(models.QuerySet["PrintBatch"]):
    """Batches by where they stand."""

    def open(self) -> Self:
        """The one that takes letters."""
        return self.filter(status=BatchStatus.OPEN)

    def closing(self) -> Self:
        """What takes no more letters, and waits for those in workers' hands."""
        return self.filter(status=BatchStatus.CLOSING)

    def unwritten(self) -> Self:
        """What is closed, and its manifest not written yet."""
        return self.filter(status=BatchStatus.CLOSED, handed_over_at=None)


class PrintBatch(models.Model):
    """One print run, called ``2026-11-29/000017`` after the day in the site's zone and its number on that day; so is
    its folder in the spool. ``letters`` and the other sums are those of its manifest."""

    day = models.DateField(_("day"))
    number = models.PositiveIntegerField(_("number"))
    status = models.CharField(_("status"), max_length=20, default=BatchStatus.OPEN)
    reason = models.TextField(_("reason"), blank=True)
    opened_at = models.DateTimeField(_("opened at"), default=timezone.now)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    # Its manifest is in the spool: the print house may take it.
    handed_over_at = models.DateTimeField(_("handed over at"), null=True, blank=True)
    letters = models.PositiveIntegerField(_("letters"), default=0)
    pages = models.PositiveIntegerField(_("pages"), default=0)
    sheets = models.PositiveIntegerField(_("sheets"), default=0)

    objects = PrintBatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("print batch")
        verbose_name_plural = _("print batches")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["day", "number"], name="sending_printbatch_number_once_a_day"),
            models.UniqueConstraint(
                fields=["status"], condition=models.Q(status=BatchStatus.OPEN), name="sending_printbatch_one_open"
            ),
            models.CheckConstraint(
                condition=models.Q(status=BatchStatus.CLOSED, closed_at__isnull=False)
                | (~models.Q(status=BatchStatus.CLOSED) & models.Q(closed_at=None, handed_over_at=None)),
                name="sending_printbatch_closed_at_when_closed",
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=models.Q(handed_over_at__isnull=True),
                name="printbatch_not_handed_over",
            )
        ]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}/{self.number:06d}"


class PrintItem(models.Model):
    """A letter's place in a print run: at most one at a time, moved on when its run closes without it."""

    message = models.OneToOneField(
        "sending.Message",
        verbose_name=_("message"),
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="print_item",
    )
    batch = models.ForeignKey(
        PrintBatch, verbose_name=_("print batch"), on_delete=models.PROTECT, related_name="items", db_index=False
    )

    class Meta:
        verbose_name = _("printed letter")
        verbose_name_plural = _("printed letters")
        ordering = ["message"]
        indexes = [models.Index(fields=["batch", "message"], name="printitem_of_batch")]

    def __str__(self) -> str:
        return f"{self.message_id} in {self.batch_id}"
