"""What the tests of the whole way share."""

from collections.abc import Iterator

import pytest

from tests.faults.site import forget_prepared


@pytest.fixture(scope="session", autouse=True)
def prepared_database_goes_at_last() -> Iterator[None]:
    """The database that sites are copied from is made by the first of them."""
    yield
    forget_prepared()
