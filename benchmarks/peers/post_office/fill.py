"""``python -m benchmarks.peers.post_office.fill COUNT``: create the tables and queue so many mails; says how fast."""

import os
import sys
import time

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.peers.post_office.settings"
django.setup()

from django.core.management import call_command  # noqa: E402 - only a Django that is set up has models
from post_office import mail  # noqa: E402

from benchmarks import letters  # noqa: E402

_CHUNK = 1000


def fill(count: int) -> float:
    """Queue ``count`` mails of 2 KB, by the thousand; mails per second."""
    began = time.monotonic()
    for start in range(0, count, _CHUNK):
        batch = [letters.mail(f"{number:010d}") for number in range(start, min(start + _CHUNK, count))]
        mail.send_many(
            [
                {
                    "sender": "noreply@localhost",
                    "recipients": one["recipientEmailAddress"],
                    "subject": one["mailSubject"],
                    "message": one["mailBody"],
                    "priority": "medium",
                }
                for one in batch
            ]
        )
    return count / (time.monotonic() - began)


call_command("migrate", verbosity=0)
print(fill(int(sys.argv[1])))
