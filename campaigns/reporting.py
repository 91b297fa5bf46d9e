"""What became of a campaign's letters, counted where they lie."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Count, Q

from campaigns.models import Campaign, CampaignPart, LegRun, SkippedRecipient
from sending.models import Message
from sending.states import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One leg's runs together: how many recipients they had, how many were left out for what was wrong with them, and
    how many letters are in each status; ``suppressed`` are among the CANCELLED, ``opened`` among the SENT."""

    part: CampaignPart
    runs: Sequence[LegRun]
    recipients: int
    skipped: int
    statuses: Mapping[str, int] = field(default_factory=dict)
    suppressed: int = 0
    opened: int = 0

    @property
    def made(self) -> int:
        return sum(self.statuses.values())

    @property
    def out(self) -> int:
        """Those that went out, or may have."""
        return sum(self.statuses.get(name, 0) for name in (Status.SENT, Status.BOUNCED, Status.UNCERTAIN))


def reports(campaign: Campaign, *, run_job_ids: Sequence[int] | None = None) -> list[Report]:
    """A report for each leg, in order; of all its runs, or of those below some of the campaign's jobs."""
    chosen = LegRun.objects.filter(part__campaign=campaign)
    if run_job_ids is not None:
        chosen = chosen.filter(run_job_id__in=run_job_ids)
    runs = list(chosen.order_by("id"))
    counts = _counts([run.job_id for run in runs])
    skipped = dict(
        SkippedRecipient.objects.filter(run__in=runs).order_by().values_list("run").annotate(count=Count("id"))
    )
    found = []
    for part in campaign.parts.select_related("group").order_by("id"):
        mine = [run for run in runs if run.part_id == part.pk]
        # A campaign's job that was run again wrote to the same people.
        latest = {run.run_job_id: run for run in mine}.values()
        statuses: Counter[str] = Counter()
        suppressed = opened = 0
        for run in mine:
            for status, (count, of_suppressed, of_opened) in counts.get(run.job_id, {}).items():
                statuses[status] += count
                suppressed += of_suppressed
                opened += of_opened
        found.append(
            Report(
                part=part,
                runs=mine,
                recipients=sum(run.recipients for run in latest),
                skipped=sum(skipped.get(run.pk, 0) for run in latest),
                statuses=dict(statuses),
                suppressed=suppressed,
                opened=opened,
            )
        )
    return found


def _counts(job_ids: Sequence[int]) -> dict[int, dict[str, tuple[int, int, int]]]:
    suppressed = Q(status=Status.CANCELLED, reason__startswith="the recipient is suppressed")
    rows = (
        Message.objects.filter(job_id__in=job_ids, job_id__isnull=False)
        .order_by()
        .values_list("job_id", "status")
        .annotate(
            count=Count("id"),
            suppressed=Count("id", filter=suppressed),
            opened=Count("id", filter=Q(opened_at__isnull=False)),
        )
    )
    found: dict[int, dict[str, tuple[int, int, int]]] = {}
    for job_id, status, count, of_suppressed, of_opened in rows:
        found.setdefault(job_id, {})[status] = (count, of_suppressed, of_opened)
    return found
