"""Messages of a span of time, found by ranges of the primary key."""

from datetime import datetime, timedelta

from sending.models import Message
from sending.models.message import MessageQuerySet

# How far a row's id may be out of step with its time: clocks of several machines, and transactions that overlap.
_SLACK = timedelta(hours=6)
# Ids this close together are not told apart: the rows' own times are looked at anyway.
_CLOSE = 1000


def between(messages: MessageQuerySet, since: datetime | None, until: datetime | None) -> MessageQuerySet:
    """Messages accepted in [since, until): ids rise with time, so a few looks at the primary key find the range and
    the busy table needs no further index."""
    if since:
        messages = messages.filter(created_at__gte=since, id__gt=_bracket(since - _SLACK)[0])
    if until:
        messages = messages.filter(created_at__lt=until, id__lt=_bracket(until + _SLACK)[1])
    return messages


def _bracket(moment: datetime) -> tuple[int, int]:
    """Two ids not far apart: messages up to the first were accepted before ``moment``, those from the second on at
    ``moment`` or later. Guesses by proportion take turns with halving, which ends however unevenly messages came."""
    rows = Message.objects.order_by("id").values_list("id", "created_at")
    low, high = rows.first(), rows.last()
    if low is None or high is None or low[1] >= moment:
        return 0, low[0] if low else 0
    if high[1] < moment:
        return high[0], high[0] + 1
    is_guess = True
    while high[0] - low[0] > _CLOSE:
        share = (moment - low[1]) / (high[1] - low[1]) if is_guess else 0.5
        middle = low[0] + max(1, int((high[0] - low[0]) * min(share, 0.999)))
        is_guess = not is_guess
        # Beyond a gap the next row may be the upper one again: then nothing lies between.
        found = rows.filter(id__gte=middle, id__lt=high[0]).first()
        if found is None:
            high = (middle, high[1])
        elif found[1] >= moment:
            high = (middle, found[1])
        else:
            low = found
    return low[0], high[0]
