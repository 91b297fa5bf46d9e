"""What the fault tests share."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.site import forget_prepared


@pytest.fixture(scope="session", autouse=True)
def prepared_database_goes_at_last() -> Iterator[None]:
    """The database that sites are copied from is made by the first of them."""
    yield
    forget_prepared()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)
