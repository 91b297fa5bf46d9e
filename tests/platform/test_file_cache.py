"""Counters that processes share in files."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hammy_project.file_cache import LockedFileCache

COUNTER = """
import sys
from django.conf import settings
settings.configure()
from hammy_project.file_cache import LockedFileCache
cache = LockedFileCache(sys.argv[1], {})
added = sum(cache.add(f"slot {number}", 1, 60) for number in range(200))
for _ in range(500):
    cache.incr("count")
    cache.decr("other")
print(added)
"""


@pytest.fixture
def cache(tmp_path: Path) -> LockedFileCache:
    return LockedFileCache(str(tmp_path / "cache"), {})


def test_processes_counting_at_once_lose_no_count_and_add_each_key_once(cache: LockedFileCache, tmp_path: Path) -> None:
    cache.set("count", 0, 60)
    cache.set("other", 0, 60)
    command = [sys.executable, "-c", COUNTER, str(tmp_path / "cache")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    added = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert cache.get("count") == 1500
    assert cache.get("other") == -1500
    assert sum(added) == 200


def test_threads_counting_at_once_lose_no_count(cache: LockedFileCache) -> None:
    cache.set("count", 0, 60)
    threads = [threading.Thread(target=lambda: [cache.incr("count") for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert cache.get("count") == 800


def test_counting_keeps_the_expiry(cache: LockedFileCache) -> None:
    cache.set("count", 1, 0.3)
    assert cache.incr("count", 4) == 5
    time.sleep(0.4)
    assert cache.get("count") is None
    assert cache.has_key("count") is False
    with pytest.raises(ValueError, match="Key 'count' not found"):
        cache.incr("count")


def test_adding_succeeds_again_once_the_first_expired(cache: LockedFileCache) -> None:
    assert cache.add("slot", 1, 0.2) is True
    assert cache.add("slot", 2, 0.2) is False
    assert cache.get("slot") == 1
    time.sleep(0.3)
    assert cache.add("slot", 3, None) is True
    assert cache.get("slot") == 3


def test_a_counter_may_grow_beyond_what_a_machine_word_holds(cache: LockedFileCache) -> None:
    cache.set("count", 2**63 - 1, None)
    assert cache.incr("count") == 2**63
    assert cache.incr("count") == 2**63 + 1
    assert cache.decr("count", 2**63) == 1
    assert cache.incr("count") == 2
    assert cache.get("count") == 2


def test_touching_moves_the_expiry_and_keeps_the_value(cache: LockedFileCache) -> None:
    cache.set("slot", {"a": [1, None]}, 0.2)
    assert cache.touch("slot", 60) is True
    time.sleep(0.3)
    assert cache.get("slot") == {"a": [1, None]}
    assert cache.touch("nothing", 60) is False


def test_values_come_back_as_they_went_in(cache: LockedFileCache) -> None:
    for value in (0, -1, 2**80, True, 1.5, "text", b"\x00bytes", None, [1, {"a": "b"}]):
        cache.set("key", value)
        found = cache.get("key", "missing")
        assert (type(found), found) == (type(value), value)


def test_sweeping_removes_what_expired_and_nothing_else(cache: LockedFileCache, tmp_path: Path) -> None:
    cache.set("old", 1, 0.05)
    cache.set("young", 2, 60)
    cache.set("eternal", 3, None)
    time.sleep(0.1)
    cache._cull()
    assert len(list((tmp_path / "cache").glob("*.djcache"))) == 2
    assert cache.get_many(["old", "young", "eternal"]) == {"young": 2, "eternal": 3}


def test_a_folder_removed_meanwhile_is_made_again(cache: LockedFileCache, tmp_path: Path) -> None:
    cache.set("key", 1)
    for path in (tmp_path / "cache").iterdir():
        path.unlink()
    (tmp_path / "cache").rmdir()
    assert cache.get("key") is None
    assert cache.add("key", 2) is True
    assert cache.get("key") == 2


def test_a_file_that_a_power_cut_garbled_counts_as_none(cache: LockedFileCache, tmp_path: Path) -> None:
    cache.set("key", "value")
    (path,) = (tmp_path / "cache").glob("*.djcache")
    for content in (b"", path.read_bytes()[:-3], b"garbled", b"counter 12"):
        path.write_bytes(content)
        assert cache.get("key") is None
        assert cache.add("key", "new") is True
        assert cache.get("key") == "new"


def test_only_the_owner_may_read_it(cache: LockedFileCache, tmp_path: Path) -> None:
    cache.set("key", 1)
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "cache").iterdir()}
    assert modes == {0o600}
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
