"""Imports a file of recipients into a group (contract job_v1, "Job classes")."""

import json
import re
from pathlib import Path
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field

from campaigns import importing
from campaigns.csv_reading import SEPARATORS, Unreadable
from campaigns.importing import CHECKSUM, COLUMNS, DUPLICATES, FILE_NAME, GROUP, RELATIVE_FILE_PATH, RESULT, SEPARATOR
from campaigns.states import Duplicates
from gateway.caller import Caller
from gateway.incoming import Incoming
from jobs import services as job_services
from jobs.context import Context
from jobs.params import JobParams
from jobs.registry import JobClass, JobFailed, Outcome
from jobs.states import Queue

_SHA_1 = re.compile(r"([0-9A-Fa-f]{40})?", re.ASCII)


def _separator(text: str) -> str:
    if text and text not in SEPARATORS:
        raise ValueError("must be one of ; , | or a tab")
    return text


def _checksum(text: str) -> str:
    if not _SHA_1.fullmatch(text):
        raise ValueError("must be a SHA-1 in hex")
    return text


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ValueError("must be a uuid") from None


def _columns(text: str) -> str:
    try:
        given = json.loads(text or "{}")
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise ValueError('must be JSON as {"E-mail cím": "email_address"}')
    return text


class ImportRecipientsParams(JobParams):
    relative_file_path: Annotated[str, Field(alias=RELATIVE_FILE_PATH, min_length=1, max_length=1024)]
    file_name: Annotated[str, Field(alias=FILE_NAME, max_length=255)] = ""
    checksum: Annotated[str, AfterValidator(_checksum), Field(alias=CHECKSUM)] = ""
    separator: Annotated[str, AfterValidator(_separator), Field(alias=SEPARATOR)] = ""
    group: Annotated[UUID, BeforeValidator(_uuid), Field(alias=GROUP)]
    duplicates: Annotated[Duplicates, Field(alias=DUPLICATES)] = Duplicates.ALLOW
    columns: Annotated[str, AfterValidator(_columns), Field(alias=COLUMNS)] = ""


class ImportRecipients(JobClass[ImportRecipientsParams]):
    """Takes each good line once, whatever dies meanwhile, and writes the others to a result file with their reasons."""

    name: ClassVar[str] = importing.JOB_CLASS
    Params = ImportRecipientsParams
    queue = Queue.LONG
    is_resumable = True
    goes_on = True
    time_limit = 6 * 3600.0
    outputs = (RESULT,)

    def concurrency_key(self, params: ImportRecipientsParams) -> str:
        return importing.concurrency_key(params.group)

    def check(self, caller: Caller, params: ImportRecipientsParams) -> None:
        caller.require("campaigns")
        importing.group_of(caller, params.group)

    def run(self, context: Context[ImportRecipientsParams]) -> Outcome:
        params = context.params
        caller = job_services.owner_of(context.job)
        group = importing.group_of(caller, params.group)
        with Incoming() as incoming:
            try:
                stored = importing.fetched(caller, params.relative_file_path, incoming)
                self._check(context, stored.path, stored.digest)
                with Path(stored.path).open("rb") as file:
                    given = json.loads(params.columns or "{}")
                    reading = importing.reading_of(file, separator=params.separator, given=given)
                    importing.Import(
                        context=context, group=group, file=file, reading=reading, duplicates=params.duplicates,
                        digest=stored.digest,
                    ).run()  # fmt: skip
            except Unreadable as error:
                raise JobFailed(f"{params.file_name or params.relative_file_path}: {error}") from error
            if path := importing.write_result(context, caller, params.relative_file_path, incoming):
                context.set_output(RESULT, path)
        return None

    @staticmethod
    def _check(context: Context[ImportRecipientsParams], path: str, digest: str) -> None:
        wanted = context.params.checksum.lower()
        if wanted and (found := importing.sha1_of(path)) != wanted:
            raise Unreadable(f"its SHA-1 checksum is {found}, and should be {wanted}")
        if context.cursor is not None and context.cursor["digest"] != digest:
            raise Unreadable("it changed since its import began")
