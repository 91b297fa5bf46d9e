"""The broker: reached, and giving its word for what it was given."""

from collections.abc import Iterator
from uuid import uuid4

from celery import current_app
from django.conf import settings
from kombu import Queue

from hammy_project import vital_signs
from hammy_project.doctor.findings import Finding, failure, ok


def confirms() -> Iterator[Finding]:
    """Publishes to a queue of its own, waits for the broker's word, reads the message back and removes the queue."""
    scheme = settings.BROKER_URL.partition(":")[0]
    if reason := vital_signs.broker_failure():
        yield failure("broker", reason)
        return
    name = f"hammy-doctor-{uuid4()}"
    with current_app.connection_for_write(heartbeat=0) as connection:
        channel = connection.default_channel
        if scheme.startswith("amqp") and not connection.connection.confirm_publish:
            yield failure("broker confirms", "off: a broker that is killed forgets what it was just given")
        queue = Queue(name, exchange=name, routing_key=name, durable=False, auto_delete=True)(channel)
        queue.declare()
        try:
            with connection.Producer(channel) as producer:
                producer.publish(name, exchange=name, routing_key=name, confirm_timeout=5)
            message = queue.get(no_ack=True)
        finally:
            queue.delete()
            queue.exchange(channel).delete()
    if message is None or message.payload != name:
        yield failure("broker", f"{scheme}: what was published did not come back")
        return
    how = "a message was confirmed" if scheme.startswith("amqp") else "a message was published"
    yield ok("broker", f"{scheme}: {how} and read back")
