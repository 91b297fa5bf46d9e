"""How many subscriptions a client may hold (setting HAMMY_SUBSCRIPTIONS_PER_CLIENT).

A million rows are not counted for each that is added: their number is kept in Django's cache, where it goes along with
what the client's callers add and remove. They are counted anew every ten minutes, by one process, and before somebody
is refused, at most once in ten seconds. Those that are added meanwhile may pass the limit by a few.
"""

from contextlib import suppress

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError

from gateway.errors import Code, Refusal, refuse
from sending.models import Subscription

_KEPT_SECONDS = 600
_ALONE_SECONDS = 10


def is_reached(*, client_id: int) -> bool:
    """Whether the client has as many as it may. It may have to count, so it is asked outside any transaction: on SQLite
    nobody else could write meanwhile. A cache that is down limits nobody, as it does with requests."""
    most, key = settings.HAMMY_SUBSCRIPTIONS_PER_CLIENT, _key(client_id)
    try:
        known: int | None = cache.get(key)
        why = "unknown" if known is None else "full" if known >= most else ""
        # Push services and people may have made room.
        if why and cache.add(f"{key}.{why}", True, timeout=_ALONE_SECONDS):
            known = Subscription.objects.standing().filter(client_id=client_id).count()
            cache.set(key, known, timeout=_KEPT_SECONDS)
    except DatabaseError:
        raise
    except Exception:
        return False
    return known is not None and known >= most


def refusal() -> Refusal:
    """1002, for one more than the client may have."""
    most = settings.HAMMY_SUBSCRIPTIONS_PER_CLIENT
    return refuse(Code.INVALID, f"there are {most} devices already, and no more may be; remove some first")


def changed(*, client_id: int, by: int) -> None:
    """So many were added, or removed where it is less than none."""
    # ValueError: none is kept, and the next count knows.
    with suppress(Exception):
        cache.incr(_key(client_id), by)


def _key(client_id: int) -> str:
    return f"sending.subscriptions.{client_id}"
