"""Files of recipients into groups (contract job_v1, ``ImportRecipientsJobRunner``).

A file lies below the external root, where its sender put it or where it was kept when it was uploaded. It is read in
portions; each portion's recipients, its invalid lines and the place to go on from are kept in one transaction.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import file_digest, sha1
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from campaigns import columns, csv_reading, files, storing
from campaigns.csv_reading import Record, Sheet, Unreadable
from campaigns.import_counts import counts_in
from campaigns.models import InvalidLine, Recipient, RecipientGroup
from campaigns.recipient_rules import Person, problem_of
from campaigns.states import Duplicates
from gateway.caller import Caller
from gateway.errors import Code, refuse
from gateway.incoming import Incoming, StoredBytes, TooMany
from gateway.spreadsheets import MARK, line
from jobs import services as job_services
from jobs.context import Context
from jobs.models import Job
from sending.sources import owner_of
from sending.stores import stores
from sending.stores.base import StoreRefusal

JOB_CLASS = "hu.dbx.hammy.processor.recipient.csv.ImportRecipientsJobRunner"
RELATIVE_FILE_PATH, FILE_NAME, CHECKSUM = "RELATIVE_FILE_PATH", "FILE_NAME", "FILE_CONTENT_CHECKSUM"
SEPARATOR, GROUP, DUPLICATES = "CSV_SEPARATOR", "RECIPIENT_GROUP_UUID", "RECIPIENT_DUPLICATION_HANDLING_TYPE"
COLUMNS, RESULT = "COLUMNS", "RESULT_RELATIVE_FILE_PATH"
_RESULT_SUFFIX = "-invalid-addresses.csv"
_PORTION, _MOST_BYTES = 2000, 1_000_000
_PIECE = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a file is read, and what each of its columns means (campaigns.columns)."""

    sheet: Sheet
    meaning: Mapping[str, str]


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
        with stores()[files.STORE].open(path, owner_of(caller)) as file:
            return incoming.receive(iter(lambda: file.read(_PIECE), b""), most=csv_reading.LONGEST_FILE)
    except StoreRefusal as refusal:
        raise Unreadable(f"it {refusal.sentence}") from refusal
    except TooMany:
        raise Unreadable(f"it is larger than {csv_reading.LONGEST_FILE} bytes") from None


class WrongColumns(Unreadable):
    """The file can be read, and its columns cannot mean what they are to."""


def reading_of(file: BinaryIO, *, separator: str = "", given: Mapping[str, str] | None = None) -> Reading:
    """How a file would be imported; raises Unreadable."""
    sheet = csv_reading.look(file, separator=separator)
    try:
        return Reading(sheet=sheet, meaning=columns.meanings(sheet.headers, given))
    except ValueError as error:
        raise WrongColumns(str(error)) from error


def person_or_reason(reader: columns.Reader, record: Record) -> Person | str:
    """The recipient that a record is, or why it is none."""
    if record.problem:
        return record.problem
    try:
        person = reader.person(record.fields)
    except ValueError as error:
        return str(error)
    if (problem := problem_of(person)) is None:
        return person
    member, sentence = problem
    return f"{reader.header_of(member)}: {sentence}" if member else sentence


