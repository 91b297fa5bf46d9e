"""The key pairs of clients by which push services know who pushes (RFC 8292): made when first asked for, retired, never
lost while a browser trusts them."""

from datetime import timedelta

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from py_vapid import Vapid
from py_vapid.utils import b64urlencode

from gateway.errors import Code, refuse
from gateway.models import ApiClient
from gateway.sealing import resealed, seal
from sending.models import Subscription, VapidKey

# A page that is open still, or was kept by a browser, subscribes with the key that it was given.
KEPT_RETIRED = timedelta(days=30)


def current(*, client_id: int) -> VapidKey:
    """The key that browsers subscribe with now."""
    keys = VapidKey.objects.current().filter(client_id=client_id)
    found = keys.first()
    if found is None:
        with transaction.atomic():
            # One after the other, of several that are the first to ask.
            ApiClient.objects.select_for_update().get(pk=client_id)
            found = keys.first() or _made(client_id)
    return found


def named(*, client_id: int, public_key: str) -> VapidKey:
    """The client's key that a browser subscribed with; raises 1002 for one that is none of its."""
    found = VapidKey.objects.filter(client_id=client_id, public_key=public_key.rstrip("=")).first()
    if found is None:
        raise refuse(Code.INVALID, "is no key of this client's: subscribe with the one that is published", "public_key")
    return found


def rotate(*, client_id: int) -> VapidKey:
    """A fresh key for those that subscribe from now on. Those that did serve on with theirs, until their pages see them
    again."""
    with transaction.atomic():
        # One after the other, of two who rotate at once.
        ApiClient.objects.select_for_update().get(pk=client_id)
        VapidKey.objects.current().filter(client_id=client_id).update(retired_at=timezone.now())
        return _made(client_id)


def reseal() -> int:
    """Seal anew what was sealed by an earlier SECRET_KEY, so that this need not be kept among the fallbacks; how many
    keys. One that cannot be read stays as it is: the doctor tells."""
    count = 0
    for key in VapidKey.objects.only("private_key"):
        fresh = resealed(key.private_key)
        if fresh:
            count += VapidKey.objects.filter(pk=key.pk, private_key=key.private_key).update(private_key=fresh)
    return count


def prune() -> int:
    """Forget keys that were retired long ago and that no browser subscribed with any more; how many."""
    used = Subscription.objects.filter(vapid_key=OuterRef("pk"))
    old = VapidKey.objects.filter(~Exists(used), retired_at__lt=timezone.now() - KEPT_RETIRED)
    return old.delete()[0]


def _made(client_id: int) -> VapidKey:
    pair = Vapid()
    pair.generate_keys()
    private = pair.private_key.private_numbers().private_value.to_bytes(32, "big")
    public = pair.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return VapidKey.objects.create(
        client_id=client_id, public_key=b64urlencode(public), private_key=seal(b64urlencode(private))
    )
