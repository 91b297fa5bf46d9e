"""What callbacks of the house's own jobs, which have no client, are signed with."""

from base64 import b64encode
from collections.abc import Sequence

from django.conf import settings

from gateway.sealing import derived_keys


def secrets() -> Sequence[str]:
    """HAMMY_WEBHOOK_SECRET; a site that names none signs with what follows from its SECRET_KEY."""
    if settings.HAMMY_WEBHOOK_SECRET:
        return [settings.HAMMY_WEBHOOK_SECRET]
    return ["whsec_" + b64encode(derived_keys("hammy.webhooks")[0]).decode("ascii")]
