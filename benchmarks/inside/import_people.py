"""``… COUNT``: import a file of so many recipients in this process, then COPY the same rows into the same table; lines
a second of both, and the most memory that the import took, in MB."""

import json
import resource
import sys
import time
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402 - only a Django that is set up has models
from django.db import connection, transaction  # noqa: E402

from campaigns import importing, recipients  # noqa: E402
from campaigns.models import Recipient  # noqa: E402
from gateway.caller import Caller  # noqa: E402
from jobs import runner  # noqa: E402

_COLUMNS = (
    "group_id, name, email_address, postal_address, partner_ref, language, time_zone, properties, identity, created_at,"
    " updated_at"
)


def _write(count: int) -> str:
    path = Path(settings.HAMMY_EXTERNAL_ROOT) / "people.csv"
    with path.open("w") as file:
        file.write("name;email;postal address;contract;amount\n")
        for number in range(count):
            file.write(
                f"Person {number:07};person{number:07}@example.com;{number % 200} High Street, Springfield;"
                f"A-{number:07};{number * 3}\n"
            )
    return path.name


def _copy(group_id: int) -> float:
    """Seconds that COPY takes for the rows of a group, read beforehand; nothing is kept of them."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_COLUMNS} FROM campaigns_recipient WHERE group_id = %s", [group_id])
        rows = [(*row[:7], json.dumps(row[7]) if isinstance(row[7], dict) else row[7], *row[8:]) for row in cursor]
        with transaction.atomic():
            cursor.execute("DELETE FROM campaigns_recipient")
            began = time.perf_counter()
            with cursor.copy(f"COPY campaigns_recipient ({_COLUMNS}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            seconds = time.perf_counter() - began
            transaction.set_rollback(True)
    return seconds


count = int(sys.argv[1])
group = recipients.create_group(caller=Caller.house("bench"), name=f"people {time.time_ns()}")
job = importing.begin(caller=Caller.house("bench"), group=group, path=_write(count), file_name="people.csv")
began = time.perf_counter()
while runner.work("long"):
    continue
ours = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
job.refresh_from_db()
if job.status != "FINISHED" or Recipient.objects.filter(group=group).count() != count:
    raise SystemExit(f"{job.status} {job.reason}")
peer = _copy(group.pk)
Recipient.objects.filter(group=group).delete()
print(json.dumps({"ours": count / ours, "peer": count / peer, "peak": peak}))
