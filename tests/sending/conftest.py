"""What tests of sending may ask for."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.caller import Caller
from gateway.lookup import caller_of
from sending import dispatch, leases
from tests.factories import make_client
from tests.fakes.push_service import PushService
from tests.sending.archives import CONTENT
from tests.sending.factories import ScriptedChannel
from tests.sending.send_v2_calls import keep_files_in


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


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """One wake-up of the real worker for a channel."""
    monkeypatch.setattr(leases, "_own", None)

    def run(name: str) -> None:
        dispatch.Worker(name).work()

    return run


@pytest.fixture
def external_root(settings: Any, tmp_path: Path) -> Path:
    """An external root of this test's own with ``test.pdf`` in the folder of ``crm``; and a storage of its own."""
    keep_files_in(tmp_path / "files", settings)
    root = tmp_path / "external"
    (root / "crm").mkdir(parents=True)
    (root / "crm" / "test.pdf").write_bytes(CONTENT)
    settings.HAMMY_EXTERNAL_ROOT = root
    return root


@pytest.fixture
def crm(db: None, external_root: Path) -> Caller:
    """A client with a folder of its own below the external root."""
    return caller_of(make_client(external_folder="crm")[0])


@pytest.fixture
def service(settings: Any) -> Iterator[PushService]:
    """A push service of the tests' own that may be called."""
    settings.HAMMY_OUTBOUND_NETWORKS = ["127.0.0.0/8"]
    with PushService() as service:
        settings.HAMMY_OUTBOUND_PORTS = [service.port]
        yield service
