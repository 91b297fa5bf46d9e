"""What the tests of notifications share."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone

from gateway.caller import Caller
from jobs import queue, services
from jobs.models import Job
from jobs.states import Status
from notifications import delivery
from notifications import services as notification_services
from notifications.models import Registration
from notifications.services import Wish
from sending.models import Message
from tests.fakes.receiver import Receiver


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """A receiver that we may call."""
    with Receiver() as one:
        settings.HAMMY_OUTBOUND_NETWORKS = ["127.0.0.0/8"]
        settings.HAMMY_OUTBOUND_PORTS = [*settings.HAMMY_OUTBOUND_PORTS, one.port]
        yield one


@pytest.fixture
def register(caller: Caller, receiver: Receiver) -> Callable[..., Registration]:
    """``register(path="/a", format="JSON")``: one of the caller's."""

    def register_(*, path: str = "/hook", owner: Caller = caller, **wishes: Any) -> Registration:
        wish = Wish(**{"end_point": receiver.url(path)} | wishes)
        return notification_services.register(caller=owner, wish=wish)

    return register_


@pytest.fixture
def submit(caller: Caller) -> Callable[..., Job]:
    """A job of the tests' own, of the caller's client."""

    def submit_(*, owner: Caller = caller, **params: str) -> Job:
        return services.submit(caller=owner, job_class="tests.Nothing", params=list(params.items()))

    return submit_


@pytest.fixture
def failed_letters(submit: Callable[..., Job], caller: Caller) -> Callable[..., Job]:
    """``failed_letters(("req-1", "FAILED"), ...)``: a job with messages of these request ids, in these statuses."""

    def make(*letters: tuple[str, str]) -> Job:
        job = submit()
        Message.objects.bulk_create(
            Message(
                pk=job.pk * 1000 + index, client_id=caller.client_id, request_id=request_id, digest=b"", status=status,
                channel="EMAIL", recipient_name="Somebody", content={"mail_body": "hello"}, job_id=job.pk,
                closed_at=timezone.now(),
            )
            for index, (request_id, status) in enumerate(letters)
        )  # fmt: skip
        return job

    return make


def start(*jobs: Job) -> None:
    """A worker takes exactly these up."""
    _, claimed = queue.claim(queue=queue.Queue.QUICK, worker="w", size=len(jobs))
    assert {job.pk for job in claimed} == {job.pk for job in jobs}


def end(*jobs: Job, to: Status = Status.FINISHED, **how: Any) -> None:
    """They come to their end."""
    start(*jobs)
    ended = queue.move(Job.objects.filter(id__in=[job.pk for job in jobs]), to, claim=None, **how)
    assert len(ended) == len(jobs)


def deliver() -> None:
    """All that is due is brought."""
    delivery.work()
