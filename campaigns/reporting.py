"""What became of a campaign's letters, counted where they lie."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db.models import Count, Q, QuerySet

from campaigns.models import Campaign, CampaignPart, LegRun, SkippedRecipient
from sending.models import Message
from sending.states import Status

_WAITING = (Status.ACCEPTED, Status.HELD, Status.RETRY)


class _Counts(NamedTuple):
    """Letters of one job in one status."""

    letters: int
    suppressed: int
    opened: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One leg's runs together: how many recipients they had, how many were left out for what was wrong with them, and
    how many letters are in each status; ``suppressed`` are among the CANCELLED, ``opened`` among the SENT.
    ``withdrawn`` are those that a cancelling kept from going out: what waits becomes CANCELLED in portions
    (sending.withdrawing)."""

    part: CampaignPart
    runs: Sequence[LegRun]
    recipients: int
    skipped: int
    statuses: Mapping[str, int] = field(default_factory=dict)
    suppressed: int = 0
    opened: int = 0
    withdrawn: int = 0

    @property
    def made(self) -> int:
        return sum(self.statuses.values())

    @property
    def out(self) -> int:
        """Those that went out, or may have."""
        return sum(self.statuses.get(name, 0) for name in (Status.SENT, Status.BOUNCED, Status.UNCERTAIN))


def counting(runs: Iterable[LegRun]) -> list[LegRun]:
    """Of some runs, those of which recipients are counted: the newest of each leg below each of the campaign's jobs. A
    job that was run again wrote to the same people."""
    in_order = sorted(runs, key=lambda run: run.pk)
    return list({(run.part_id, run.run_job_id): run for run in in_order}.values())


def left_out(campaign: Campaign) -> QuerySet[SkippedRecipient]:
    """Whom its runs left out, as its reports count them."""
    runs = counting(LegRun.objects.filter(part__campaign=campaign))
    return SkippedRecipient.objects.filter(run__in=[run.pk for run in runs])


def cancelled(job_ids: Collection[int]) -> dict[int, int]:
    """How many letters of each of these jobs are CANCELLED, without those to suppressed addresses."""
    counts = _counts(job_ids)
    return {job_id: _kept_back(counts.get(job_id, {}), Status.CANCELLED) for job_id in job_ids}


def reports(
    campaign: Campaign,
    *,
    run_job_ids: Collection[int] | None = None,
    cancelled_before: Mapping[int, int] | None = None,
) -> list[Report]:
    """A report for each leg, in order; of all its runs, or of those below some of the campaign's jobs. Of jobs that
    were cancelled just now ``cancelled_before`` has what ``cancelled`` said before."""
    before = cancelled_before or {}
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
        latest = counting(mine)
        statuses: Counter[str] = Counter()
        suppressed = opened = 0
        for run in mine:
            for status, of_status in counts.get(run.job_id, {}).items():
                statuses[status] += of_status.letters
                suppressed += of_status.suppressed
                opened += of_status.opened
        found.append(
            Report(
                part=part,
                runs=mine,
                recipients=sum(run.recipients for run in latest),
                skipped=sum(skipped.get(run.pk, 0) for run in latest),
                statuses=dict(statuses),
                suppressed=suppressed,
                opened=opened,
                withdrawn=sum(
                    _kept_back(counts.get(run.job_id, {}), Status.CANCELLED, *_WAITING) - before[run.job_id]
                    for run in mine
                    if run.job_id in before
                ),
            )
        )
    return found


def _kept_back(counts: Mapping[str, _Counts], *statuses: Status) -> int:
    return sum(counts[status].letters - counts[status].suppressed for status in statuses if status in counts)


def _counts(job_ids: Collection[int]) -> dict[int, dict[str, _Counts]]:
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
    found: dict[int, dict[str, _Counts]] = {}
    for job_id, status, *counts in rows:
        found.setdefault(job_id, {})[status] = _Counts(*counts)
    return found
