"""The headers of Standard Webhooks (contract webhook_practice): who is called can check who calls, what, and when."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from standardwebhooks.webhooks import Webhook


def message_id_of(uuid: UUID) -> str:
    """The webhook-id of a delivery."""
    return f"msg_{uuid.hex}"


def headers(*, message_id: str, at: datetime, body: bytes, secrets: Sequence[str]) -> Mapping[str, str]:
    """``secrets`` sign one beside the other, newest first: while keys are rotated the receiver may hold either."""
    text = body.decode()
    signatures = [_signer(secret).sign(msg_id=message_id, timestamp=at, data=text) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


@lru_cache(maxsize=1000)
def _signer(secret: str) -> Webhook:
    return Webhook(secret)