def keep_upload(*, caller: Caller, group: RecipientGroup, stored: StoredBytes) -> str:
    """Keep an uploaded file below the caller's folder; its path there, as the contract's sample has it."""
    folder = f"{timezone.localdate():%Y%m%d}/{group.uuid}"
    return files.keep(caller=caller, folder=folder, file_name=f"{uuid4()}.csv", stored=stored)


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
    with transaction.atomic():
        job = job_services.submit(caller=caller, job_class=JOB_CLASS, params=params)
        files.give(caller=caller, path=path, job_id=job.pk)
    return job


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
        reading: Reading,
        duplicates: Duplicates,
        digest: str,
    ) -> None:
        self._context, self._group, self._file = context, group, file
        self._duplicates, self._digest = duplicates, digest
        self._sheet, self._reader = reading.sheet, columns.Reader(reading.sheet.headers, reading.meaning)

    def run(self) -> None:
        """Import what is left of the file, from where an earlier run stopped."""
        sheet = self._sheet
        cursor: dict[str, Any] = self._context.cursor or {"begin": sheet.begin, "line": sheet.line, "done": 0}
        # None in an import that began before they were kept.
        counts = counts_in(self._context.cursor)
        total = csv_reading.count(self._file, sheet)
        self._context.progress(cursor["done"], total)
        records = csv_reading.records(self._file, sheet, begin=cursor["begin"], line=cursor["line"])
        for portion in _portions(records, cursor["begin"]):
            last = portion[-1]
            done = cursor["done"] + len(portion)
            cursor = {"begin": last.after, "line": last.next_line, "done": done, "digest": self._digest}
            invalid: list[InvalidLine] = []
            self._context.checkpoint()
            with transaction.atomic():
                # With them the place to go on from is lost, too; and the job's end is committed after them.
                storing.commit_later()
                new = self._store(self._people(portion, invalid))
                InvalidLine.objects.bulk_create(invalid, ignore_conflicts=True)
                if counts is not None:
                    good = len(portion) - len(invalid)
                    counts = counts.plus(self._duplicates, new=new, good=good, invalid=len(invalid))
                    cursor |= {"counts": counts.as_json()}
                # What a run whose claim was taken away stored is undone with this.
                self._context.progress(done, total)
                self._context.checkpoint(cursor=cursor | {"headers": list(sheet.headers)})
        if counts is not None:
            self._context.log(counts.sentence)

    def _people(self, portion: Sequence[Record], invalid: list[InvalidLine]) -> Iterator[Person]:
        """The recipients of a portion; its other records are put into ``invalid``."""
        most = len(self._sheet.headers) + 1
        for record in portion:
            found = person_or_reason(self._reader, record)
            if not isinstance(found, str):
                yield found
                continue
            fields = list(record.fields[:most])
            invalid.append(InvalidLine(job_id=self._context.job.pk, line=record.line, reason=found, fields=fields))

    def _store(self, people: Iterable[Person]) -> int:
        """Keep the recipients of a portion; how many of them are new."""
        now = timezone.now()
        if self._duplicates == Duplicates.ALLOW:
            return storing.insert(people, group_id=self._group.pk, at=now)
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
        return storing.insert(fresh, group_id=self._group.pk, at=now)

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
    result = incoming.receive(result_lines(job_id, context.cursor), most=2 * csv_reading.LONGEST_FILE)
    keep = partial(files.keep, caller=caller, folder=folder, stored=result, job_id=job_id)
    with suppress(StoreRefusal):
        return keep(file_name=f"{name}{_RESULT_SUFFIX}")
    # Another result lies there, of a file that had this path before.
    try:
        return keep(file_name=f"{job_id}{_RESULT_SUFFIX}")
    except StoreRefusal as refusal:
        raise Unreadable(f"its invalid lines cannot be written beside it: {refusal.sentence}") from refusal


def result_lines(job_id: int, cursor: Any) -> Iterator[bytes]:
    """The invalid lines of an import as a file: line number, reason, and what stood there below its file's own heads,
    so that it can be corrected and imported. Of a file that is such a result itself only the rest is told. ``cursor``
    is the import's; one that was written before it held the heads has one for all."""
    heads: list[str] = (cursor or {}).get("headers", ["fields"])
    told = len(columns.RESULT_HEADS) if columns.is_result(heads) else 0
    yield MARK + line([*columns.RESULT_HEADS, *heads[told:]])
    for row in InvalidLine.objects.filter(job_id=job_id).order_by("line").iterator(chunk_size=_PORTION):
        yield line([str(row.line), row.reason, *row.fields[told:]])


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
