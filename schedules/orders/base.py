"""What all kinds of orders have in common."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from gateway.caller import Caller
from gateway.errors import Refusal
from jobs.context import Context
from jobs.registry import Outcome
from schedules.models import Firing


class Order(ABC):
    """One kind of what is done at a schedule's times. ``name`` is the member of ``push`` that tells it; the kind called
    PLAIN is meant where there is none."""

    PLAIN: ClassVar[str] = "to"
    name: ClassVar[str]
    # Whether it may be done on each recipient's own clock.
    has_zones: ClassVar[bool] = False
    # Whether it says what a letter says, which is not for everybody's eyes.
    is_private: ClassVar[bool] = True

    @abstractmethod
    def check(self, caller: Caller, push: Mapping[str, Any], *, is_repeated: bool) -> None:
        """Raise Refusal with all that is wrong with ``push``, its fields named from there. ``is_repeated``: it is done
        more than once."""

    def check_time(self, push: Mapping[str, Any], *, first_at: datetime) -> None:
        """Raise Refusal, its fields named as by ``check``, where each of its times is too late for what it does;
        ``first_at`` is the first that is still to come. ``push`` was checked."""

    @abstractmethod
    def told(self, push: Mapping[str, Any]) -> Mapping[str, str]:
        """What may be shown of ``push`` to who may not read letters, by the contract's names."""

    def reaches_anybody(self, push: Mapping[str, Any], *, client_id: int, zones: Collection[str]) -> bool:
        """Whether somebody is in these zones to whom it would be done."""
        return True

    def count(self, push: Mapping[str, Any], *, client_id: int, most: int) -> int | None:
        """How many it would be done to now, counted up to ``most``; None where that is no question."""
        return None

    def callback_url(self, push: Mapping[str, Any]) -> str:
        """Where the firing's own job is called back to; "" where nobody asks, or a job below it is called back."""
        return ""

    def is_made_at_once(self, firing: Firing) -> bool:
        """Whether it costs no more than rows, which may be made in the transaction that decides about it."""
        return False

    def make_at_once(self, firings: Sequence[Firing]) -> None:
        """Make what these order, and say what was ``made``. Each has its job already, which waits for that; one for
        which nothing can be made is ended here."""

    @abstractmethod
    def begin(self, context: Context[Any], firing: Firing, caller: Caller) -> Outcome:
        """Do it, as the firing's job: once, however often that runs."""


def below(refusal: Refusal, *prefix: str) -> Refusal:
    """The same refusal, its fields seen from further out."""
    return Refusal([problem.at(*prefix) for problem in refusal.problems], retry_after=refusal.retry_after)


def made(firing: Firing, identifier: object) -> None:
    """Keep what came of a firing."""
    Firing.objects.filter(pk=firing.pk).update(made=str(identifier))
