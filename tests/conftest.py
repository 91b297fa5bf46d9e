"""What every test may ask for."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache

from gateway.caller import Caller
from gateway.clients import Keys
from gateway.models import ApiClient
from gateway.recent import forget_all
from tests import factories


@pytest.fixture(autouse=True)
def nothing_remembered(settings: Any) -> Iterator[None]:
    """Each test starts with empty caches, and password hashing costs nothing."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.HAMMY_CALLER_CACHE_SECONDS = 0
    forget_all()
    cache.clear()
    yield
    forget_all()


@pytest.fixture
def api_client_factory(db: None) -> Callable[..., tuple[ApiClient, Keys]]:
    """``factories.make_client`` with the database at hand."""
    return factories.make_client


@pytest.fixture
def caller(db: None) -> Caller:
    """A client with every right but seeing all and acting for users."""
    return factories.make_caller()


@pytest.fixture
def stranger(db: None) -> Caller:
    """Another client like it."""
    return factories.make_caller()
