"""Submitting, triggering and setting the status of jobs, whoever asks."""

from collections.abc import Callable
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from gateway.caller import Caller
from gateway.errors import Code, Refusal
from jobs import services
from jobs.models import Job, JobEvent, Trigger
from jobs.states import BY_HAND, FINAL, Status
from tests.factories import make_caller, make_client
from tests.jobs.conftest import Submit, reread, story

pytestmark = pytest.mark.django_db


def _at(job: Job, status: Status) -> Job:
    """The job, brought to a status without its story."""
    now = timezone.now()
    Job.objects.filter(pk=job.pk).update(
        status=status, started_at=now, finished_at=now if status in FINAL else None, updated_at=job.created_at
    )
    return reread(job)


def test_a_submitted_job_is_new_known_by_its_event_and_its_worker_is_woken(
    submit: Submit, wakes: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        job = reread(submit("Count", STEPS="3", SECONDS="0"))
    assert (job.status, job.queue, job.params) == (Status.NEW, "long", [["STEPS", "3"], ["SECONDS", "0"]])
    assert [(event.name, event.actor) for event in job.events.all()] == [("CREATED", "anna")]
    assert (job.root_id, job.parent_id, job.client_id, job.attempts) == (None, None, None, 0)
    assert wakes == [("jobs.tasks.run", "long")]


def test_an_unknown_class_is_refused_and_nothing_is_left(house: Caller) -> None:
    with pytest.raises(Refusal, match="tests.Nobody is no job class known here") as refused:
        services.submit(caller=house, job_class="tests.Nobody")
    assert refused.value.code == Code.UNUSABLE_NAME
    assert (Job.objects.count(), JobEvent.objects.count()) == (0, 0)


def test_bad_parameters_are_refused_when_submitted_not_when_run(submit: Submit) -> None:
    with pytest.raises(Refusal, match="params.STEPS: input should be a valid integer"):
        submit("Count", STEPS="many")
    assert Job.objects.count() == 0


def test_a_trigger_starts_its_job_with_its_own_and_the_given_parameters(
    trigger: Callable[..., Trigger], caller: Caller
) -> None:
    made = trigger("Count", params={"STEPS": "1", "SECONDS": "0"})
    job = services.trigger_job(caller=caller, name="Count", params=[("STEPS", "7")])
    assert job.params == [["STEPS", "7"], ["SECONDS", "0"]]
    assert (job.trigger_id, job.client_id) == (made.pk, caller.client_id)


@pytest.mark.parametrize(
    ("legs", "expected"), [([], "north,south,west"), (["west", "north"], "north,west"), (["south"], "south")]
)
def test_a_trigger_runs_all_its_legs_or_those_named(
    trigger: Callable[..., Trigger], caller: Caller, legs: list[str], expected: str
) -> None:
    trigger("Legs", legs=["north", "south", "west"])
    job = services.trigger_job(caller=caller, name="Legs", leg_ids=legs)
    assert job.params == [["legIds", expected]]


@pytest.mark.parametrize(
    ("name", "legs", "said"),
    [
        ("Legs", ["east"], "leg_ids: east: must be among north, south"),
        ("Count", ["north"], "leg_ids: the trigger Count has no legs"),
    ],
)
def test_legs_that_a_trigger_does_not_have_are_refused(
    trigger: Callable[..., Trigger], caller: Caller, name: str, legs: list[str], said: str
) -> None:
    trigger("Legs", legs=["north", "south"])
    trigger("Count", params={"STEPS": "1"})
    with pytest.raises(Refusal) as refused:
        services.trigger_job(caller=caller, name=name, leg_ids=legs)
    assert str(refused.value) == said
    assert Job.objects.count() == 0


def test_unknown_disabled_and_foreign_triggers_are_refused(
    trigger: Callable[..., Trigger], caller: Caller, stranger: Caller
) -> None:
    trigger("Nothing", is_enabled=False)
    trigger("Careful").clients.set([caller.client_id])
    trigger("Fail")

    def refused(name: str, by: Caller) -> tuple[int, str]:
        with pytest.raises(Refusal) as found:
            services.trigger_job(caller=by, name=name)
        problem = found.value.problems[0]
        return problem.http_status, problem.detail

    assert refused("nobody", caller) == (404, "name: nobody is no trigger")
    assert refused("", caller) == (400, "name: required")
    assert refused("a\0b", caller) == (404, "name: a\0b is no trigger")
    assert refused("Nothing", caller) == (409, "name: the trigger Nothing is disabled")
    assert refused("Careful", stranger) == (404, "name: Careful is no trigger")
    assert Job.objects.count() == 0
    assert services.trigger_job(caller=caller, name="Careful").job_class == "tests.Careful"
    assert services.trigger_job(caller=stranger, name="Fail").job_class == "tests.Fail"


def test_running_jobs_needs_its_right(trigger: Callable[..., Trigger], submit: Submit) -> None:
    trigger("Nothing")
    reader = make_caller(rights=["jobs.read"])
    for attempt in (
        lambda: services.trigger_job(caller=reader, name="Nothing"),
        lambda: services.set_status(caller=reader, ids=[submit("Nothing").pk], status="CANCELLED"),
    ):
        with pytest.raises(Refusal, match="the client lacks the right jobs.run"):
            attempt()
    with pytest.raises(Refusal, match="the client lacks the right jobs.read"):
        services.find(make_caller(rights=["jobs.run"]), submit("Nothing").pk)


@pytest.mark.parametrize(("origin", "target"), list(product(Status, Status)), ids="-".join)
def test_r20_every_change_by_hand_is_allowed_or_refused_as_the_table_says(
    submit: Submit, house: Caller, origin: Status, target: Status
) -> None:
    job = _at(submit("Nothing"), origin)
    if origin == target:
        (same,) = services.set_status(caller=house, ids=[job.pk], status=target)
        assert (same.status, story(same)) == (origin, ["CREATED"])
        assert same.updated_at > job.updated_at
    elif origin in BY_HAND.get(target, frozenset()):
        (moved,) = services.set_status(caller=house, ids=[job.uuid], status=target, reason="because")
        assert moved.status == target
        assert story(moved) == ["CREATED", "RETRIED" if target == Status.NEW else target]
        assert (moved.finished_at is not None) == (target in FINAL)
    else:
        with pytest.raises(Refusal, match=f"cannot become {target}: job {job.pk} is {origin}") as refused:
            services.set_status(caller=house, ids=[job.pk], status=target)
        assert refused.value.code == Code.STATE_CONFLICT
        assert reread(job).updated_at == job.updated_at


def test_r20_one_bad_id_among_many_changes_nothing(submit: Submit, house: Caller) -> None:
    jobs = [submit("Nothing") for _ in range(3)]
    done = _at(jobs[1], Status.FINISHED)
    ghost = uuid4()
    for ids, said in (
        ([job.pk for job in jobs], f"cannot become CANCELLED: job {done.pk} is FINISHED"),
        ([jobs[0].pk, 999_999, ghost], f"job 999999, {ghost} not found"),
    ):
        with pytest.raises(Refusal) as refused:
            services.set_status(caller=house, ids=ids, status="CANCELLED")
        assert str(refused.value) == said
    assert [reread(job).status for job in jobs] == [Status.NEW, Status.FINISHED, Status.NEW]
    assert JobEvent.objects.exclude(name="CREATED").count() == 0


def test_jobs_come_back_in_the_order_asked_for_each_once(submit: Submit, house: Caller) -> None:
    first, second = submit("Nothing"), submit("Nothing")
    jobs = services.set_status(caller=house, ids=[second.uuid, first.pk, second.pk], status="CANCELLED")
    assert [job.pk for job in jobs] == [second.pk, first.pk]


def test_an_order_without_jobs_or_with_an_unknown_status_is_told_both(house: Caller) -> None:
    with pytest.raises(Refusal) as refused:
        services.set_status(caller=house, ids=[], status="DONE", reason="x" * 1001)
    assert [(problem.code, problem.detail) for problem in refused.value.problems] == [
        (Code.REQUIRED, "ids: required"),
        (Code.INVALID, "status: must be one of NEW, RUNNING, FINISHED, FAILED, CANCELLED"),
        (Code.INVALID, "reason: must be one line of at most 1000 printable characters"),
    ]


@pytest.mark.parametrize("reason", ["\x1b[2J", "well\n2026-11-29 FINISHED", "\u202eknow", "a\0b"])
def test_a_reason_that_could_forge_a_line_is_refused(submit: Submit, house: Caller, reason: str) -> None:
    job = submit("Nothing")
    with pytest.raises(Refusal, match="reason: must be one line"):
        services.set_status(caller=house, ids=[job.pk], status="CANCELLED", reason=reason)
    assert reread(job).status == Status.NEW


def test_a_parameter_given_twice_is_refused_though_the_trigger_has_it_too(
    trigger: Callable[..., Trigger], caller: Caller
) -> None:
    trigger("Count", params={"STEPS": "1"})
    with pytest.raises(Refusal, match="params.STEPS: is given twice"):
        services.trigger_job(caller=caller, name="Count", params=[("STEPS", "1"), ("STEPS", "3")])
    assert Job.objects.count() == 0


def test_closing_by_hand_says_so(submit: Submit, house: Caller) -> None:
    job = _at(submit("Nothing"), Status.RUNNING)
    services.set_status(caller=house, ids=[job.pk], status="FINISHED", reason="done on paper")
    last = job.events.last()
    assert last is not None
    assert (last.name, last.reason, last.actor) == ("FINISHED", "closed by hand: done on paper", "anna")


def test_running_again_begins_from_the_start(submit: Submit, house: Caller) -> None:
    job = _at(submit("Count", STEPS="9"), Status.FAILED)
    Job.objects.filter(pk=job.pk).update(cursor=4, completed=4, total=9, attempts=3)
    (again,) = services.set_status(caller=house, ids=[job.pk], status="NEW")
    assert (again.cursor, again.completed, again.total, again.attempts, again.started_at) == (None, None, None, 0, None)
    assert again.due_at >= job.due_at


def test_a_stranger_finds_and_changes_nothing_of_anothers(submit: Submit, caller: Caller, stranger: Caller) -> None:
    job = submit("Nothing", caller=caller)
    own_house = submit("Nothing")
    for name in (job.pk, job.uuid, own_house.pk):
        with pytest.raises(Refusal, match=f"job {name} not found"):
            services.find(stranger, name)
        with pytest.raises(Refusal, match=f"job {name} not found"):
            services.set_status(caller=stranger, ids=[name], status="CANCELLED")
    assert reread(job).status == Status.NEW
    assert services.find(caller, job.uuid) == job
    assert services.find(make_caller(rights=["jobs.read", "see_all"]), own_house.pk) == own_house


def test_a_client_may_be_named_by_many_triggers(trigger: Callable[..., Trigger]) -> None:
    owner, _ = make_client()
    trigger("Nothing").clients.set([owner.pk])
    trigger("Careful").clients.set([owner.pk])
    seen = Trigger.objects.visible_to(Caller(client_id=owner.pk))
    assert [found.name for found in seen.filter(job_class__startswith="tests.")] == ["Careful", "Nothing"]
