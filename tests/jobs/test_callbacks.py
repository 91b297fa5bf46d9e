"""The callback parameter, which every job class takes and none hears of; and the kinds of failure that are told."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.caller import Caller
from gateway.errors import Code, Refusal
from jobs import callbacks, queue, services
from jobs.models import Job, Trigger
from jobs.params import merged
from jobs.states import Failure, Status
from tests.jobs.conftest import Submit, reread, work

pytestmark = pytest.mark.django_db
_URL = "https://callback.example/ourjobno/12345"


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Status, Failure | None]]:
    """What listeners are told of moves, as (status, kind of failure)."""
    told: list[tuple[Status, Failure | None]] = []

    def listener(fact: Any) -> None:
        if isinstance(fact, queue.Moved):
            told.append((fact.to, fact.failure))

    monkeypatch.setattr(queue, "_listeners", [listener])
    return told


@pytest.mark.parametrize("key", ["DpfControlCallbackUrl", "dpfcontrolcallbackurl", "DPF_CONTROL_CALLBACK_URL"])
def test_a_class_that_takes_no_parameter_takes_this_one(submit: Submit, key: str) -> None:
    job = submit("Nothing", **{key: _URL})
    work()
    job = reread(job)
    assert (job.status, callbacks.url_of(job.params)) == (Status.FINISHED, _URL)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://169.254.169.254/", "leads to an address that may not be called"),
        ("http://127.0.0.1/", "leads to an address that may not be called"),
        ("http://2130706433/", "the host is an address in an unusual spelling"),
        ("https://user:secret@callback.example/", "must not hold a user or password"),
        ("https://callback.example:22/", "the port must be one of 80, 443, 8080, 8443"),
        ("ftp://callback.example/", "must be a URL as https://host/path"),
        ("callback.example", "must be a URL as https://host/path"),
    ],
)
def test_an_address_that_may_not_be_called_is_refused_and_nothing_is_left(submit: Submit, url: str, words: str) -> None:
    # S1, S2, S5
    with pytest.raises(Refusal) as refused:
        submit("Nothing", Dpf_Control_Callback_Url=url)
    (problem,) = refused.value.problems
    assert (problem.code, problem.field) == (Code.INVALID, ("params", "Dpf_Control_Callback_Url"))
    assert problem.sentence == words
    assert not Job.objects.exists()


def test_two_spellings_are_one_parameter_given_twice(submit: Submit) -> None:
    with pytest.raises(Refusal, match="is given twice, also as DpfControlCallbackUrl"):
        submit("Nothing", DpfControlCallbackUrl=_URL, dpf_control_callback_url=_URL)
    assert not Job.objects.exists()


def test_an_empty_one_asks_for_nothing(submit: Submit) -> None:
    assert callbacks.url_of(submit("Nothing", DpfControlCallbackUrl="").params) == ""


def test_what_a_caller_gives_takes_the_place_of_the_triggers_own_however_it_is_spelt(
    caller: Caller, trigger: Callable[..., Trigger]
) -> None:
    trigger("Nothing", params={"DpfControlCallbackUrl": "https://old.example/"})
    job = services.trigger_job(caller=caller, name="Nothing", params=[("dpf_control_callback_url", _URL)])
    assert job.params == [["dpf_control_callback_url", _URL]]
    assert merged([("A", "1")], [("A", "2")]) == [("A", "2")]


def test_a_job_stored_before_an_address_was_forbidden_still_runs(submit: Submit, settings: Any) -> None:
    settings.HAMMY_OUTBOUND_PORTS = [9999]
    job = submit("Nothing", DpfControlCallbackUrl="https://callback.example:9999/")
    settings.HAMMY_OUTBOUND_PORTS = [443]
    work()
    assert reread(job).status == Status.FINISHED


@pytest.mark.parametrize(
    ("name", "params", "failure"),
    [
        ("Fail", {}, Failure.JOB),
        ("Nothing", {"WRONG": "1"}, Failure.PARAMS),
    ],
)
def test_a_failure_is_told_by_its_kind(
    submit: Submit, ends: list[Any], name: str, params: dict[str, str], failure: Failure
) -> None:
    job = submit(name if not params else "Nothing")
    Job.objects.filter(pk=job.pk).update(params=[list(pair) for pair in params.items()])
    work()
    assert ends == [(Status.FAILED, failure)]


def test_a_class_that_is_gone_is_a_kind_of_its_own(submit: Submit, ends: list[Any]) -> None:
    Job.objects.filter(pk=submit("Nothing").pk).update(job_class="gone.away")
    work()
    assert ends == [(Status.FAILED, Failure.JOB_CLASS)]


def test_what_a_person_closes_and_cancels_is_told_so(submit: Submit, house: Caller, ends: list[Any]) -> None:
    one, other = submit("Nothing"), submit("Nothing")
    queue.claim(queue=queue.Queue.QUICK, worker="w", size=1)
    services.set_status(caller=house, ids=[one.pk], status="FAILED")
    services.set_status(caller=house, ids=[other.pk], status="CANCELLED")
    assert ends == [(Status.FAILED, Failure.CLOSED_BY_HAND), (Status.CANCELLED, Failure.CANCELLED)]
