"""Letters that come by queue: somebody takes them, and none was put aside."""

from collections.abc import Iterator

from django.conf import settings

from gateway.amqp.line import BROKEN, Line
from hammy_project import vital_signs
from hammy_project.doctor.findings import Finding, failure, ok, warning

_SILENT_SECONDS = 60.0


def by_queue() -> Iterator[Finding]:
    """The two queues and their consumers; nothing where no letters come by queue."""
    if not settings.HAMMY_AMQP_URL:
        return
    try:
        with Line(settings.HAMMY_AMQP_URL, name="doctor") as line:
            waiting = line.count(settings.HAMMY_AMQP_SEND_QUEUE)
            errors = line.count(settings.HAMMY_AMQP_ERROR_QUEUE)
    except BROKEN as error:
        yield failure("letters by queue", str(error).strip() or type(error).__name__)
        return
    if errors:
        yield warning("letters by queue", f"{errors} in {settings.HAMMY_AMQP_ERROR_QUEUE}: replay_send_errors --list")
    seconds = vital_signs.consumer_seconds()
    if seconds is not None and seconds < _SILENT_SECONDS:
        yield ok("letters by queue", f"a consumer is there, {waiting} wait")
    elif waiting:
        yield failure("letters by queue", f"{waiting} wait in {settings.HAMMY_AMQP_SEND_QUEUE}, and no consumer runs")
    else:
        yield warning("letters by queue", "no consumer runs: manage.py run consumer")
