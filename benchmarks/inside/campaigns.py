"""A campaign for measuring: a template, a group of so many recipients, one leg."""

import time
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from campaigns import recipients, services, storing
from campaigns.recipient_rules import Person
from campaigns.services import Leg
from gateway.caller import Caller
from sending.models import Template, TemplateVersion

HOUSE = Caller.house("bench")
_TEMPLATE = "BENCH.CAMPAIGN"


def a_campaign(count: int, *, send_at: datetime | None = None) -> UUID:
    """Ready to be started."""
    template, is_new = Template.objects.get_or_create(name=_TEMPLATE)
    if is_new:
        TemplateVersion.objects.create(
            template=template,
            version=1,
            status="ENABLED",
            subject="Dear {{ recipientName }}",
            text="Your contract {{ properties['contract'] }} is renewed.\n" + "It is as good as it was before.\n" * 20,
        )
    group = recipients.create_group(caller=HOUSE, name=f"campaign {time.time_ns()}")
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
    leg = Leg(group_uuid=group.uuid, message_type=_TEMPLATE, send_at=send_at)
    return services.create(caller=HOUSE, title="Renewals", legs=[leg]).uuid
