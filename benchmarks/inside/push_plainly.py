"""``… COUNT``: browsers told as a hand would do it, a loop round pywebpush with a session; how many in a second."""

import json
import sys
import time

import django
import requests
from pywebpush import webpush

django.setup()

from gateway.sealing import unseal  # noqa: E402 - only a Django that is set up has models
from sending.models import Push, Subscription  # noqa: E402
from sending.telling import payload  # noqa: E402

push = Push.objects.latest("id")
data = payload(push.pk, push.content)
found = Subscription.objects.select_related("vapid_key").order_by("id")[: int(sys.argv[1])]
browsers = [
    ({"endpoint": one.endpoint, "keys": {"p256dh": one.p256dh, "auth": one.auth}}, one.vapid_key) for one in found
]
private = unseal(browsers[0][1].private_key)
with requests.Session() as session:
    session.trust_env = False
    began = time.monotonic()
    for subscription, _ in browsers:
        claims = {"sub": "mailto:bench@example.com"}
        webpush(subscription, data, private, claims, ttl=3600, requests_session=session, timeout=15)
print(json.dumps(len(browsers) / (time.monotonic() - began)))
