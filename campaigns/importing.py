"""Files of recipients into groups (contract job_v1, ``ImportRecipientsJobRunner``).

A file lies below the external root, where its sender put it or where it was kept when it was uploaded. It is read in
portions; each portion's recipients, its invalid lines and the place to go on from are kept in one transaction.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import file_digest, sha1
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from campaigns import columns, csv_reading, storing
from campaigns.csv_reading import Record, Sheet, Unreadable
from campaigns.models import InvalidLine, Recipient, RecipientGroup
from campaigns.recipient_rules import Person, problem_of
from campaigns.states import Duplicates
from gateway.caller import Caller
from gateway.errors import Code, refuse
from gateway.incoming import Incoming, StoredBytes, TooMany
from gateway.spreadsheets import line
from jobs import services as job_services
from jobs.context import Context
from jobs.models import Job
from sending.sources import owner_of
from sending.stores import stores
from sending.stores.base import Document, StoreRefusal

JOB_CLASS = "hu.dbx.hammy.processor.recipient.csv.ImportRecipientsJobRunner"
STORE = "FS"
RELATIVE_FILE_PATH, FILE_NAME, CHECKSUM = "RELATIVE_FILE_PATH", "FILE_NAME", "FILE_CONTENT_CHECKSUM"
SEPARATOR, GROUP, DUPLICATES = "CSV_SEPARATOR", "RECIPIENT_GROUP_UUID", "RECIPIENT_DUPLICATION_HANDLING_TYPE"
COLUMNS, RESULT = "COLUMNS", "RESULT_RELATIVE_FILE_PATH"
_RESULT_SUFFIX = "-invalid-addresses.csv"
_PORTION, _MOST_BYTES = 2000, 1_000_000
_PIECE = 256 * 1024
_SHOWN_LINES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A file before it is imported: how it is read, what its columns mean, how many records it has, and the first."""

    sheet: Sheet
    meaning: Mapping[str, str]
    total: int
    first: Sequence[Record]


def concurrency_key(group_uuid: UUID) -> str:
    """What imports into one group share: of two at a time, each could take the same recipient for the first."""
    return f"import {group_uuid}"


def group_of(caller: Caller, uuid: UUID) -> RecipientGroup:
    """The group; raises 1002 for one that the caller may not see or that is not there."""
    group = RecipientGroup.objects.visible_to(caller).filter(uuid=uuid).first()
    if group is None:
        raise refuse(Code.INVALID, "there is no such recipient group", "params", GROUP)
    return group


def fetched(caller: Caller, path: str, incoming: Incoming) -> StoredBytes:
    """A copy of the file at a path below the caller's folder, which nobody changes any more; raises Unreadable for what
    cannot be read there, OSError where that cannot be told."""
    try:
        with stores()[STORE].open(path, owner_of(caller)) as file:
            return incoming.receive(iter(lambda: file.read(_PIECE), b""), most=csv_reading.LONGEST_FILE)
    except StoreRefusal as refusal:
        raise Unreadable(f"it {refusal.sentence}") from refusal
    except TooMany:
        raise Unreadable(f"it is larger than {csv_reading.LONGEST_FILE} bytes") from None


def look(file: BinaryIO, *, separator: str = "", given: Mapping[str, str] | None = None) -> Look:
    """What would be imported; raises Unreadable."""
    sheet = csv_reading.look(file, separator=separator)
    try:
        meaning = columns.meanings(sheet.headers, given)
    except ValueError as error:
        raise Unreadable(str(error)) from error
    first = list(islice(csv_reading.records(file, sheet), _SHOWN_LINES))
    return Look(sheet=sheet, meaning=meaning, total=csv_reading.count(file, sheet), first=first)


def person_or_reason(reader: columns.Reader, record: Record) -> Person | str:
    """The recipient that a record is, or why it is none."""
    if record.problem:
        return record.problem
    try:
        person = reader.person(record.fields)
    except ValueError as error:
        return str(error)
    problem = problem_of(person)
    return ": ".join(filter(None, problem)) if problem else person


def keep_upload(*, caller: Caller, group: RecipientGroup, stored: StoredBytes) -> str:
    """Keep an uploaded file below the caller's folder; its path there, as the contract's sample has it."""
    return _keep(caller, f"{timezone.localdate():%Y%m%d}/{group.uuid}", f"{uuid4()}.csv", stored)


def begin(
    *,
    caller: Caller,
    group: RecipientGroup,
    path: str,
    file_name: str,
    duplicates: Duplicates = Duplicates.ALLOW,
    separator: str = "",
    checksum: str = "",
    meaning: str = "",
) -> Job:
    """The job that imports a file into a group; raises what its parameters are refused for."""
    caller.require("campaigns")
    given = {
        RELATIVE_FILE_PATH: path,
        FILE_NAME: file_name,
        CHECKSUM: checksum,
        SEPARATOR: separator,
        GROUP: str(group.uuid),
        DUPLICATES: duplicates,
        COLUMNS: meaning,
    }
    params = [(key, str(value)) for key, value in given.items() if value]
    return job_services.submit(caller=caller, job_class=JOB_CLASS, params=params)


