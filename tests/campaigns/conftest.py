"""What tests of campaigns may ask for."""

from pathlib import Path
from typing import Any

import pytest

from tests.jobs.conftest import fresh_runners

__all__ = ["fresh_runners"]


@pytest.fixture
def external_root(settings: Any, tmp_path: Path) -> Path:
    """An external root of the test's own."""
    settings.HAMMY_EXTERNAL_ROOT = tmp_path / "external"
    settings.HAMMY_EXTERNAL_ROOT.mkdir()
    return settings.HAMMY_EXTERNAL_ROOT
