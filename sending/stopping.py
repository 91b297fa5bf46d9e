"""Parts of campaigns whose letters wait whatever becomes of them: upper floors say which (values only)."""

from collections.abc import Callable, Iterable
from typing import Any

# The numbers of the parts, as a queryset of one column: it is asked within the statement that looks for letters.
Stopped = Callable[[], Any]
_stopped: list[Stopped] = []


def register(stopped: Stopped) -> None:
    """Have no letter of the parts that ``stopped`` names be taken or released, at whatever moment they were stopped."""
    if stopped not in _stopped:
        _stopped.append(stopped)


def stopped_parts() -> Iterable[Any]:
    """What was registered, asked now."""
    return [stopped() for stopped in _stopped]
