"""Finding deliveries by what people have at hand, over indexes only."""

from uuid import UUID

from django.db.models import Q

from gateway.console.filters import number_in
from jobs.models import Job
from notifications.models import Event
from notifications.models.delivery import DeliveryQuerySet

_MOST = 1000


def find(deliveries: DeliveryQuerySet, words: str) -> DeliveryQuerySet:
    """The delivery of this number or webhook-id, and those of the job with this number or UUID; all of them when there
    are no words."""
    words = words.strip().replace("\x00", "")
    if not words:
        return deliveries
    conditions, number = [], number_in(words)
    try:
        uuid = UUID(words.removeprefix("msg_"))
    except ValueError:
        uuid = None
    if uuid is not None:
        conditions.append(Q(uuid=uuid))
        number = Job.objects.filter(uuid=uuid).values_list("id", flat=True).first()
    elif number is not None:
        conditions.append(Q(pk=number))
    if number is not None:
        events = list(Event.objects.filter(job_id=number).values_list("id", flat=True))
        conditions.append(Q(event__in=events))
    # One OR over several indexes tempts planners into reading the whole table.
    found: set[int] = set()
    for condition in conditions:
        found.update(deliveries.filter(condition).order_by().values_list("id", flat=True)[:_MOST])
    return deliveries.filter(pk__in=found)
