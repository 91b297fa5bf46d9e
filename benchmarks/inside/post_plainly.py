"""``…``: what waits to be told, posted as a hand would do it: a loop round requests.Session; how many in a second."""

import json
import time

import django
import requests
from requests.adapters import HTTPAdapter

django.setup()

from notifications.claiming import news_of  # noqa: E402 - only a Django that is set up has models
from notifications.models import Delivery  # noqa: E402
from notifications.payloads import Style, payloads  # noqa: E402

letters = []
for delivery in Delivery.objects.select_related("event").order_by("due_at", "id"):
    style, payload = Style(format=delivery.format, naming=delivery.naming), payloads()[delivery.payload]
    headers = {"Content-Type": payload.content_type(style), "Accept": payload.content_type(style)}
    letters.append((delivery.url, payload.body(news_of(delivery.event), style), headers))
with requests.Session() as session:
    session.trust_env = False
    # As many as there are receivers, or it would connect anew each time.
    session.mount("http://", HTTPAdapter(pool_connections=len({url for url, _, _ in letters})))
    began = time.monotonic()
    for url, body, headers in letters:
        session.post(url, data=body, headers=headers, timeout=15, allow_redirects=False).raise_for_status()
print(json.dumps(len(letters) / (time.monotonic() - began)))
