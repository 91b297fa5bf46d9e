"""What the tests of the notifications' pages share."""

from typing import Any

from django.test import Client

from gateway.caller import Caller
from notifications import services
from notifications.models import Delivery, Event, Registration, Target
from notifications.services import Wish
from notifications.states import EventKind, Status, TargetKind
from tests.factories import make_caller

REGISTRATIONS = "/admin/notifications/registration/"
TARGETS = "/admin/notifications/target/"
DELIVERIES = "/admin/notifications/delivery/"
NASTY = "<script>alert(1)</script>"
SAFE = "&lt;script&gt;alert(1)&lt;/script&gt;"


def make_registration(owner: Caller | None = None, **wishes: Any) -> Registration:
    """A registration of a client, at an address that nobody calls here."""
    wish = Wish(**({"end_point": "https://hook.example/jobs"} | wishes))
    return services.register(caller=owner or make_caller(), wish=wish)


def make_place(owner: Caller | None = None, address: str = "https://called.example", **columns: Any) -> Target:
    """A place that callbacks lead to."""
    client_id = owner.client_id if owner else None
    return Target.objects.create(kind=TargetKind.CALLBACK, client_id=client_id, address=address, **columns)


def make_delivery(
    target: Target, *, job_id: int | None = None, kind: str = EventKind.JOB_COMPLETED, **columns: Any
) -> Delivery:
    """A delivery to a target as the event of a job left it."""
    event = Event.objects.create(kind=kind, job_id=job_id, status="FINISHED", client_id=target.client_id, undone=[])
    closed = {} if columns.get("status", Status.PENDING) == Status.PENDING else {"closed_at": event.created_at}
    values = {
        "payload": "job_completed",
        "url": target.address,
        "format": "JSON",
        "method": "POST",
        "naming": "CAMEL_CASE_WITH_FIRST_LETTER_UPPERCASE",
    }
    return Delivery.objects.create(event=event, target=target, **(values | closed | columns))


def ids(response: Any) -> list[int]:
    """The rows of a list, in its order."""
    return [row.pk for row in response.context["cl"].result_list]


def offered(client: Client, address: str) -> list[str]:
    """What a page offers to do, by title."""
    return [str(link["title"]) for link in client.get(address).context["offered"]]
