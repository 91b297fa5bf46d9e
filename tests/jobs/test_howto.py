"""The job class of docs/howto/add-a-job-class.md does what it says, from a site's own module."""

import re
import sys
import textwrap
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings as django_settings

from gateway.caller import Caller
from gateway.errors import Refusal
from jobs import runner, services
from jobs.models import Job
from jobs.registry import job_classes
from jobs.states import Queue
from sending.models import Message
from tests.factories import make_caller
from tests.sending.factories import submitted

_NAME = "example.WithdrawPartnerJobRunner"
HOUSE = Caller.house("operator")


@pytest.fixture(autouse=True)
def example(settings: Any) -> Iterator[ModuleType]:
    """The document's module, found as a site's own are."""
    text = (django_settings.BASE_DIR / "docs" / "howto" / "add-a-job-class.md").read_text()
    (code,) = re.findall(r"^ *```python\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    module = ModuleType("job_class_of_the_document")
    sys.modules[module.__name__] = module
    exec(compile(textwrap.dedent(code), module.__name__, "exec"), vars(module))
    settings.HAMMY_JOB_CLASSES = [*settings.HAMMY_JOB_CLASSES, module.__name__]
    job_classes.cache_clear()
    yield module
    del sys.modules[module.__name__]
    job_classes.cache_clear()


def _done(partner: str) -> Job:
    job = services.submit(caller=HOUSE, job_class=_NAME, params=[("PARTNER_REF", partner)])
    runner.work(Queue.LONG)
    job.refresh_from_db()
    return job


@pytest.mark.django_db(transaction=True)
def test_the_documents_job_class_runs(example: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example, "_PORTION", 2)
    caller = make_caller()
    for _ in range(3):
        submitted(caller, partner_ref="P-1")
    other = submitted(caller, partner_ref="P-2")
    job = _done("P-1")
    assert (job.status, job.total, job.completed, job.cursor) == ("FINISHED", 3, 3, 3)
    assert [line.text for line in job.log_lines.all()] == ["withdrawn: 3"]
    cancelled = Message.objects.filter(status="CANCELLED")
    assert set(cancelled.values_list("partner_ref", "reason")) == {("P-1", f"job {job.pk}")}
    assert Message.objects.get(pk=other.pk).status == "ACCEPTED"
    job = _done("P-3")
    assert (job.status, job.reason) == ("FAILED", "nobody ever wrote to P-3")


@pytest.mark.django_db
def test_the_documents_job_class_refuses_what_it_cannot_take() -> None:
    with pytest.raises(Refusal, match=r"params\.PARTNER_REF: required"):
        services.submit(caller=HOUSE, job_class=_NAME)
    assert not Job.objects.exists()
