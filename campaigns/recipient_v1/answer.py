"""Groups, recipients and imports as this door shows them."""

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from campaigns.columns import MEMBERS
from campaigns.import_counts import counts_in
from campaigns.looking import Line, Look
from campaigns.models import Recipient, RecipientGroup
from campaigns.recipient_v1.request import PERSON_NAMES
from gateway.dates import format_moment
from gateway.envelope import meta, resource
from jobs.models import Job

Members = dict[str, Any]
_TEXTS = {member: PERSON_NAMES[member] for member in MEMBERS}


def groups(found: Iterable[RecipientGroup], total: int) -> Members:
    """A page of groups."""
    return {"data": [_group(group) for group in found], "meta": meta(total=total)}


def group(found: RecipientGroup, count: int) -> Members:
    """One group and how many recipients it has."""
    shown = _group(found)
    shown["attributes"]["recipientCount"] = count
    return {"data": shown, "meta": meta()}


def recipients(found: Iterable[Recipient], total: int) -> Members:
    """A page of recipients."""
    return {"data": [_recipient(recipient) for recipient in found], "meta": meta(total=total)}


def recipient(found: Recipient) -> Members:
    """One recipient."""
    return {"data": _recipient(found), "meta": meta()}


def done() -> Members:
    """A command that was carried out; its answer has an id of its own."""
    return {"data": resource("recipientResponses", str(uuid4()), {}), "meta": meta()}


def looked_at(found: Look) -> Members:
    """What an import would make of a file."""
    attributes = {
        "encoding": found.sheet.encoding,
        "csvSeparator": found.sheet.separator,
        "columns": [
            {"name": name, "meaning": PERSON_NAMES.get(found.meaning[name], found.meaning[name])}
            for name in found.sheet.headers
        ],
        "total": found.total,
        "records": [_record(line) for line in found.lines],
        "lookedAtCount": found.looked_at,
        "duplicateLineCount": found.duplicates,
        "invalidLineCount": found.invalid,
        "invalidRecords": [_record(line) for line in found.faults],
    }
    return {"data": resource("importPreviews", str(uuid4()), attributes), "meta": meta()}


def _record(line: Line) -> Members:
    return {"line": line.number, "fields": list(line.fields), "reason": line.problem or None}


def imported(job: Job, invalid: int) -> Members:
    """How far an import has come; what began before its lines were counted has null for the counts."""
    counts = counts_in(job.cursor)
    attributes = {
        "status": job.status,
        "reason": job.reason or None,
        "createdAt": format_moment(job.created_at),
        "finishedAt": format_moment(job.finished_at) if job.finished_at else None,
        "total": job.total,
        "completed": job.completed,
        "newLineCount": counts.new if counts else None,
        "changedLineCount": counts.changed if counts else None,
        "duplicateLineCount": counts.skipped if counts else None,
        "invalidLineCount": invalid,
    }
    return {"data": resource("imports", str(job.uuid), attributes), "meta": meta()}


def _group(group: RecipientGroup) -> Members:
    attributes = {
        "name": group.name,
        "description": group.description or None,
        "createdAt": format_moment(group.created_at),
        "updatedAt": format_moment(group.updated_at),
    }
    return resource("recipientGroups", str(group.uuid), attributes)


def _recipient(recipient: Recipient) -> Members:
    attributes = {outward: getattr(recipient, name) or None for name, outward in _TEXTS.items()}
    attributes |= {
        "properties": [{"key": key, "value": value} for key, value in recipient.properties.items()],
        "recipientGroupId": str(recipient.group.uuid),
        "createdAt": format_moment(recipient.created_at),
        "updatedAt": format_moment(recipient.updated_at),
    }
    return resource("recipients", recipient.pk, attributes)
