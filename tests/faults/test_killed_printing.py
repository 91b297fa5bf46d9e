"""R2 for printed letters: workers die while they lay letters and close runs; each letter is in one manifest."""

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256

import pytest

from tests.faults.site import Site, children_of, site, wait_until

pytestmark = pytest.mark.timeout(300)
LETTERS, KILLS = 160, 8
# Runs close again and again while workers die.
SETTINGS = {"HAMMY_PRINT_BATCH_LETTERS": "5", "HAMMY_CLAIM_SIZE": "10"}
_HANDED_OVER = "SELECT id FROM sending_printbatch WHERE handed_over_at IS NOT NULL"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("printing")) as made:
        made.start_web()
        yield made


def _listed(running: Site) -> Counter[int]:
    """How often each message is in a manifest, every file of it in place and as it should be."""
    found: Counter[int] = Counter()
    for path in (running.folder / "var" / "spool").glob("*/*/manifest.json"):
        manifest = json.loads(path.read_text())
        assert len(manifest["items"]) == manifest["letters"]
        for item in manifest["items"]:
            assert sha256((path.parent / item["file"]).read_bytes()).hexdigest() == item["sha256"]
            found[item["messageId"]] += 1
    return found


def _posted(running: Site, letters: list[dict[str, str]]) -> list[int]:
    answer = running.post("batches", {"messages": letters}).json()
    return [item["messageId"] for item in answer["messages"]]


def test_r2_every_printed_letter_is_in_one_manifest_though_workers_are_killed(running: Site) -> None:
    body = {"channel": "POST", "letterType": "NORMAL", "recipientPostalAddress": "1117 Budapest, Fő utca 1."}
    letters = [
        {"requestId": f"p{number}", "recipientName": "Teszt Elek", "mailBody": f"{number}. levél", **body}
        for number in range(LETTERS)
    ]
    ids = _posted(running, letters[: LETTERS // 2])
    running.start_beat()
    worker = running.start_worker(**SETTINGS)
    for number in range(KILLS):
        if number == KILLS // 2:
            # However quickly letters are set: the others come into another run.
            wait_until(lambda: running.query(_HANDED_OVER), seconds=60, what="a run to be handed over")
            ids += _posted(running, letters[LETTERS // 2 :])
        if number % 4 == 3:
            time.sleep(random.uniform(0.1, 0.6))
            running.kill(worker)
            worker = running.start_worker(**SETTINGS)
            continue
        worker = running.kill_child(worker, within=0.6)
    assert running.wait_drained(seconds=120) == {"SENT": LETTERS}

    running.manage("close_print_batch")
    wait_until(
        lambda: not running.query("SELECT id FROM sending_printbatch WHERE handed_over_at IS NULL"),
        seconds=60,
        what="all runs to be handed over",
    )
    assert _listed(running) == dict.fromkeys(ids, 1)
    rows = running.query("SELECT count(*), sum(letters) FROM sending_printbatch")
    assert rows[0][0] > 1
    assert rows[0][1] == LETTERS
    # None of the processes that set letters outlives its worker.
    running.kill(worker)
    wait_until(lambda: not children_of(worker), seconds=10, what="the presses to end")
