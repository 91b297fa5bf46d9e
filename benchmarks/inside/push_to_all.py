"""A push to all browsers, its messages made by its job here: workers have nothing left but to hand them over."""

import json

import django

django.setup()

from gateway.lookup import caller_of  # noqa: E402 - only a Django that is set up has models
from gateway.models import ApiClient  # noqa: E402
from jobs import runner  # noqa: E402
from jobs.states import Queue  # noqa: E402
from sending import pushing  # noqa: E402
from sending.models import Message  # noqa: E402
from sending.pushing import PushOrder  # noqa: E402

order = PushOrder(
    content={"notification": {"alert": "A letter waits for you " * 20, "web": {"title": "News", "url": "https://a.test/"}}},
    time_to_live=3600,
)  # fmt: skip
pushing.submit(caller=caller_of(ApiClient.objects.get()), order=order)
while runner.work(Queue.QUICK):
    pass
print(json.dumps(Message.objects.count()))
