"""Workers die ten times in an import and in a campaign: each line is taken, and each recipient written to, once."""

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import Popen

import pytest

from campaigns.import_counts import Counts, counts_in
from tests.faults.site import Site, site, wait_until

pytestmark = pytest.mark.timeout(580)
KILLS = 10
LINES = 40_000
QUICKLY = {
    "HAMMY_JOB_HEARTBEAT_SECONDS": "0.3",
    "HAMMY_JOB_LOST_SECONDS": "2",
    # A run ends in between, and a later one goes on.
    "HAMMY_WAKE_SECONDS": "1",
}
_IMPORT = """
from campaigns import importing, recipients
from campaigns.states import Duplicates
from gateway.caller import Caller
house = Caller.house("test")
group = recipients.create_group(caller=house, name="people")
importing.begin(caller=house, group=group, path="people.csv", file_name="people.csv",
                duplicates=Duplicates.{duplicates})
"""
_CAMPAIGN = """
from datetime import timedelta
from django.db import transaction
from django.utils import timezone
from campaigns import recipients, services, storing
from campaigns.models import CampaignPart
from campaigns.recipient_rules import Person
from campaigns.services import Leg
from gateway.caller import Caller
from tests.sending.factories import make_template
house = Caller.house("test")
group = recipients.create_group(caller=house, name="people")
addresses = ["" if number % 1000 == 7 else f"p{{number}}@example.com" for number in range({count})]
people = [Person(name="Teszt Elek", email_address=address, postal_address="High St") for address in addresses]
with transaction.atomic():
    storing.insert(people, group_id=group.pk, at=timezone.now())
make_template(name="NEWS", text="News.")
leg = Leg(group_uuid=group.uuid, message_type="NEWS", send_at=timezone.now() + timedelta(hours=5))
campaign = services.create(caller=house, title="News", legs=[leg])
services.start(caller=house, uuid=campaign.uuid)
"""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path, **QUICKLY) as made:
        made.start_beat()
        yield made


def one(running: Site, statement: str) -> int:
    return int(running.query(statement)[0][0])


def _put_people(running: Site, count: int) -> list[int]:
    """A file in which each fiftieth record has no address; the lines of those."""
    folder = running.folder / "var" / "external"
    folder.mkdir(parents=True, exist_ok=True)
    headers = ["name", "email", *(f"property {number}" for number in range(20))]
    lines = [";".join(headers)]
    for number in range(2, count + 2):
        address = "nowhere" if number % 50 == 0 else f"p{number}@example.com"
        lines.append(";".join([f"Person {number}", address, *("value" for _ in range(20))]))
    (folder / "people.csv").write_text("\n".join(lines) + "\n")
    return [number for number in range(2, count + 2) if number % 50 == 0]


def _kill(running: Site, worker: Popen[bytes], *, whole: bool) -> None:
    """SIGKILL to a worker, or to the children of its pool."""
    if whole:
        running.kill(worker)
        return
    for child in running.wait_for_pool(worker, 1):
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def _under_fire(running: Site, name: str, done: str, start: Callable[[], Popen[bytes]]) -> None:
    """Kill whoever is at jobs of the class, ten times; ``done`` asks how much of their work is kept. Each second dies
    after it kept some: one that loses five workers in vain is given up."""
    held = f"SELECT count(*) FROM jobs_job WHERE job_class LIKE '%{name}' AND claim IS NOT NULL"
    started = f"SELECT count(*) FROM jobs_jobevent WHERE name = 'STARTED' AND {_of(name)}"
    worker, seen = start(), 0
    for number in range(KILLS):
        _wait_above(running, started, seen, what=f"run {number}")
        if number % 2:
            _wait_above(running, done, one(running, done), what="a portion")
        time.sleep(random.uniform(0.0, 0.15))
        seen = one(running, started)
        # Between its turns nobody has it.
        _wait_above(running, held, 0, what=f"somebody at it before kill {number}")
        _kill(running, worker, whole=number % 5 == 4)
        if worker.poll() is not None:
            worker = start()


def _wait_above(running: Site, statement: str, count: int, *, what: str) -> None:
    wait_until(lambda: one(running, statement) > count, seconds=60, what=what)


def _of(name: str) -> str:
    return f"job_id IN (SELECT id FROM jobs_job WHERE job_class LIKE '%{name}')"


