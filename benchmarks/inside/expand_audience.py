"""A push to all browsers expanded by its job in this process: messages per second, and the memory that grew after the
first tenth of them."""

import json
import resource
import time

import django

django.setup()

from gateway.lookup import caller_of  # noqa: E402 - only a Django that is set up has models
from gateway.models import ApiClient  # noqa: E402
from jobs import runner  # noqa: E402
from jobs.models import Job  # noqa: E402
from jobs.states import Queue  # noqa: E402
from sending import pushing  # noqa: E402
from sending.models import Message, Subscription  # noqa: E402
from sending.pushing import PushOrder  # noqa: E402


def peak() -> float:
    """The most memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


audience = Subscription.objects.count()
order = PushOrder(content={"notification": {"alert": "Hello"}}, time_to_live=3600)
pushing.submit(caller=caller_of(ApiClient.objects.get()), order=order)
early = None
began = time.monotonic()
while Job.objects.filter(status="NEW").exists():
    runner.work(Queue.QUICK)
    if early is None and Message.objects.count() >= audience / 10:
        early = peak()
seconds = time.monotonic() - began
told = Message.objects.count()
print(json.dumps({"told": told, "rate": told / seconds, "added": peak() - (early or peak())}))
