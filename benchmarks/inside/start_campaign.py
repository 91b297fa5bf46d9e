"""``… COUNT [DAYS]``: a campaign to so many recipients, started; its letters go out at once, or in so many days. The
moment of the start in seconds since 1970 and the number of its job."""

import json
import sys
import time
from datetime import timedelta

import django

django.setup()

from django.utils import timezone  # noqa: E402 - only a Django that is set up has models

from benchmarks.inside.campaigns import HOUSE, a_campaign  # noqa: E402
from campaigns import services  # noqa: E402
from gateway import wakeups  # noqa: E402

send_at = timezone.now() + timedelta(days=int(sys.argv[2])) if len(sys.argv) > 2 else None
uuid = a_campaign(int(sys.argv[1]), send_at=send_at)
began = time.time()
job = services.start(caller=HOUSE, uuid=uuid)
wakeups.flush(5)
print(json.dumps({"began": began, "job": job.pk}))
