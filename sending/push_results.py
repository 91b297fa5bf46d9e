"""What became of a push: of how many it told, and why others were not."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count

from sending.models import Message, Push, Subscription
from sending.states import Status

# Of so many failures it is looked up why.
MOST_FAILED = 10_000
_REASONS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """``statuses`` counts its messages. Of the first ``MOST_FAILED`` that failed, ``gone`` are those whose browsers are
    there no more, and ``reasons`` the most frequent words with their counts."""

    statuses: Mapping[str, int]
    gone: int
    reasons: Sequence[tuple[str, int]]

    @property
    def told(self) -> int:
        """How many browsers there were to tell, so far."""
        return sum(self.statuses.values())

    @property
    def is_cut(self) -> bool:
        """Whether there are more failures than were looked at."""
        return self.statuses.get(Status.FAILED, 0) > MOST_FAILED


def of(push: Push) -> Results:
    """Counted in the index of its job; only failures are looked at."""
    mine = Message.objects.filter(job_id=push.job_id, job_id__isnull=False).order_by()
    statuses = dict(mine.values_list("status").annotate(count=Count("id")))
    failed = mine.filter(status=Status.FAILED) if statuses.get(Status.FAILED) else mine.none()
    rows = list(failed.values_list("reason", "content__subscription_id")[:MOST_FAILED])
    ids = {subscription_id for _reason, subscription_id in rows}
    standing = Subscription.objects.standing().filter(pk__in=ids).count() if ids else 0
    return Results(
        statuses=statuses,
        gone=len(ids) - standing,
        reasons=Counter(reason for reason, _subscription_id in rows).most_common(_REASONS),
    )
