"""A push tells each it reaches once, whatever dies meanwhile, and holds a portion in memory at a time."""

import tracemalloc
from typing import Any

import pytest

from gateway.caller import Caller
from gateway.errors import Code, Refusal
from jobs import queue as job_queue
from jobs import services as job_services
from jobs.context import Context, Stopped, Why
from jobs.models import Job
from jobs.params import NoParams
from jobs.states import Queue
from jobs.states import Status as JobStatus
from sending import pushing
from sending.audiences import Audience
from sending.models import Message, Push, Subscription
from sending.pushing import PushOrder
from tests.factories import make_caller
from tests.jobs.conftest import reread, work

pytestmark = pytest.mark.django_db
HELLO = {"notification": {"alert": "Hello"}}


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "_CHUNK", 10)


def an_order(**overrides: Any) -> PushOrder:
    return PushOrder(**{"content": HELLO, "time_to_live": 60} | overrides)


def subscribe(caller: Caller, count: int) -> None:
    Subscription.objects.bulk_create(
        [Subscription(client_id=caller.client_id) for _ in range(count)], batch_size=1000
    )  # fmt: skip


def job_of(push: Push) -> Job:
    return Job.objects.get(pk=push.job_id)


def begun(push: Push) -> Context[NoParams]:
    """A run of a push's job, as a worker has it."""
    claim, (job,) = job_queue.claim(queue=Queue.QUICK, worker="me", size=1)
    assert job.pk == push.job_id
    return Context(job, claim, NoParams())


def test_each_is_told_once_and_its_job_waits_for_them(caller: Caller) -> None:
    subscribe(caller, 25)
    push = pushing.submit(caller=caller, order=an_order())
    work()
    assert Message.objects.filter(job_id=push.job_id).count() == 25
    assert Message.objects.values("content").distinct().count() == 25
    assert (job_of(push).status, job_of(push).total) == (JobStatus.RUNNING, 25)


class Killed(BaseException):
    """As a SIGKILL: nothing after it is done."""


@pytest.mark.parametrize("at", ["insert", "checkpoint"])
def test_a_run_that_is_killed_goes_on_where_it_was_and_tells_nobody_twice(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    subscribe(caller, 45)
    push = pushing.submit(caller=caller, order=an_order())
    context = begun(push)
    place = (pushing.storing, "insert") if at == "insert" else (Context, "checkpoint")
    real, calls = getattr(*place), []

    def dying(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise Killed
        return real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(*place, dying)
        with pytest.raises(Killed):
            pushing.expand(context, push)
    assert Message.objects.count() == 20
    Job.objects.update(status=JobStatus.NEW, **job_queue.LET_GO)
    work()
    assert Message.objects.count() == Message.objects.values("idempotency_key").distinct().count() == 45
    assert (job_of(push).status, job_of(push).total) == (JobStatus.RUNNING, 45)


def test_a_run_that_was_given_up_writes_no_more(caller: Caller) -> None:
    subscribe(caller, 15)
    push = pushing.submit(caller=caller, order=an_order())
    context = begun(push)
    Job.objects.update(status=JobStatus.CANCELLED, finished_at=reread(context.job).updated_at)
    with pytest.raises(Stopped) as stopped:
        pushing.expand(context, push)
    assert (stopped.value.why, Message.objects.count()) == (Why.LOST, 0)


def test_a_large_audience_is_told_in_several_runs(caller: Caller, settings: Any) -> None:
    subscribe(caller, 35)
    push = pushing.submit(caller=caller, order=an_order())
    settings.HAMMY_WAKE_SECONDS = 0
    context = begun(push)
    runs = 1
    while not pushing.expand(context, push):
        runs += 1
    # Three and a half portions, and one that finds nobody.
    assert runs == 5
    assert Message.objects.count() == 35


def test_run_again_it_tells_those_that_came_since(caller: Caller) -> None:
    subscribe(caller, 3)
    push = pushing.submit(caller=caller, order=an_order())
    work()
    Message.objects.update(status="CANCELLED", held_for="", closed_at=push.created_at)
    job_queue.settle([push.job_id])
    subscribe(caller, 2)
    job_services.set_status(caller=caller, ids=[push.job_id], status="NEW")
    work()
    assert Message.objects.count() == 5
    assert Message.objects.filter(status="ACCEPTED").count() == 2


def test_of_one_occasion_a_subscription_gets_one_push_and_of_another_another(caller: Caller) -> None:
    subscribe(caller, 3)
    parent = job_services.submit(caller=caller, job_class="tests.Nothing")
    _, (job,) = job_queue.claim(queue=Queue.QUICK, worker="me", size=1)
    assert job == parent
    for occasion in ("today", "today", "tomorrow"):
        context: Context[NoParams] = Context(job, job.claim, NoParams())  # type: ignore[arg-type]
        assert pushing.begin(context=context, order=an_order(), occasion=occasion)
    work()
    assert Message.objects.count() == 6


def test_nobody_is_no_push(caller: Caller) -> None:
    with pytest.raises(Refusal) as refused:
        pushing.submit(caller=caller, order=an_order(audience=Audience(tag=("vip",))))
    assert refused.value.problems[0].code == Code.NOT_FOUND
    assert (Push.objects.count(), Job.objects.count()) == (0, 0)


def test_a_request_id_is_taken_once_and_for_one_content() -> None:
    unique = make_caller(request_id_unique=True)
    subscribe(unique, 1)
    first = pushing.submit(caller=unique, order=an_order(request_id="1"))
    assert pushing.submit(caller=unique, order=an_order(request_id="1")) == first
    with pytest.raises(Refusal) as refused:
        pushing.submit(caller=unique, order=an_order(request_id="1", time_to_live=61))
    assert refused.value.problems[0].code == Code.DUPLICATE_REQUEST
    assert (Push.objects.count(), Job.objects.count()) == (1, 1)


def _peak(caller: Caller, count: int) -> int:
    """The most memory that telling so many more takes."""
    subscribe(caller, count - Subscription.objects.count())
    push = pushing.submit(caller=caller, order=an_order())
    context = begun(push)
    tracemalloc.start()
    while not pushing.expand(context, push):
        continue
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert Message.objects.filter(job_id=push.job_id).count() == count
    Job.objects.update(status=JobStatus.CANCELLED, finished_at=push.created_at, **job_queue.LET_GO)
    return peak


@pytest.mark.parametrize("count", [5_000, pytest.param(100_000, marks=[pytest.mark.soak, pytest.mark.timeout(900)])])
def test_memory_does_not_grow_with_the_audience(caller: Caller, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(pushing, "_CHUNK", 1000)
    _peak(caller, 1000)
    few = _peak(caller, 2000)
    assert _peak(caller, count) < 1.3 * few
