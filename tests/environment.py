"""Where a test run keeps its things, decided before the settings are read (``-p tests.environment``).

Each run has a directory of its own, each parallel process one in it; on services each process has its own virtual
host and Redis database, so that parallel tests never meet.
"""

import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest

_VIRTUAL_HOSTS = 8
_REDIS_DATABASES = 16


def _arrange() -> Path:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not worker:
        # Parallel processes inherit this and keep below it.
        os.environ["HAMMY_TEST_DIR"] = tempfile.mkdtemp(prefix="hammy-tests-")
    base = Path(os.environ["HAMMY_TEST_DIR"])
    os.environ["VAR_DIR"] = str(base / (worker or "main"))
    # Of the tests' own, for their workers too.
    os.environ["HAMMY_JOB_CLASSES"] = "tests.jobs.classes"
    os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "0123456789abcdef" * 4)
    if os.environ.get("HAMMY_TEST_SERVICES"):
        number = int(re.sub(r"\D", "", worker) or 0)
        broker = os.environ["BROKER_URL"]
        if broker.startswith("amqp") and not broker.partition("://")[2].partition("/")[2].strip("/"):
            os.environ["BROKER_URL"] = f"{broker.rstrip('/')}/hammy_test_{number % _VIRTUAL_HOSTS}"
        cache = os.environ["CACHE_URL"]
        # Counted down from the one named, which stays untouched: 0 leads to 15, 14, 13 …
        address, _, database = cache.rpartition("/")
        os.environ["CACHE_URL"] = f"{address}/{(int(database) - 1 - number % 8) % _REDIS_DATABASES}"
    return base


_BASE = _arrange()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind; the parallel processes' directories go with the first one's."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(_BASE, ignore_errors=True)
