"""One run of a job class, and the facts of its life (contract job_v1, "Job")."""

from datetime import datetime
from typing import Self
from uuid import UUID, uuid4

from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import RawSQL
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gateway.caller import Caller
from jobs.states import FINAL, OPEN, Queue, Status

_FINAL = sorted(FINAL)
_OPEN = sorted(OPEN)
_OPEN_LITERALLY = [RawSQL(f"'{status}'", ()) for status in _OPEN]  # noqa: S611 (ours, not somebody's)
# Whether anybody may be doing something for it: what was cancelled goes on until its run hears of it.
_AT_WORK = Q(status=Status.RUNNING) | Q(claim__isnull=False)
# SQLite takes a partial index only where it reads the index's own condition, and it reads no parameters.
_AT_WORK_LITERALLY = Q(status=RawSQL(f"'{Status.RUNNING}'", ())) | Q(claim__isnull=False)  # noqa: S611 (see above)
_RUNNING_LITERALLY = RawSQL(f"'{Status.RUNNING}'", ())  # noqa: S611 (see above)
_KEYED_LITERALLY = ~Q(concurrency_key=RawSQL("''", ()))
# In which a claim is taken.
WORK_ORDER = ("due_at", "id")


class JobQuerySet(models.QuerySet["Job"]):
    """Jobs by who may see them and where they stand."""

    def visible_to(self, caller: Caller) -> Self:
        """The caller's own, or all for who may see all; the house's own jobs have no client."""
        return self if caller.sees_all else self.filter(client_id=caller.client_id)

    def due(self, queue: str, now: datetime) -> Self:
        """What a worker may take now, the longest due first; none whose like is at work."""
        like = Job.objects.filter(
            _AT_WORK_LITERALLY, _KEYED_LITERALLY, concurrency_key=models.OuterRef("concurrency_key")
        )
        return self.filter(
            Q(concurrency_key="") | ~models.Exists(like), status=Status.NEW, claim=None, queue=queue, due_at__lte=now
        ).order_by(*WORK_ORDER)

    def claimed(self) -> Self:
        """What some worker is at, be it only until its next checkpoint."""
        return self.filter(claim__isnull=False)

    def held_by(self, claim: UUID) -> Self:
        """What a run may still speak for."""
        return self.filter(claim=claim, status=Status.RUNNING)

    def waiting(self) -> Self:
        """What goes on when others are done: child jobs, messages."""
        return self.filter(status=_RUNNING_LITERALLY, claim__isnull=True)

    def open(self) -> Self:
        """What has not come to its end."""
        return self.filter(status__in=_OPEN_LITERALLY)

    def of_tree(self, job: "Job") -> Self:
        """The whole tree that a job stands in, itself included."""
        root_id = job.root_id or job.pk
        return self.filter(Q(pk=root_id) | Q(root_id=root_id))


