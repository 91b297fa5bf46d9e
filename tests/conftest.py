"""What every test may ask for."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache

from gateway import rate_limit, wakeups
from gateway.caller import Caller
from gateway.clients import Keys
from gateway.models import ApiClient
from gateway.recent import forget_all
from sending.rendering import compiled
from tests import factories, once


def pytest_itemcollected(item: pytest.Item) -> None:
    """``-m "not once"`` leaves out what services cannot change."""
    once.mark(item)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with tests that commit come last: such a test leaves its database empty, without what migrations wrote,
    and parallel processes are given whole files."""
    committing = {item.path for item in items if _commits(item)}
    items.sort(key=lambda item: item.path in committing)


def _commits(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("django_db")
    return mark is not None and bool(mark.kwargs.get("transaction"))


@pytest.fixture(autouse=True)
def nothing_remembered(settings: Any) -> Iterator[None]:
    """Each test starts with empty caches, and password hashing costs nothing."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.HAMMY_CALLER_CACHE_SECONDS = 0
    forget_all()
    compiled.cache_clear()
    cache.clear()
    yield
    forget_all()


@pytest.fixture(autouse=True)
def no_files_left() -> Iterator[None]:
    """What a test stored is gone before the next one counts files; only this process's own folder."""
    yield
    for folder in (django_settings.MEDIA_ROOT, django_settings.HAMMY_SPOOL):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def api_client_factory(db: None) -> Callable[..., tuple[ApiClient, Keys]]:
    """``factories.make_client`` with the database at hand."""
    return factories.make_client


@pytest.fixture
def half_past(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are counted by a clock that stands still, half a minute before the next count begins."""
    monkeypatch.setattr(rate_limit, "time", lambda: 1_000_000_050.0)


@pytest.fixture
def caller(db: None) -> Caller:
    """A client with every right but seeing all and acting for users."""
    return factories.make_caller()


@pytest.fixture
def stranger(db: None) -> Caller:
    """Another client like it."""
    return factories.make_caller()


class RecordingPublisher(wakeups.Publisher):
    """Keeps what should have been sent, and sends nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.wakes: list[tuple[str, ...]] = []

    def add(self, wanted: tuple[str, ...]) -> None:
        self.wakes.append(wanted)


@pytest.fixture(autouse=True)
def wakes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Who was woken, in order, with no broker near: ``[("sending.tasks.dispatch", "EMAIL"), …]``."""
    publisher = RecordingPublisher()
    monkeypatch.setattr(wakeups, "publisher", publisher)
    return publisher.wakes
