"""Job classes that the tests run: each does one thing that jobs do."""

import time
from pathlib import Path
from typing import Annotated

from django.db import transaction
from pydantic import Field

from jobs.context import Context
from jobs.params import LEGS, JobParams, Moment, NoParams
from jobs.registry import Again, JobClass, JobFailed, Outcome, Retry, Waiting
from jobs.states import Queue


class Nothing(JobClass[NoParams]):
    """Done at once; may be done again."""

    name = "tests.Nothing"
    is_resumable = True

    def run(self, context: Context[NoParams]) -> Outcome:
        return None


class Careful(JobClass[NoParams]):
    """Done at once, and never twice."""

    name = "tests.Careful"

    def run(self, context: Context[NoParams]) -> Outcome:
        return None


class CountParams(JobParams):
    steps: int = Field(alias="STEPS", ge=0, le=100_000_000)
    seconds: float = Field(0.0, alias="SECONDS", ge=0, le=60)
    limit_date: Moment | None = Field(None, alias="LIMIT_DATE")


class Count(JobClass[CountParams]):
    """Counts to STEPS, resting SECONDS at each, and goes on where it was."""

    name = "tests.Count"
    Params = CountParams
    queue = Queue.LONG
    is_resumable = True

    def run(self, context: Context[CountParams]) -> Outcome:
        for step in range(context.cursor or 0, context.params.steps):
            time.sleep(context.params.seconds)
            context.log(f"step {step + 1}")
            context.progress(step + 1, context.params.steps)
            context.checkpoint(cursor=step + 1)
        return None


class CountOnce(Count):
    """The same, but a run whose worker died is not gone on with."""

    name = "tests.CountOnce"
    is_resumable = False


class Alone(Count):
    """Never two at a time."""

    name = "tests.Alone"
    queue = Queue.QUICK

    def concurrency_key(self, params: CountParams) -> str:
        return "tests.Alone"


class Fail(JobClass[NoParams]):
    """Cannot be done."""

    name = "tests.Fail"

    def run(self, context: Context[NoParams]) -> Outcome:
        raise JobFailed("the file is empty")


class Mumble(JobClass[NoParams]):
    """Says what no database can store."""

    name = "tests.Mumble"

    def run(self, context: Context[NoParams]) -> Outcome:
        context.log("no file \udcff\0")
        context.progress(-1, -1)
        raise JobFailed("no file \udcff\0")


class Break(JobClass[NoParams]):
    """Breaks at each of its three runs."""

    name = "tests.Break"
    retry = Retry(attempts=3, first=60.0, cap=90.0)

    def run(self, context: Context[NoParams]) -> Outcome:
        raise ZeroDivisionError("the password is swordfish")


class Later(JobClass[NoParams]):
    """Not yet."""

    name = "tests.Later"

    def run(self, context: Context[NoParams]) -> Outcome:
        return Again(seconds=30, reason="the other side is busy")


class Stepwise(JobClass[CountParams]):
    """Counts to STEPS, one at each run."""

    name = "tests.Stepwise"
    Params = CountParams
    is_resumable = True

    def run(self, context: Context[CountParams]) -> Outcome:
        step = (context.cursor or 0) + 1
        context.checkpoint(cursor=step)
        return Again(seconds=0) if step < context.params.steps else None


class Hung(JobClass[NoParams]):
    """Never comes to a checkpoint."""

    name = "tests.Hung"
    time_limit = 0.5

    def run(self, context: Context[NoParams]) -> Outcome:
        time.sleep(600)
        return None


class Rest(JobClass[CountParams]):
    """Rests SECONDS."""

    name = "tests.Rest"
    Params = CountParams
    is_resumable = True

    def run(self, context: Context[CountParams]) -> Outcome:
        time.sleep(context.params.seconds)
        return None


class Slow(JobClass[NoParams]):
    """Longer than its limit, and polite about it."""

    name = "tests.Slow"
    time_limit = 0.5

    def run(self, context: Context[NoParams]) -> Outcome:
        while True:
            time.sleep(0.01)
            context.checkpoint()


class LegParams(JobParams):
    legs: Annotated[str, Field(alias=LEGS)] = ""
    child: str = Field("tests.Nothing", alias="CHILD")


class Legs(JobClass[LegParams]):
    """One child job per leg."""

    name = "tests.Legs"
    Params = LegParams
    outputs = ("CHILDREN",)

    def run(self, context: Context[LegParams]) -> Outcome:
        legs = [leg for leg in context.params.legs.split(",") if leg]
        children = [context.start_child(context.params.child) for _ in legs]
        context.set_output("CHILDREN", str(len(children)))
        return Waiting(reason="its legs are running")


class ErrandParams(JobParams):
    child: str = Field("tests.Careful", alias="CHILD")
    counted: int | None = Field(None, alias="COUNTED", ge=0)


class Errand(JobClass[ErrandParams]):
    """Has one child and waits for it; run by another once its worker died, it goes on waiting for the same."""

    name = "tests.Errand"
    Params = ErrandParams
    is_resumable = True

    def run(self, context: Context[ErrandParams]) -> Outcome:
        if context.cursor is None:
            with transaction.atomic():
                context.checkpoint(cursor=context.start_child(context.params.child).pk)
        if context.params.counted is not None:
            context.progress(context.params.counted, 10)
        context.log("on its errand")
        return Waiting(reason="its errand is running")


class TracedParams(CountParams):
    file: str = Field(alias="FILE")


class Traced(JobClass[TracedParams]):
    """Counts like Count and writes a line of each step to FILE, before it counts it: ``job attempt step``."""

    name = "tests.Traced"
    Params = TracedParams
    queue = Queue.LONG
    is_resumable = True

    def run(self, context: Context[TracedParams]) -> Outcome:
        for step in range(context.cursor or 0, context.params.steps):
            with Path(context.params.file).open("a") as file:
                file.write(f"{context.job.pk} {context.job.attempts} {step}\n")
            time.sleep(context.params.seconds)
            context.checkpoint(cursor=step + 1)
        return None


class TracedOnce(Traced):
    """The same, but a run whose worker died is not gone on with."""

    name = "tests.TracedOnce"
    is_resumable = False