def sha1_of(path: str) -> str:
    """The checksum of the contract, in hex."""
    with Path(path).open("rb") as file:
        return file_digest(file, lambda: sha1(usedforsecurity=False)).hexdigest()


class Import:
    """One file's way into one group, as a job."""

    def __init__(
        self,
        *,
        context: Context[Any],
        group: RecipientGroup,
        file: BinaryIO,
        found: Look,
        duplicates: Duplicates,
        digest: str,
    ) -> None:
        self._context, self._group, self._file, self._found = context, group, file, found
        self._duplicates, self._digest = duplicates, digest
        self._reader = columns.Reader(found.sheet.headers, found.meaning)

    def run(self) -> None:
        """Import what is left of the file, from where an earlier run stopped."""
        sheet = self._found.sheet
        cursor: dict[str, Any] = self._context.cursor or {"begin": sheet.begin, "line": sheet.line, "done": 0}
        self._context.progress(cursor["done"], self._found.total)
        records = csv_reading.records(self._file, self._found.sheet, begin=cursor["begin"], line=cursor["line"])
        for portion in _portions(records, cursor["begin"]):
            last = portion[-1]
            done = cursor["done"] + len(portion)
            cursor = {"begin": last.after, "line": last.next_line, "done": done, "digest": self._digest}
            good, invalid = self._read(portion)
            with transaction.atomic():
                self._context.progress(done, self._found.total)
                self._context.checkpoint(cursor=cursor)
                self._store(good)
                InvalidLine.objects.bulk_create(invalid, ignore_conflicts=True)

    def _read(self, portion: Sequence[Record]) -> tuple[list[Person], list[InvalidLine]]:
        most = len(self._found.sheet.headers) + 1
        good: list[Person] = []
        invalid: list[InvalidLine] = []
        for record in portion:
            found = person_or_reason(self._reader, record)
            if isinstance(found, str):
                row = InvalidLine(
                    job_id=self._context.job.pk,
                    line=record.line,
                    reason=found,
                    fields=list(record.fields[:most]),
                )
                invalid.append(row)
            else:
                good.append(found)
        return good, invalid

    def _store(self, people: list[Person]) -> None:
        now = timezone.now()
        if self._duplicates == Duplicates.ALLOW:
            storing.insert(people, group_id=self._group.pk, at=now)
            return
        # Of several in one portion the first is taken, or the last where the later corrects the earlier.
        by_identity: dict[str, Person] = {}
        for person in people:
            if self._duplicates == Duplicates.UPDATE or person.identity not in by_identity:
                by_identity[person.identity] = person
        known = Recipient.objects.filter(group=self._group, identity__in=list(by_identity))
        if self._duplicates == Duplicates.UPDATE:
            self._update(list(known), by_identity, now)
        there = {identity.hex for identity in known.values_list("identity", flat=True)}
        fresh = [person for identity, person in by_identity.items() if identity not in there]
        storing.insert(fresh, group_id=self._group.pk, at=now)

    def _update(self, rows: Sequence[Recipient], people: Mapping[str, Person], now: datetime) -> None:
        for row in rows:
            for name, value in storing.columns(people[row.identity.hex]).items():
                setattr(row, name, value)
            row.updated_at = now
        names = [*storing.columns(Person()), "updated_at"]
        Recipient.objects.bulk_update(rows, names, batch_size=500)


def write_result(context: Context[Any], caller: Caller, path: str, incoming: Incoming) -> str:
    """Write an import's invalid lines beside its file, once; the path, "" when there are none."""
    job_id = context.job.pk
    if not InvalidLine.objects.filter(job_id=job_id).exists():
        return ""
    folder, _, name = path.rpartition("/")
    result = incoming.receive(result_lines(job_id), most=2 * csv_reading.LONGEST_FILE)
    with suppress(StoreRefusal):
        return _keep(caller, folder, f"{name}{_RESULT_SUFFIX}", result)
    # Another result lies there, of a file that had this path before.
    try:
        return _keep(caller, folder, f"{job_id}{_RESULT_SUFFIX}", result)
    except StoreRefusal as refusal:
        raise Unreadable(f"its invalid lines cannot be written beside it: {refusal.sentence}") from refusal


def _keep(caller: Caller, folder: str, file_name: str, stored: StoredBytes) -> str:
    document = Document(
        message_id=0,
        part="",
        file_name=file_name,
        media_type="text/csv",
        digest=stored.digest,
        opener=_opener(stored.path),
        path=folder,
    )
    return stores()[STORE].keep(document, owner_of(caller))


def _opener(path: str) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        return Path(path).open("rb")

    return opened


def result_lines(job_id: int) -> Iterator[bytes]:
    """The invalid lines of an import as a file: line number, reason, and what stood there."""
    yield line(["line", "reason", "fields"])
    for row in InvalidLine.objects.filter(job_id=job_id).order_by("line").iterator(chunk_size=_PORTION):
        yield line([str(row.line), row.reason, *row.fields])


def _portions(records: Iterator[Record], begin: int) -> Iterator[list[Record]]:
    """So many records at a time, and of so many bytes."""
    portion: list[Record] = []
    for record in records:
        portion.append(record)
        if len(portion) == _PORTION or record.after - begin > _MOST_BYTES:
            begin = record.after
            yield portion
            portion = []
    if portion:
        yield portion
