"""Calling an end point once, now, to see whether it listens: nothing is written, and no worker is needed."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

from django.utils import timezone

from gateway.outbound import Answer, Client
from jobs.states import Status
from notifications import signing
from notifications.calling import CALL_SECONDS, own_headers
from notifications.payloads import News, Style, payloads
from notifications.states import NO_JOB, EventKind


def call(*, url: str, method: str, style: Style, secrets: Sequence[str]) -> Answer:
    """What a signed notification of a job that never was (its id is all zeros) is answered with. Never raises for what
    the other side does, nor for an address that may not be called."""
    return asyncio.run(_call(url, method, style, secrets))


async def _call(url: str, method: str, style: Style, secrets: Sequence[str]) -> Answer:
    now = timezone.now()
    payload = payloads()["job_completed"]
    body = payload.body(News(kind=EventKind.TEST, at=now, job_id=None, job_uuid=NO_JOB, status=Status.FINISHED), style)
    signed = signing.headers(message_id=signing.message_id_of(uuid4()), at=now, body=body, secrets=secrets)
    headers = {**own_headers(payload.content_type(style)), **signed}
    async with Client() as client:
        return await client.call(method, url, body=body, headers=headers, seconds=CALL_SECONDS)
