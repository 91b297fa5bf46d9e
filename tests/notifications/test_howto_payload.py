"""The payload of docs/howto/add-a-payload.md keeps to what every payload must, and is delivered at once."""

import json
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings as django_settings

from jobs.models import Job
from jobs.states import Failure
from jobs.states import Status as JobStatus
from notifications import claiming
from notifications.models import Delivery, Registration
from notifications.payloads import payloads
from tests.fakes.receiver import Receiver
from tests.notifications import test_payload_conformance as conformance
from tests.notifications.conftest import deliver, end

_SUITE = [test for name, test in vars(conformance).items() if name.startswith("test_")]


@pytest.fixture(autouse=True)
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The document's module, in the registry as if it lay in its folder."""
    text = (django_settings.BASE_DIR / "docs" / "howto" / "add-a-payload.md").read_text()
    (code,) = re.findall(r"^ *```python\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    module = ModuleType("notifications.payloads.chat")
    sys.modules[module.__name__] = module
    exec(compile(textwrap.dedent(code), module.__name__, "exec"), vars(module))
    known = {**payloads(), "chat": vars(module)["ChatLine"]()}
    for place in (conformance, claiming):
        monkeypatch.setattr(place, "payloads", lambda: known)
    yield
    del sys.modules[module.__name__]


@pytest.mark.parametrize("test", _SUITE, ids=lambda test: test.__name__)
def test_it_keeps_to_what_every_payload_must(test: Any) -> None:
    for news in conformance.ENDS if "news" in test.__annotations__ else (None,):
        test(name="chat", **({"news": news} if news else {}))


@pytest.mark.django_db
def test_a_delivery_that_names_it_is_told_so(
    register: Callable[..., Registration], submit: Callable[..., Job], receiver: Receiver
) -> None:
    register()
    job = submit()
    end(job, to=JobStatus.FAILED, reason="no paper", failure=Failure.JOB)
    Delivery.objects.update(payload="chat")
    deliver()
    (heard,) = receiver.heard
    assert json.loads(heard.body) == {"text": f"job {job.uuid} FAILED: no paper"}
    assert heard.headers["content-type"] == "application/json"
