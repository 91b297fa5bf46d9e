"""What tests of sending may ask for."""

from collections.abc import Callable

import pytest

from sending import dispatch, leases
from tests.sending.factories import ScriptedChannel


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ScriptedChannel]:
    """A worker over a scripted channel: call it with the outcomes to come; gives the channel."""
    monkeypatch.setattr(leases, "_own", None)

    def run(*script) -> ScriptedChannel:
        channel = ScriptedChannel(*script)
        monkeypatch.setattr(dispatch, "kept_channel", lambda name: channel)
        dispatch.Worker("EMAIL").work()
        return channel

    return run
