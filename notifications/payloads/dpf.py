"""The callback to a job's own address (contract dpf_url_callback)."""

import json
from typing import ClassVar

from django.conf import settings

from jobs.states import Status
from notifications.payloads.base import News, Payload, Style
from notifications.states import EventKind

_SENDING, _FINISHED, _ERROR = "SENDING", "FINISHED", "ERROR"


class DpfCallback(Payload):
    """Always the same six keys, null where they say nothing."""

    name: ClassVar[str] = "dpf"

    def content_type(self, style: Style) -> str:
        return "application/json"

    def body(self, news: News, style: Style) -> bytes:
        state, exit_status, reason = _end(news)
        said = {
            "jobId": str(news.job_id),
            "jobIdFs": news.job_name,
            "jobState": state,
            "exitStatus": exit_status,
            "errorReason": reason,
            "dpfTrackerUrl": f"{settings.HAMMY_PUBLIC_URL}/track?job={news.job_name}",
        }
        return json.dumps(said, ensure_ascii=False).encode()


def _end(news: News) -> tuple[str, str | None, str | None]:
    if news.kind is EventKind.JOB_SENDING:
        return _SENDING, None, None
    if news.status == Status.FINISHED:
        return _FINISHED, "OK", None
    return _ERROR, news.failure, news.reason or None