class Job(models.Model):
    """``params`` are [key, value] pairs in order. ``claim`` names the run that is at it, and may speak for it while it
    is RUNNING; a job that was cancelled or closed keeps it until that run has heard and let go. ``cursor`` is where a
    resumed run goes on. A root has neither root nor parent; trees are purged whole (jobs.maintenance).
    """

    uuid = models.UUIDField(_("UUID"), default=uuid4, unique=True, editable=False)
    job_class = models.CharField(_("job class"), max_length=255)
    queue = models.CharField(_("queue"), max_length=20, default=Queue.QUICK)
    status = models.CharField(_("status"), max_length=20, default=Status.NEW)
    reason = models.TextField(_("reason"), blank=True)
    params = models.JSONField(_("parameters"), default=list, blank=True)
    total = models.PositiveBigIntegerField(_("total"), null=True, blank=True)
    completed = models.PositiveBigIntegerField(_("completed"), null=True, blank=True)
    client = models.ForeignKey(
        "gateway.ApiClient", verbose_name=_("client"), on_delete=models.PROTECT, null=True, blank=True,
        db_index=False, db_constraint=False, related_name="+",
    )  # fmt: skip
    user_name = models.CharField(_("user"), max_length=150, blank=True)
    trigger = models.ForeignKey(
        "jobs.Trigger", verbose_name=_("trigger"), on_delete=models.SET_NULL, null=True, blank=True,
        db_index=False, related_name="jobs",
    )  # fmt: skip
    root = models.ForeignKey(
        "self", verbose_name=_("root job"), on_delete=models.DO_NOTHING, null=True, blank=True,
        db_index=False, related_name="+",
    )  # fmt: skip
    parent = models.ForeignKey(
        "self", verbose_name=_("parent job"), on_delete=models.DO_NOTHING, null=True, blank=True,
        db_index=False, related_name="children",
    )  # fmt: skip
    concurrency_key = models.CharField(_("never beside"), max_length=255, blank=True)
    # Counts how often it was run again by hand; its children know in which of these lives they were started.
    life = models.PositiveIntegerField(default=0, editable=False)
    parent_life = models.PositiveIntegerField(default=0, editable=False)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    # Since it last moved on: one that brings its worker down at the same place each time is given up.
    vain_runs = models.PositiveIntegerField(default=0, editable=False)
    claim = models.UUIDField(null=True, editable=False)
    worker = models.CharField(_("worker"), max_length=300, blank=True)
    heartbeat_at = models.DateTimeField(_("heartbeat"), null=True, blank=True)
    # When somebody first found the heartbeat too old; the next heartbeat forgets it.
    suspected_at = models.DateTimeField(null=True, editable=False)
    cursor = models.JSONField(_("cursor"), null=True, blank=True)
    due_at = models.DateTimeField(_("due at"), default=timezone.now)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    # When the first of its messages was handed to a channel, in this life.
    sending_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now)

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        permissions = [("operate_job", _("Can start, cancel, repeat and close jobs"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=_FINAL, finished_at__isnull=False)
                | (~Q(status__in=_FINAL) & Q(finished_at__isnull=True)),
                name="jobs_job_finished_at_when_final",
            ),
            models.CheckConstraint(
                condition=Q(completed__isnull=True) | Q(total__isnull=True) | Q(completed__lte=F("total")),
                name="jobs_job_completed_within_total",
            ),
            models.CheckConstraint(
                condition=Q(claim__isnull=True, heartbeat_at__isnull=True)
                | Q(claim__isnull=False, heartbeat_at__isnull=False),
                name="jobs_job_heartbeat_with_claim",
            ),
            models.CheckConstraint(
                condition=Q(status=Status.NEW) | Q(status=Status.CANCELLED) | Q(started_at__isnull=False),
                name="jobs_job_started_at_when_run",
            ),
            models.CheckConstraint(
                condition=Q(root__isnull=True, parent__isnull=True) | Q(root__isnull=False, parent__isnull=False),
                name="jobs_job_parent_with_root",
            ),
            models.UniqueConstraint(
                fields=["concurrency_key"],
                condition=_AT_WORK & ~Q(concurrency_key=""),
                name="jobs_job_never_beside_its_like",
            ),
        ]
        indexes = [
            models.Index(fields=["queue", "due_at", "id"], condition=Q(status=Status.NEW), name="job_due"),
            models.Index(fields=["claim"], condition=Q(claim__isnull=False), name="job_claimed"),
            models.Index(fields=["trigger", "id"], condition=Q(status__in=_OPEN), name="job_open_of_trigger"),
            models.Index(
                fields=["trigger", "-created_at", "-id"],
                condition=Q(trigger__isnull=False),
                name="job_trigger_list",
            ),
            models.Index(fields=["root", "created_at", "id"], condition=Q(root__isnull=False), name="job_tree"),
            models.Index(fields=["parent", "id"], condition=Q(parent__isnull=False), name="job_children"),
            models.Index(
                fields=["parent"], condition=Q(parent__isnull=False, status__in=_OPEN), name="job_open_children"
            ),
            models.Index(fields=["-created_at", "-id"], name="job_list"),
            models.Index(
                fields=["client", "-created_at", "-id"], condition=Q(client__isnull=False), name="job_client_list"
            ),
            # With the status, so that a class's jobs of one status are counted in the index alone.
            models.Index(fields=["job_class", "-created_at", "-id"], include=["status"], name="job_class_list"),
            models.Index(
                fields=["status", "-created_at", "-id"],
                condition=~Q(status=Status.FINISHED),
                name="job_not_finished_list",
            ),
            models.Index(
                fields=["id"], condition=Q(status=Status.RUNNING, claim__isnull=True), name="job_waiting"
            ),
            models.Index(fields=["finished_at"], condition=Q(finished_at__isnull=False), name="job_retention"),
        ]  # fmt: skip

    def __str__(self) -> str:
        # By its own name; the packages before it are the same for nearly all.
        return f"{self.pk} {self.job_class.rpartition('.')[2]}"


class JobEvent(models.Model):
    """A fact in the life of a job. The database does not check its job: events are written with their job's own move,
    and purged with it."""

    uuid = models.UUIDField(default=uuid4, editable=False)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events", db_index=False, db_constraint=False)
    created_at = models.DateTimeField(_("time"), default=timezone.now)
    name = models.CharField(_("event"), max_length=20)
    reason = models.TextField(_("reason"), blank=True)
    actor = models.CharField(_("by"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["id"]
        indexes = [models.Index(fields=["job", "id"], name="event_of_job")]

    def __str__(self) -> str:
        return f"{self.job_id} {self.name}"


class JobLogLine(models.Model):
    """What a job's run had to say; bounded by the run's context."""

    job = models.ForeignKey(
        Job, on_delete=models.CASCADE, related_name="log_lines", db_index=False, db_constraint=False
    )
    created_at = models.DateTimeField(_("time"), default=timezone.now)
    text = models.TextField(_("text"))

    class Meta:
        verbose_name = _("log line")
        verbose_name_plural = _("log")
        ordering = ["id"]
        indexes = [models.Index(fields=["job", "id"], name="log_of_job")]

    def __str__(self) -> str:
        return self.text
