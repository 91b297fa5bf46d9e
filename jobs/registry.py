"""Job classes: each is one file in some app's ``job_classes``, found by its dotted name, with no edit elsewhere."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from inspect import isabstract
from pkgutil import iter_modules
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from django.apps import apps
from django.conf import settings

from gateway.errors import Code, refuse
from jobs.params import JobParams, NoParams
from jobs.states import Queue

if TYPE_CHECKING:
    from gateway.caller import Caller
    from jobs.awaited import Tally
    from jobs.context import Context
    from jobs.models import Job

P = TypeVar("P", bound=JobParams)
# A job that brings its worker down, or finds no database, each time must not do so for ever.
MOST_RUNS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """An outcome: not done yet, run me once more in so many seconds. Spends no attempt."""

    seconds: float
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An outcome: my child jobs and messages go on without me, and I settle with the last of them."""

    reason: str = ""


Outcome = Again | Waiting | None


class JobFailed(Exception):
    """Raised by a job class: it cannot be done, for the reason given; not tried again by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """What follows an unforeseen error: up to ``attempts`` runs in all, after ``first`` seconds doubling to ``cap``."""

    attempts: int = 1
    first: float = 10.0
    cap: float = 3600.0


class JobClass(ABC, Generic[P]):
    """What a job does. ``run`` returns when it is done, or an outcome; it raises JobFailed, or whatever it must.

    ``is_resumable``: it may be run again after its worker died, from the cursor it last gave to ``checkpoint``; only
    such jobs are claimed many at a time. Without it a job whose worker died is FAILED, and a person decides.
    """

    name: ClassVar[str]
    Params: ClassVar[type[JobParams]] = NoParams
    queue: ClassVar[Queue] = Queue.QUICK
    is_resumable: ClassVar[bool] = False
    # Seconds. Quick jobs share their workers with letters: what takes longer belongs to LONG, and says how long.
    time_limit: ClassVar[float] = 60.0
    retry: ClassVar[Retry] = Retry()
    # Whether it knows itself which legs there are: a trigger without legs of its own then takes any.
    has_open_legs: ClassVar[bool] = False
    # Whether it goes on where it stopped when it is run again by hand: what it did must not be done twice.
    goes_on: ClassVar[bool] = False
    # Whether its child jobs are among what its progress counts.
    counts_jobs: ClassVar[bool] = True
    # Parameters that the job itself writes.
    outputs: ClassVar[tuple[str, ...]] = ()

    def concurrency_key(self, params: P) -> str:
        """Two jobs with the same key never run at the same time; "" when they may."""
        return ""

    def verdict(self, job: "Job", tallies: "Sequence[Tally]") -> str:
        """Why a job that waited has failed, now that nothing it waited for is open; "" when it is done. One thing that
        did not end well fails it, unless a class knows better."""
        return verdict(tallies)

    def check(self, caller: "Caller", params: P) -> None:
        """Raise what a job with these parameters is refused for when ``caller`` asks for it, beyond what they say
        themselves; the job asks again when it runs."""

    @abstractmethod
    def run(self, context: "Context[P]") -> Outcome:
        """Do it."""


def verdict(tallies: "Sequence[Tally]") -> str:
    """What a class that does not know better says."""
    return "; ".join(tally.words for tally in tallies if tally.failed)


@cache
def job_classes() -> Mapping[str, JobClass[Any]]:
    """One instance of every job class by its name: those of all apps and of HAMMY_JOB_CLASSES, looked for once."""
    found: dict[str, JobClass[Any]] = {}
    for module in [*_modules_of_apps(), *settings.HAMMY_JOB_CLASSES]:
        for member in vars(import_module(module)).values():
            if isinstance(member, type) and issubclass(member, JobClass) and not isabstract(member):
                found[member.name] = member()
    return MappingProxyType(dict(sorted(found.items())))


def job_class(name: str) -> JobClass[Any]:
    """The class of that name; raises 3002 for one that is unknown here."""
    try:
        return job_classes()[name]
    except KeyError:
        raise refuse(Code.UNUSABLE_NAME, f"{name[:255]} is no job class known here", "job_class") from None


def _modules_of_apps() -> list[str]:
    packages = [f"{app.name}.job_classes" for app in apps.get_app_configs()]
    found = [import_module(name) for name in packages if find_spec(name) is not None]
    return [f"{package.__name__}.{module.name}" for package in found for module in iter_modules(package.__path__)]
