"""What a job was to send and did not, as those who are told of its end read it (jobs.undone)."""

from typing import Any

from django.db.models import Func, IntegerField
from django.db.models.fields.json import KT

from jobs.undone import Undone
from sending.models import Message
from sending.states import Status


class _Bytes(Func):
    """How many bytes a text has, counted where it lies: a thousand long ones are not brought here for it."""

    function = "octet_length"
    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="length(CAST(%(expressions)s AS BLOB))", **extra)


def messages(job_id: int, most: int) -> list[Undone]:
    """The job's messages that did not go out, in order: named by their request id or number, never by a person."""
    left = Message.objects.filter(job_id=job_id, job_id__isnull=False).exclude(status=Status.SENT).order_by("id")
    rows = left.annotate(length=_Bytes(KT("content__mail_body")))
    return [
        Undone(uuid=uuid, name=request_id or str(pk), length=length or 0)
        for pk, uuid, request_id, length in rows.values_list("id", "uuid", "request_id", "length")[:most]
    ]
