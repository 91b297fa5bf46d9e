"""Groups, recipients and campaigns that tests begin with."""

from itertools import count
from pathlib import Path
from typing import Any

from django.conf import settings

from campaigns import recipients, services
from campaigns.models import Campaign, RecipientGroup
from campaigns.recipient_rules import Person
from campaigns.services import Leg
from gateway.caller import Caller
from tests.sending.factories import make_template

_numbers = count(1)


def make_group(caller: Caller, *, size: int = 0, **overrides: Any) -> RecipientGroup:
    """A group with ``size`` recipients: person 1 at person1@example.com, and so on."""
    group = recipients.create_group(caller=caller, **({"name": f"group {next(_numbers)}"} | overrides))
    for number in range(1, size + 1):
        person = Person(name=f"Person {number}", email_address=f"person{number}@example.com")
        recipients.add(caller=caller, group_uuid=group.uuid, person=person)
    return group


def make_campaign(caller: Caller, *groups: RecipientGroup, **leg: Any) -> Campaign:
    """A campaign with a leg for each group, of one template."""
    if "message_type" not in leg:
        leg["message_type"] = make_template(name=f"template{next(_numbers)}", text="It is renewed.").template.name
    legs = [Leg(group_uuid=group.uuid, **leg) for group in groups]
    return services.create(caller=caller, title="Renewals", legs=legs)


def put_file(text: str | bytes, name: str = "people.csv") -> str:
    """A file below the external root; its path there."""
    path = Path(settings.HAMMY_EXTERNAL_ROOT) / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return name
