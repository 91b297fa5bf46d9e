"""Files to be imported on their way in: looked at, and handed to a job."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from campaigns import files, importing, looking, recipients
from campaigns.csv_reading import Unreadable
from campaigns.models import InvalidLine, RecipientGroup
from campaigns.states import Duplicates
from gateway.caller import Caller
from gateway.errors import Code, Problem, Refusal, not_found, refuse
from gateway.incoming import Incoming, StoredBytes
from jobs.models import Job
from sending.sources import owner_of
from sending.stores import stores
from sending.stores.base import StoreRefusal

_RETRY_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An import as somebody wants it: of an uploaded file, or of the one at ``path`` below the caller's folder.
    ``meaning`` says what some columns are (campaigns.columns), ``checksum`` is the file's SHA-1 in hex."""

    group_uuid: UUID
    upload: StoredBytes | None = None
    path: str = ""
    file_name: str = ""
    separator: str = ""
    duplicates: Duplicates = Duplicates.ALLOW
    checksum: str = ""
    meaning: Mapping[str, str] = field(default_factory=dict)


def take(*, caller: Caller, order: Order) -> Job:
    """The job that imports a file, which is kept where it was uploaded. Raises 1002 for a group that is not there and a
    file that cannot be read, 3003 where none can be fetched or kept."""
    group = _group(caller, order)
    checksum = order.checksum
    with Incoming() as incoming:
        stored = _fetched(caller, order, incoming)
        checksum = _checked(order, stored)
        with Path(stored.path).open("rb") as file:
            try:
                importing.reading_of(file, separator=order.separator, given=order.meaning)
            except Unreadable as error:
                raise refuse(Code.INVALID, str(error), *_field_of(order, error)) from error
        path = order.path or _kept(caller, group, stored)
    return importing.begin(
        caller=caller,
        group=group,
        path=path,
        file_name=order.file_name or path.rpartition("/")[2],
        duplicates=order.duplicates,
        separator=order.separator,
        checksum=checksum,
        meaning=json.dumps(order.meaning, ensure_ascii=False) if order.meaning else "",
    )


def look(*, caller: Caller, order: Order) -> looking.Look:
    """What would be imported. Raises as ``take``; nothing is kept."""
    group = _group(caller, order)
    with Incoming() as incoming:
        stored = _fetched(caller, order, incoming)
        _checked(order, stored)
        with Path(stored.path).open("rb") as file:
            try:
                reading = importing.reading_of(file, separator=order.separator, given=order.meaning)
                return looking.look(file, reading, group)
            except Unreadable as error:
                raise refuse(Code.INVALID, str(error), *_field_of(order, error)) from error


def import_of(*, caller: Caller, uuid: UUID) -> tuple[Job, int]:
    """The job of an import and how many invalid lines it has found so far; raises 3000."""
    caller.require("campaigns")
    job = Job.objects.visible_to(caller).filter(uuid=uuid, job_class=importing.JOB_CLASS).first()
    if job is None:
        raise not_found(f"import {uuid}")
    return job, InvalidLine.objects.filter(job_id=job.pk).count()


def _group(caller: Caller, order: Order) -> RecipientGroup:
    group = recipients.groups(caller=caller).filter(uuid=order.group_uuid).first()
    if group is None:
        raise refuse(Code.INVALID, "there is no such recipient group", "group_uuid")
    return group


def _fetched(caller: Caller, order: Order, incoming: Incoming) -> StoredBytes:
    if order.upload is not None:
        return order.upload
    try:
        # Looked at first, for what is wrong with the place is another thing than what is wrong with the file.
        stores()[files.STORE].check(order.path, owner_of(caller))
        return importing.fetched(caller, order.path, incoming)
    except StoreRefusal as refusal:
        raise refuse(Code.STORE, refusal.sentence, "path") from refusal
    except Unreadable as error:
        raise refuse(Code.INVALID, str(error), "path") from error
    except OSError as error:
        raise _unavailable("the file cannot be fetched at present; send the request again") from error


def _checked(order: Order, stored: StoredBytes) -> str:
    """The file's checksum; raises 1002 where it should be another."""
    found = importing.sha1_of(stored.path)
    if order.checksum and order.checksum.lower() != found:
        raise refuse(Code.INVALID, f"is not that of the file, whose SHA-1 is {found}", "checksum")
    return found


def _kept(caller: Caller, group: RecipientGroup, stored: StoredBytes) -> str:
    try:
        return importing.keep_upload(caller=caller, group=group, stored=stored)
    except StoreRefusal as refusal:
        raise refuse(Code.STORE, f"the file cannot be kept: {refusal.sentence}") from refusal
    except OSError as error:
        raise _unavailable("the file cannot be kept at present; send the request again") from error


def _unavailable(sentence: str) -> Refusal:
    return Refusal(Problem(code=Code.UNAVAILABLE, sentence=sentence), retry_after=_RETRY_SECONDS)


def _field_of(order: Order, error: Unreadable) -> tuple[str, ...]:
    if order.meaning and isinstance(error, importing.WrongColumns):
        return ("meaning",)
    return ("path",) if order.upload is None else ("upload",)
