"""What the tests of campaigns share."""

from tests.jobs.conftest import fresh_runners

__all__ = ["fresh_runners"]
