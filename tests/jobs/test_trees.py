"""Jobs below jobs: a parent waits for them, is settled by the last of them, and takes them along when cancelled."""

from typing import Any

import pytest

from gateway.caller import Caller
from jobs import maintenance, queue, services, trees
from jobs.context import Context, Stopped
from jobs.models import Job
from jobs.registry import job_class
from jobs.states import Queue, Status
from tests.jobs.conftest import Submit, reread, story, work

pytestmark = pytest.mark.django_db(transaction=True)


def _family(submit: Submit, child: str = "Careful", legs: str = "1,2") -> tuple[Job, list[Job]]:
    """A parent that waits for its children, which are still to be run."""
    parent = submit("Legs", legIds=legs, CHILD=f"tests.{child}")
    claim, (job,) = queue.claim(queue=Queue.QUICK, worker="me", size=1)
    kind = job_class(job.job_class)
    context: Context[Any] = Context(job, claim, kind.Params(legIds=legs, CHILD=f"tests.{child}"))
    kind.run(context)
    assert queue.wait_for_others([job], "its legs are running", {})
    return reread(parent), list(Job.objects.filter(parent=parent).order_by("id"))


def test_children_belong_to_their_parents_tree_client_and_user(submit: Submit, caller: Caller) -> None:
    parent = submit("Legs", caller=caller, legIds="1", CHILD="tests.Legs")
    work()
    (child,) = Job.objects.filter(parent=parent)
    assert (child.root_id, child.client_id, child.user_name) == (parent.pk, caller.client_id, caller.user_name)


def test_a_parent_waits_and_is_finished_with_its_last_child(submit: Submit) -> None:
    parent, children = _family(submit)
    assert (parent.status, parent.claim, parent.reason) == (Status.RUNNING, None, "its legs are running")
    work()
    parent = reread(parent)
    assert (parent.status, parent.completed, parent.total) == (Status.FINISHED, 2, 2)
    assert story(parent) == ["CREATED", "STARTED", "FINISHED"]
    assert [reread(child).status for child in children] == [Status.FINISHED, Status.FINISHED]


def test_a_parent_fails_when_a_child_did(submit: Submit) -> None:
    parent, _ = _family(submit, child="Fail")
    work()
    parent = reread(parent)
    assert (parent.status, parent.reason) == (Status.FAILED, "2 of 2 child jobs did not finish")
    assert (parent.completed, parent.total) == (0, 2)


def test_a_parent_that_is_run_again_counts_the_children_of_that_run(submit: Submit, house: Caller) -> None:
    parent, (first, _) = _family(submit, child="Fail")
    work()
    assert reread(parent).status == Status.FAILED
    Job.objects.filter(pk=parent.pk).update(params=[["legIds", "1"], ["CHILD", "tests.Careful"]])
    services.set_status(caller=house, ids=[parent.pk], status="NEW")
    work()
    parent = reread(parent)
    assert (parent.status, parent.completed, parent.total) == (Status.FINISHED, 1, 1)
    assert (reread(first).status, Job.objects.filter(parent=parent).count()) == (Status.FAILED, 3)


def test_a_parent_without_children_is_done_at_once(submit: Submit) -> None:
    parent = submit("Legs", legIds="")
    work()
    assert (reread(parent).status, reread(parent).total) == (Status.FINISHED, 0)


def test_a_waiting_job_is_not_rescued_and_a_forgotten_one_is_settled(submit: Submit) -> None:
    parent, _ = _family(submit)
    assert maintenance.rescue() == []
    Job.objects.filter(parent=parent).update(
        status=Status.FINISHED, started_at=parent.created_at, finished_at=parent.created_at
    )
    maintenance.tick()
    assert reread(parent).status == Status.FINISHED


def test_cancelling_takes_the_whole_tree_along(submit: Submit, house: Caller) -> None:
    parent, children = _family(submit, child="Legs")
    grandchild = Job.objects.create(
        job_class="tests.Nothing", parent=children[0], root=parent, queue=Queue.QUICK, params=[]
    )
    other = submit("Nothing")
    services.set_status(caller=house, ids=[parent.pk], status="CANCELLED", reason="not this week")
    assert [reread(job).status for job in (parent, *children, grandchild)] == [Status.CANCELLED] * 4
    assert [reread(job).reason for job in (parent, *children, grandchild)] == ["not this week"] * 4
    assert reread(other).status == Status.NEW


def test_a_run_that_was_cancelled_can_start_no_more_children(submit: Submit, house: Caller) -> None:
    parent = submit("Legs", legIds="1")
    claim, (job,) = queue.claim(queue=Queue.QUICK, worker="me", size=1)
    context: Context[Any] = Context(job, claim, job_class(job.job_class).Params(legIds="1"))
    services.set_status(caller=house, ids=[parent.pk], status="CANCELLED")
    with pytest.raises(Stopped):
        context.start_child("tests.Nothing")
    assert Job.objects.filter(parent=parent).count() == 0


def test_a_waiting_parent_takes_no_more_children(submit: Submit) -> None:
    parent, _ = _family(submit)
    with pytest.raises(services.ParentGone):
        services.submit(caller=Caller.house(), job_class="tests.Nothing", parent=parent)


def test_a_tree_of_more_jobs_than_a_statement_names_is_cancelled(
    submit: Submit, house: Caller, monkeypatch: Any
) -> None:
    monkeypatch.setattr(trees, "_MOST_NAMED", 3)
    parent, children = _family(submit, legs="1,2,3,4,5,6,7,8")
    services.set_status(caller=house, ids=[parent.pk], status="CANCELLED")
    assert {reread(job).status for job in (parent, *children)} == {Status.CANCELLED}


def test_what_lies_below_a_job_is_found_from_any_of_its_branches(submit: Submit) -> None:
    parent, children = _family(submit, child="Legs")
    grandchild = Job.objects.create(
        job_class="tests.Nothing", parent=children[0], root=parent, queue=Queue.QUICK, params=[]
    )
    assert set(trees.below(parent)) == {parent, *children, grandchild}
    assert set(trees.below(reread(children[0]))) == {children[0], grandchild}
    assert set(trees.below(grandchild)) == {grandchild}


def test_r22_a_deep_tree_is_read_in_one_look(submit: Submit, django_assert_num_queries: Any) -> None:
    job = root = submit("Nothing")
    for _ in range(300):
        job = Job.objects.create(job_class="tests.Nothing", parent=job, root=root, queue=Queue.QUICK, params=[])
    with django_assert_num_queries(1):
        assert len(trees.ids_below([root.pk])) == 301
    services.set_status(caller=Caller.house(), ids=[root.pk], status="CANCELLED")
    assert Job.objects.filter(status=Status.CANCELLED).count() == 301