@pytest.mark.parametrize("duplicates", ["ALLOW", "SKIP"])
def test_an_import_killed_ten_times_takes_each_line_once(running: Site, duplicates: str) -> None:
    # The one that is not killed has no part in the import, and takes it from the dead.
    running.start_worker(processes=1)
    invalid = _put_people(running, LINES)
    running.manage("shell", "--no-imports", "-c", _IMPORT.format(duplicates=duplicates))
    done = "SELECT count(*) FROM campaigns_recipient"
    _under_fire(running, "ImportRecipientsJobRunner", done, lambda: running.start_long_worker(processes=1))
    is_over = "SELECT count(*) FROM jobs_job WHERE finished_at IS NULL AND job_class LIKE '%ImportRecipients%'"
    wait_until(lambda: not one(running, is_over), seconds=120, what="the end of the import")
    columns = "status, reason, total, completed, params, cursor"
    ((status, reason, total, completed, params, cursor),) = running.query(
        f"SELECT {columns} FROM jobs_job WHERE job_class LIKE '%ImportRecipients%'"
    )
    assert (status, reason, total, completed) == ("FINISHED", "", LINES, LINES)
    names = [name for (name,) in running.query("SELECT name FROM campaigns_recipient ORDER BY id")]
    good = sorted(set(range(2, LINES + 2)) - set(invalid))
    assert names == [f"Person {number}" for number in good]
    lines = [line for (line,) in running.query("SELECT line FROM campaigns_invalidline ORDER BY id")]
    assert lines == invalid
    counts = counts_in(json.loads(cursor) if isinstance(cursor, str) else cursor)
    assert counts == Counts(new=len(good), invalid=len(invalid))
    told = dict(json.loads(params) if isinstance(params, str) else params)["RESULT_RELATIVE_FILE_PATH"]
    result = (running.folder / "var" / "external" / told).read_text().splitlines()
    assert [int(text.partition(";")[0]) for text in result[1:]] == invalid


def test_a_campaign_killed_ten_times_writes_to_each_recipient_once(running: Site) -> None:
    count, skipped = 21_000, 21
    running.start_sink()
    running.manage("shell", "--no-imports", "-c", _CAMPAIGN.format(count=count))
    done = "SELECT count(*) FROM sending_message"
    _under_fire(running, "CampaignLegShareJobRunner", done, running.start_worker)
    shares = "job_class LIKE '%CampaignLegShareJobRunner'"
    open_ = f"SELECT count(*) FROM jobs_job WHERE {shares} AND finished_at IS NULL"
    wait_until(lambda: not one(running, open_), seconds=120, what="all letters to be made")
    ends = running.query(f"SELECT status, reason FROM jobs_job WHERE {shares} ORDER BY id")
    assert ends == [("FINISHED", "")] * 3, running.query(
        "SELECT id, job_class, status, attempts, reason, cursor FROM jobs_job ORDER BY id"
    )
    _assert_each_once(running, count, skipped)
    # Their time comes.
    running.change("UPDATE sending_message SET due_at = created_at")
    legs = "SELECT count(*) FROM jobs_job WHERE job_class LIKE '%Campaign%' AND finished_at IS NULL"
    wait_until(lambda: not one(running, legs), seconds=300, what="the end of the campaign")
    jobs = running.query(
        "SELECT status, reason, total, completed FROM jobs_job WHERE job_class LIKE '%CampaignJobRunner'"
        " OR job_class LIKE '%CampaignLegJobRunner' ORDER BY id"
    )
    assert jobs == [("FINISHED", "", 1, 1), ("FINISHED", "", count, count - skipped)]
    # At once, and not with the next look of the life course updater.
    closed = "SELECT count(*) FROM campaigns_campaign WHERE status = 'CLOSED' AND closed_at IS NOT NULL"
    wait_until(lambda: one(running, closed), seconds=10, what="the campaign to be closed")
    _assert_each_once(running, count, skipped)
    assert running.statuses() == {"SENT": count - skipped}
    received = running.received()
    assert (len(received), set(received.values())) == (count - skipped, {1})


def _assert_each_once(running: Site, count: int, skipped: int) -> None:
    made = running.query("SELECT recipient_email_address FROM sending_message ORDER BY 1")
    wanted = sorted(f"p{number}@example.com" for number in range(count) if number % 1000 != 7)
    assert sorted(address for (address,) in made) == wanted
    assert one(running, "SELECT count(*) FROM campaigns_skippedrecipient") == skipped
    assert one(running, "SELECT count(*) FROM campaigns_legrun") == 1
