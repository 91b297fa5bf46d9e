"""R2, S21: workers die while they archive; each document lies where it should, whole, once, and nothing else does."""

import time
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.faults.site import Site, letter, site, wait_until

pytestmark = pytest.mark.timeout(300)

_SIZE = 1_000_000
_KILLS, _PORTION = 3, 15
_COUNT = _KILLS * _PORTION


def _archiving(number: int) -> dict[str, Any]:
    """A letter that archives one document to the DMS and below the root, and wants its source deleted."""

    def attachment(**properties: str) -> dict[str, Any]:
        given = [{"key": key, "value": value} for key, value in properties.items()]
        return {"fileName": f"{number}.pdf", "properties": given}

    source = {"ATTACHMENT_SOURCE": "FS", "RELATIVE_FILE_PATH": f"out/{number}.pdf"}
    return letter(
        f"a{number}",
        channel="ARCHIVE",
        attachments=[
            attachment(**source, ARCHIVE_TARGET="DMS") | {"deleteSourceExpected": True},
            attachment(**source, ARCHIVE_TARGET="FS", ARCHIVE_RELATIVE_PATH=f"in/{number % 3}"),
        ],
    )


def _sources(root: Path) -> list[bytes]:
    (root / "out").mkdir(parents=True)
    contents = [Random(number).randbytes(_SIZE) for number in range(_COUNT)]
    for number, content in enumerate(contents):
        (root / "out" / f"{number}.pdf").write_bytes(content)
    return contents


def test_r2_workers_that_die_while_archiving_lose_nothing_and_archive_nothing_twice(tmp_path: Path) -> None:
    root = tmp_path / "external"
    contents = _sources(root)
    with site(tmp_path / "site", HAMMY_EXTERNAL_ROOT=str(root)) as running:
        running.start_web()
        running.start_beat()
        chance = Random(7)
        for kill in range(_KILLS):
            worker = running.start_worker()
            messages = [_archiving(number) for number in range(kill * _PORTION, (kill + 1) * _PORTION)]
            taken = running.post("batches", {"messages": messages})
            assert taken.json()["meta"]["responseStatus"]["code"] == 0, taken.text
            wait_until(lambda: running.statuses("a")["SENDING"], seconds=60, what="a claim")
            time.sleep(chance.uniform(0, 0.05))
            running.kill(worker)
        running.start_worker()
        assert running.wait_drained("a", seconds=120) == {"SENT": _COUNT}
        # Some were shot at work, and what they were at was done by others.
        given_back = "SELECT count(*) FROM sending_messageevent WHERE name = 'ACCEPTED' AND reason LIKE '%died%'"
        assert running.query(given_back)[0][0] > 0
        _assert_archived(running, root, contents)


def _assert_archived(running: Site, root: Path, contents: list[bytes]) -> None:
    expected = {f"{number % 3}/{number}.pdf": content for number, content in enumerate(contents)}
    # Hidden ones included: whatever a dead worker left behind would be found here.
    found = {str(path.relative_to(root / "in")): path.read_bytes() for path in (root / "in").rglob("*.*")}
    assert found == expected
    documents = running.query("SELECT message_id, file_name, blob_id, version FROM sending_dmsdocument ORDER BY id")
    assert sorted(blob for _, _, blob, _ in documents) == sorted(sha256(content).hexdigest() for content in contents)
    assert len({message_id for message_id, *_ in documents}) == _COUNT
    told = "SELECT name, count(*) FROM sending_messageevent WHERE name LIKE 'SOURCE%' GROUP BY name"
    wait_until(lambda: running.query(told) == [("SOURCE_DELETED", _COUNT)], seconds=60, what="the sources to go")
    assert list((root / "out").iterdir()) == []


def test_an_archive_without_room_keeps_the_letter_until_there_is_some(small_disk: Path, tmp_path: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 200_000)
    environment = {"HAMMY_RETRY_FIRST_SECONDS": "0.5", "HAMMY_EXTERNAL_ROOT": str(small_disk)}
    with site(tmp_path / "site", **environment) as running:
        running.start_web()
        running.start_beat()
        running.start_worker()
        content = b"y" * 100_000
        properties = {"ATTACHMENT_SOURCE": "INLINE", "ARCHIVE_TARGET": "FS", "ARCHIVE_RELATIVE_PATH": "in"}
        message_id = running.send(
            "full",
            channel="ARCHIVE",
            attachments=[
                {
                    "fileName": "a.pdf",
                    "content": b64encode(content).decode(),
                    "properties": [{"key": key, "value": value} for key, value in properties.items()],
                }
            ],
        )
        running.wait_for(message_id, "RETRY")
        reasons = running.query("SELECT reason FROM sending_messageevent WHERE name = 'RETRY'")
        assert ("a.pdf not archived: No space left on device",) in reasons
        assert [path.name for path in (small_disk / "in").rglob("*")] == []
        ballast.unlink()
        running.wait_for(message_id, "SENT")
        assert (small_disk / "in" / "a.pdf").read_bytes() == content
