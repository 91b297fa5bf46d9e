"""What tests of campaigns may ask for."""

from pathlib import Path
from typing import Any

import pytest

from jobs import pulse as heart
from tests.jobs.conftest import fresh_runners

__all__ = ["fresh_runners"]


@pytest.fixture(autouse=True)
def no_look_at_what_is_not_committed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pulse looks by a connection of its own: it sees nothing of a test's transaction, and would take a job that
    runs longer than a moment for one that was given up."""
    mark = request.node.get_closest_marker("django_db")
    if mark is not None and not mark.kwargs.get("transaction"):
        monkeypatch.setattr(heart, "_LOOK_SECONDS", 600.0)


@pytest.fixture
def external_root(settings: Any, tmp_path: Path) -> Path:
    """An external root of the test's own."""
    settings.HAMMY_EXTERNAL_ROOT = tmp_path / "external"
    settings.HAMMY_EXTERNAL_ROOT.mkdir()
    return settings.HAMMY_EXTERNAL_ROOT
