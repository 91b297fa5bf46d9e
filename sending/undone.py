"""What a job was to send and did not, as those who are told of its end read it (jobs.undone)."""

from jobs.undone import Undone
from sending.models import Message
from sending.states import Status


def messages(job_id: int, most: int) -> list[Undone]:
    """The job's messages that did not go out, in order: named by their request id or number, never by a person."""
    left = Message.objects.filter(job_id=job_id, job_id__isnull=False).exclude(status=Status.SENT).order_by("id")
    return [
        Undone(uuid=uuid, name=request_id or str(pk), length=len((body or "").encode()))
        for pk, uuid, request_id, body in left.values_list("id", "uuid", "request_id", "content__mail_body")[:most]
    ]
