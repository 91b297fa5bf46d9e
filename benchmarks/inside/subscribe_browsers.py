"""``… COUNT ENDPOINT``: so many browsers more that subscribed, with real keys, at places below ENDPOINT."""

import json
import os
import sys

import django
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid.utils import b64urlencode

django.setup()

from gateway.models import ApiClient  # noqa: E402 - only a Django that is set up has models
from sending import vapid  # noqa: E402
from sending.models import Subscription  # noqa: E402

count, place = int(sys.argv[1]), sys.argv[2]
client = ApiClient.objects.get()
key = vapid.current(client_id=client.pk)
# Making a key pair costs as much as encrypting; a few serve for all.
pairs = [ec.generate_private_key(ec.SECP256R1()).public_key() for _ in range(100)]
points = [b64urlencode(pair.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)) for pair in pairs]
start = Subscription.objects.count()
for first in range(start, start + count, 5000):
    Subscription.objects.bulk_create(
        [
            Subscription(
                client=client,
                endpoint=f"{place}/{number}",
                endpoint_digest=f"{number}",
                p256dh=points[number % len(points)],
                auth=b64urlencode(os.urandom(16)),
                vapid_key=key,
            )
            for number in range(first, min(first + 5000, start + count))
        ]
    )
print(json.dumps(count))
