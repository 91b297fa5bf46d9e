"""``… COUNT``: a campaign to so many recipients, started; the moment of the start in seconds since 1970 and the number
of its job."""

import json
import sys
import time

import django

django.setup()

from django.utils import timezone  # noqa: E402 - only a Django that is set up has models

from campaigns import recipients, services, storing  # noqa: E402
from campaigns.recipient_rules import Person  # noqa: E402
from campaigns.services import Leg  # noqa: E402
from gateway import wakeups  # noqa: E402
from gateway.caller import Caller  # noqa: E402
from sending.models import Template, TemplateVersion  # noqa: E402

count, house = int(sys.argv[1]), Caller.house("bench")
template, is_new = Template.objects.get_or_create(name="BENCH.CAMPAIGN")
if is_new:
    TemplateVersion.objects.create(
        template=template,
        version=1,
        status="ENABLED",
        subject="Dear {{ recipientName }}",
        text="Your contract {{ properties['contract'] }} is renewed.\n" + "It is as good as it was before.\n" * 20,
    )
group = recipients.create_group(caller=house, name=f"campaign {time.time_ns()}")
for start in range(0, count, 10_000):
    people = [
        Person(
            name=f"Person {number:07}",
            email_address=f"person{number:07}@example.com",
            properties={"contract": f"A-{number:07}"},
        )
        for number in range(start, min(start + 10_000, count))
    ]
    storing.insert(people, group_id=group.pk, at=timezone.now())
leg = Leg(group_uuid=group.uuid, message_type=template.name)
campaign = services.create(caller=house, title="Renewals", legs=[leg])
began = time.time()
job = services.start(caller=house, uuid=campaign.uuid)
wakeups.flush(5)
print(json.dumps({"began": began, "job": job.pk}))
