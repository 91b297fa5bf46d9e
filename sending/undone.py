"""What a job was to send and did not, as those who are told of its end read it (jobs.undone)."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import F, Func, IntegerField, Window
from django.db.models.fields.json import KT
from django.db.models.functions import RowNumber

from jobs.undone import Undone
from sending.models import Message
from sending.states import Status


class _Bytes(Func):
    """How many bytes a text has, counted where it lies: a thousand long ones are not brought here for it."""

    function = "octet_length"
    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="length(CAST(%(expressions)s AS BLOB))", **extra)


def messages(job_ids: Sequence[int], most: int) -> Mapping[int, list[Undone]]:
    """The jobs' messages that did not go out, in order: named by their request id or number, never by a person."""
    left = Message.objects.filter(job_id__in=job_ids, job_id__isnull=False).exclude(status=Status.SENT)
    place = Window(RowNumber(), partition_by=F("job_id"), order_by="id")
    first = left.annotate(length=_Bytes(KT("content__mail_body")), place=place).filter(place__lte=most)
    found: dict[int, list[Undone]] = {}
    for pk, job_id, uuid, request_id, length in first.order_by("job_id", "id").values_list(
        "id", "job_id", "uuid", "request_id", "length"
    ):
        found.setdefault(job_id or 0, []).append(Undone(uuid=uuid, name=request_id or str(pk), length=length or 0))
    return found
